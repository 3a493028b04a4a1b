"""The small formulas of the summaries: hours, overlap, outliers and key figures."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.analytics.series import Value
from domain.analytics.summaries.kpis import Kpi, kpi, share
from domain.analytics.summaries.outliers import Outlier, age_in_days, outlier
from domain.analytics.summaries.overlap import Overlap, overlaps
from domain.analytics.summaries.posting_hours import PostingHour, posting_hours

SUNDAY = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


def test_posts_are_folded_by_weekday_and_hour_of_the_zone():
    videos = [
        (SUNDAY, 10),
        (SUNDAY + timedelta(days=7), None),
        (SUNDAY + timedelta(days=14, minutes=29), 25),
        (SUNDAY + timedelta(minutes=30), None),
    ]

    assert posting_hours(videos, ZoneInfo("UTC")) == [
        PostingHour(dow=0, hour=23, post_count=3, avg_views=17.5),
        PostingHour(dow=1, hour=0, post_count=1, avg_views=None),
    ]
    assert [
        (hour.dow, hour.hour)
        for hour in posting_hours(videos, ZoneInfo("Asia/Kolkata"))
    ] == [(1, 5)]
    assert posting_hours([], ZoneInfo("UTC")) == []


def test_the_overlap_is_what_is_in_both_of_what_is_in_either():
    one, two, three, empty = (UUID(int=number) for number in range(4))
    amounts = [((one,), 1), ((one, two), 2), ((one, three, two), 1), ((three,), 4)]

    found = overlaps((one, two, three, empty), amounts)

    assert found == {
        (one, two): Overlap(3, 0.75),
        (one, three): Overlap(1, 0.125),
        (one, empty): Overlap(0, 0.0),
        (two, three): Overlap(1, 0.142857),
        (two, empty): Overlap(0, 0.0),
        (three, empty): Overlap(0, 0.0),
    }
    assert overlaps((one, two), []) == {(one, two): Overlap(0, None)}


@pytest.mark.parametrize(
    ("views", "peers", "factor"),
    (
        (30, [10, 10, 10, 10, 10], 3.0),
        (30, [1, 2, 20, 40, 80], 1.5),
        (30, [1, 2, 10, 20, 40, 80], 2.0),
        (30, [None, 10, None, 10, 10, 10, 10], 3.0),
        (30, [None, 10, 10, 10, 10], None),
        (None, [10] * 30, None),
        (30, [0, 0, 0, 10, 10], None),
        (0, [10] * 5, 0.0),
    ),
)
def test_a_video_is_compared_with_the_median_of_at_least_five_known_peers(
    views: int | None, peers: list[int | None], factor: float | None
):
    found = outlier(views, peers, age_days=3)

    assert (found and found.outlier_factor) == factor


def test_no_video_is_judged_before_the_end_of_its_first_day():
    assert outlier(30, [10] * 5, age_days=0) is None
    assert outlier(30, [10] * 5, age_days=1) is not None


def test_a_judged_video_says_what_it_is_compared_with():
    assert outlier(30, [None, 1, 2, 10, 20, 40, 80], age_days=3) == Outlier(
        age_days=3, views=30, peer_median=15.0, peers=6, outlier_factor=2.0
    )


def test_ages_are_whole_days_since_posting():
    assert age_in_days(SUNDAY, at=SUNDAY + timedelta(hours=47, minutes=59)) == 1
    assert age_in_days(SUNDAY, at=SUNDAY + timedelta(hours=48)) == 2


@pytest.mark.parametrize(
    ("value", "previous", "change", "percent"),
    (
        (150, 100, 50, 50.0),
        (0, 3, -3, -100.0),
        (5, 0, 5, None),
        (5, None, None, None),
        (None, 5, None, None),
        # Growth is upwards, also out of a loss.
        (-10, -20, 10, 50.0),
        (0.3, 0.1, 0.2, 200.0),
    ),
)
def test_a_change_is_of_what_was_before(
    value: Value, previous: Value, change: Value, percent: float | None
):
    assert kpi(value, previous, known_share=0.5) == Kpi(
        value=value,
        previous=previous,
        change=change,
        change_percent=percent,
        rounded=False,
        sharpened=False,
        previous_rounded=False,
        known_share=0.5,
        known_from=None,
    )


@pytest.mark.parametrize("mark", ("rounded", "sharpened", "previous_rounded"))
def test_a_change_that_rests_on_rounded_levels_has_no_percentage(mark: str):
    found = kpi(
        63_000,
        7_741,
        rounded=mark == "rounded",
        sharpened=mark == "sharpened",
        previous_rounded=mark == "previous_rounded",
        known_share=1.0,
    )

    assert (found.change, found.change_percent) == (55_259, None)
    assert not found.is_change_exact


def test_a_share_of_nothing_is_unknown():
    assert share(1, 3) == 0.333333
    assert share(0, 0) is None
