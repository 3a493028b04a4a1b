"""Buckets: cut first and last ones, and the range to compare with."""

from datetime import date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.buckets import Granularity, Range

UTC = ZoneInfo("UTC")
DAYS = st.dates(date(2023, 1, 1), date(2028, 12, 31))


def range_of(first: str, last: str, granularity: Granularity) -> Range:
    return Range(
        first=date.fromisoformat(first),
        last=date.fromisoformat(last),
        granularity=granularity,
        zone=UTC,
    )


def cuts(days: Range) -> list[bool]:
    return [bucket.is_cut for bucket in days.buckets()]


@pytest.mark.parametrize(
    ("first", "last", "granularity", "cut"),
    (
        ("2026-03-02", "2026-03-15", "week", [0, 0]),
        ("2026-03-03", "2026-03-16", "week", [1, 0, 1]),
        ("2026-03-03", "2026-03-05", "week", [1]),
        ("2026-02-01", "2026-03-31", "month", [0, 0]),
        ("2026-02-02", "2026-03-30", "month", [1, 1]),
        ("2026-02-02", "2026-02-03", "day", [0, 0]),
    ),
)
def test_a_bucket_is_cut_where_the_range_begins_or_ends_inside_of_it(
    first: str, last: str, granularity: Granularity, cut: list[int]
):
    assert cuts(range_of(first, last, granularity)) == cut


@pytest.mark.parametrize(
    ("granularity", "days", "before"),
    (
        ("day", ("2026-03-04", "2026-03-05"), ("2026-03-02", "2026-03-03")),
        # Whole weeks with whole weeks.
        ("week", ("2026-03-02", "2026-03-15"), ("2026-02-16", "2026-03-01")),
        # From Wednesday until Tuesday, as the weeks here.
        ("week", ("2026-02-25", "2026-03-10"), ("2026-02-04", "2026-02-17")),
        ("week", ("2026-03-03", "2026-03-05"), ("2026-02-24", "2026-02-26")),
        # Whole months with whole months, however long.
        ("month", ("2026-03-01", "2026-04-30"), ("2026-01-01", "2026-02-28")),
        ("month", ("2026-01-10", "2026-03-20"), ("2025-10-10", "2025-12-20")),
        # February has no 30 days.
        ("month", ("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28")),
        ("month", ("2026-03-30", "2026-03-31"), ("2026-02-28", "2026-02-28")),
    ),
)
def test_the_comparison_is_laid_bucket_beside_bucket(
    granularity: Granularity, days: tuple[str, str], before: tuple[str, str]
):
    expected = range_of(*before, granularity)

    assert range_of(*days, granularity).prior() == expected


@pytest.mark.parametrize(
    ("granularity", "days", "before"),
    (
        ("day", ("2026-03-01", "2026-03-31"), ("2026-02-01", "2026-02-28")),
        ("week", ("2026-03-01", "2026-04-30"), ("2026-01-01", "2026-02-28")),
        ("month", ("2026-04-01", "2026-04-30"), ("2026-03-01", "2026-03-31")),
        ("day", ("2026-03-01", "2026-03-30"), ("2026-01-30", "2026-02-28")),
        ("day", ("2026-03-02", "2026-03-31"), ("2026-01-31", "2026-03-01")),
        ("month", ("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28")),
    ),
)
def test_totals_of_whole_months_compare_with_whole_months(
    granularity: Granularity, days: tuple[str, str], before: tuple[str, str]
):
    found = range_of(*days, granularity).before()

    first, last = map(date.fromisoformat, before)
    assert (found.first, found.last) == (first, last)


@pytest.mark.parametrize(
    ("granularity", "days", "now", "before"),
    (
        # Up to the end of the present quarter of an hour, in Berlin.
        (
            "day",
            ("2026-03-23", "2026-03-24"),
            "2026-03-24T14:07",
            ("2026-03-21", "2026-03-22", "2026-03-22T14:15"),
        ),
        (
            "week",
            ("2026-03-23", "2026-03-25"),
            "2026-03-25T14:00",
            ("2026-03-16", "2026-03-18", "2026-03-18T14:00"),
        ),
        # The last day of a month is not a whole month yet.
        (
            "month",
            ("2026-11-01", "2026-11-30"),
            "2026-11-30T09:01",
            ("2026-10-01", "2026-10-30", "2026-10-30T09:15"),
        ),
        (
            "month",
            ("2026-01-10", "2026-03-20"),
            "2026-03-20T09:01",
            ("2025-10-10", "2025-12-20", "2025-12-20T09:15"),
        ),
        # February has no 30 days.
        (
            "month",
            ("2026-03-01", "2026-03-30"),
            "2026-03-30T09:01",
            ("2026-02-01", "2026-02-28", None),
        ),
        # Later days have not begun.
        (
            "day",
            ("2026-03-21", "2026-03-30"),
            "2026-03-22T23:59",
            ("2026-03-11", "2026-03-12", None),
        ),
        ("day", ("2026-03-24",) * 2, "2026-03-24T23:50", ("2026-03-23",) * 2 + (None,)),
        (
            "day",
            ("2026-03-24",) * 2,
            "2026-03-24T00:00:01",
            ("2026-03-23", "2026-03-23", "2026-03-23T00:15"),
        ),
        # A day that is over, and one that has not begun.
        ("day", ("2026-03-24",) * 2, "2026-03-25T09:00", ("2026-03-23",) * 2 + (None,)),
        ("day", ("2026-03-24",) * 2, "2026-03-20T09:00", ("2026-03-23",) * 2 + (None,)),
        # The clocks went forward on March 29, and 02:30 was skipped.
        (
            "day",
            ("2026-03-30",) * 2,
            "2026-03-30T02:20",
            ("2026-03-29", "2026-03-29", "2026-03-29T03:30"),
        ),
    ),
)
def test_a_range_that_is_not_over_is_compared_with_as_much_of_the_one_before(
    granularity: Granularity,
    days: tuple[str, str],
    now: str,
    before: tuple[str, str, str | None],
):
    berlin = ZoneInfo("Europe/Berlin")
    first, last = map(date.fromisoformat, days)
    shown = Range(first=first, last=last, granularity=granularity, zone=berlin)

    found = shown.before(now=datetime.fromisoformat(now).replace(tzinfo=berlin))

    until = found.until and f"{found.until.astimezone(berlin):%Y-%m-%dT%H:%M}"
    assert (str(found.first), str(found.last), until) == before
    assert found.start < found.end <= shown.start


@given(
    first=DAYS,
    days=st.integers(1, 400),
    granularity=st.sampled_from(get_args(Granularity)),
)
def test_both_lists_have_the_same_length_and_do_not_overlap(
    first: date, days: int, granularity: Granularity
):
    last = first + timedelta(days=days - 1)
    shown = Range(first=first, last=last, granularity=granularity, zone=UTC)

    prior = shown.prior()

    assert len(prior.buckets()) == len(shown.buckets())
    assert prior.last < shown.first
    if granularity == "week":
        assert cuts(prior) == cuts(shown)
        assert prior.days == shown.days
    if granularity == "day":
        assert prior.days == shown.days
        assert prior.last == first - timedelta(days=1)
