"""Values of rates."""

from domain.analytics.metrics import Question
from domain.analytics.series import CounterSeries, value_of


def counter(first: int, last: int) -> CounterSeries:
    """A counter of one video, known at both ends of one bucket."""
    return CounterSeries(
        levels=(first, last), known=(1, 1), bases=(0,), baselines=(0,), snapshots=(1,)
    )


def test_a_rate_of_nothing_by_views_that_shrank_is_zero_without_a_sign():
    rate = Question(entity="creator", metric="engagement_rate_by_views", mode="rate")
    same = dict.fromkeys(("likes", "comments", "shares", "saves"), counter(4, 4))

    value = value_of(rate, {**same, "views": counter(50, 40)}, 0, days=1)

    assert str(value) == "0.0"
