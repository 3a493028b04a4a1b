"""The habit of posting: posts a week, and a silence that is unusual."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.analytics.summaries.posting import has_stopped_posting, posts_per_week

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
    posts = [NOW - timedelta(days=days) for days in days_ago]

    assert has_stopped_posting(posts, now=NOW) is stopped


def test_posts_per_week_are_of_seven_days():
    assert posts_per_week(4, days=28) == 1
    assert posts_per_week(1, days=28) == 0.25
    assert posts_per_week(0, days=7) == 0
