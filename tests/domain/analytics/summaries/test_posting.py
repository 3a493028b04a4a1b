"""The habit of posting: posts a week, and a silence that is unusual."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.analytics.summaries.posting import Silence, posts_per_week, silences

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days_ago", "stopped"),
    (
        ([], False),
        ([90], False),
        # The median gap is one day, and seven days are the least.
        ([10, 9, 8], True),
        ([9, 8, 7.01], True),
        ([9, 8, 7], False),
        # The median gap is ten days, so twenty may pass.
        ([50, 40, 30, 20.01], True),
        ([50, 40, 30, 20], False),
        # One long pause does not change the habit.
        ([300, 100, 99, 98, 97, 10], True),
        # Between gaps of 4 and 10 days the median is 7.
        ([28.1, 24.1, 14.1], True),
        ([27.9, 23.9, 13.9], False),
        ([10, 20.01, 30, 40, 50], False),
    ),
)
def test_a_creator_stopped_after_twice_their_own_gap_and_seven_days(
    days_ago: list[float],
    stopped: bool,  # noqa: FBT001 - of the table above
):
    posts = sorted(NOW - timedelta(days=days) for days in days_ago)

    assert any(each.holds_at(NOW) for each in silences(posts)) is stopped


def days(*numbers: float) -> list[datetime]:
    return [NOW + timedelta(days=number) for number in numbers]


def stopped(*numbers: float) -> list[float]:
    """The days on which a creator with posts on these days stopped posting."""
    found = silences(days(*numbers))
    return [(silence.at - NOW) / timedelta(days=1) for silence in found]


def test_a_creator_without_a_habit_does_not_stop_posting():
    assert stopped() == stopped(1) == []


def test_a_silence_is_at_least_seven_days_long():
    assert stopped(0, 1) == [8]
    assert stopped(0, 1, 8) == [16]
    assert stopped(0, 1, 9) == [8, 18]


def test_a_silence_is_longer_than_twice_the_median_until_then():
    assert stopped(0, 10) == [30]
    assert stopped(0, 10, 30) == [60]
    # The median of 10 and 21 days is 15.5.
    assert stopped(0, 10, 31) == [30, 62]


def test_a_silence_names_the_last_post_and_the_usual_time():
    assert [*silences(days(0, 4, 10, 21))] == [
        Silence(days(10)[0], days(20)[0], timedelta(days=5), days(21)[0]),
        Silence(days(21)[0], days(33)[0], timedelta(days=6)),
    ]


def test_posts_per_week_are_of_seven_days():
    assert posts_per_week(4, days=28) == 1
    assert posts_per_week(1, days=28) == 0.25
    assert posts_per_week(0, days=7) == 0
