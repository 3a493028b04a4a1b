"""Posting consistency: the weeks that count, and the gaps between posts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.analytics.summaries.consistency import (
    PostingConsistency,
    PostingWeeks,
    consistency,
    weeks_before,
)

LATER = datetime(2027, 1, 1, tzinfo=UTC)
# A Monday; the twelve weeks before it begin on December 8.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEKS = weeks_before(date(2026, 3, 4), ZoneInfo("UTC"), now=LATER)


def days(*after: float) -> list[datetime]:
    return [MONDAY + timedelta(days=day) for day in after]


@pytest.mark.parametrize(
    ("last", "now", "end"),
    (
        ("2026-03-04", LATER, "2026-03-02"),
        ("2026-03-08", LATER, "2026-03-09"),
        ("2026-03-07", LATER, "2026-03-02"),
        # The Sunday is not over.
        ("2026-03-08", datetime(2026, 3, 8, 23, tzinfo=UTC), "2026-03-02"),
        ("2999-12-31", datetime(2026, 3, 4, 12, tzinfo=UTC), "2026-03-02"),
    ),
)
def test_the_weeks_are_the_twelve_whole_ones_that_are_over(
    last: str, now: datetime, end: str
):
    weeks = weeks_before(date.fromisoformat(last), ZoneInfo("UTC"), now=now)

    monday = datetime.fromisoformat(f"{end}T00:00Z")
    assert weeks.bounds == tuple(
        monday - timedelta(days=7 * n) for n in range(12, -1, -1)
    )
    assert weeks.end == min(
        now, datetime.fromisoformat(f"{last}T00:00Z") + timedelta(days=1)
    )


def test_weeks_begin_at_midnight_in_the_zone():
    weeks = weeks_before(date(2026, 4, 1), ZoneInfo("Europe/Berlin"), now=LATER)

    # The clock went forward on the Sunday before.
    assert weeks.bounds[-2:] == (
        datetime(2026, 3, 22, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
    )


def test_a_week_with_a_post_is_one_however_many_it_has():
    found = consistency(days(-80, -10, -9, -8, -3), WEEKS)

    assert found == PostingConsistency(
        share_of_weeks=0.25,
        posts_per_week=0.416667,
        longest_gap_days=70.0,
        gap_standard_deviation=29.345996,
        last_post_at=MONDAY - timedelta(days=3),
    )


def test_a_post_at_midnight_is_of_the_week_that_begins_with_it():
    assert consistency(days(-84), WEEKS).share_of_weeks == 0.083333
    assert consistency(days(-0.01), WEEKS).share_of_weeks == 0.083333
    assert consistency(days(0), WEEKS).share_of_weeks == 0.0


def test_a_gap_lies_inside_of_the_weeks():
    # The weeks are over on Monday, and begin 84 days before.
    assert consistency(days(-20, -19), WEEKS).longest_gap_days == 19.0
    assert consistency(days(-20, -19, 2), WEEKS).longest_gap_days == 19.0
    assert consistency(days(-200), WEEKS).longest_gap_days == 84.0
    assert consistency(days(2), WEEKS).longest_gap_days == 84.0
    assert consistency(days(-30, -1, 2.9), WEEKS).longest_gap_days == 29.0


def test_three_posts_in_the_weeks_have_a_standard_deviation():
    assert consistency(days(-20, -10, 1), WEEKS).gap_standard_deviation is None
    assert consistency(days(-20, -10), WEEKS).gap_standard_deviation is None
    assert consistency(days(-20, -10, -6), WEEKS).gap_standard_deviation == 3.0
    # A gap that began before the weeks does not lie between two posts of these weeks.
    assert consistency(days(-99, -10, -6), WEEKS).gap_standard_deviation is None


def test_what_was_posted_since_the_end_is_not_there():
    weeks = PostingWeeks(bounds=WEEKS.bounds, end=MONDAY)

    assert consistency(days(-4, 2), weeks) == consistency(days(-4), weeks)


def test_who_never_posted_has_no_last_post():
    assert consistency([], WEEKS) == PostingConsistency(
        share_of_weeks=0.0,
        posts_per_week=0.0,
        longest_gap_days=None,
        gap_standard_deviation=None,
        last_post_at=None,
    )
