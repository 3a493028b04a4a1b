"""The days of a shared page: an address narrows them and never widens them."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from api.web.shared.days import (
    SharedDays,
    days_of_share,
    progress_as_of,
    query_of,
    shows_progress,
)
from domain.messages import copied
from domain.share.decider import ShareState
from tests.domain.share.test_decider import MADE

NOW = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
NOVEMBER = replace(
    copied(MADE, ShareState),
    rolling=None,
    first_day=date(2026, 11, 1),
    last_day=date(2026, 11, 20),
)


def days(
    share: ShareState = NOVEMBER,
    *,
    zone: ZoneInfo = UTC_ZONE,
    keeps: int | None = None,
    **given: str,
) -> SharedDays:
    query = query_of({name.rstrip("_"): [text] for name, text in given.items()})
    return days_of_share(share, query, zone=zone, now=NOW, keeps=keeps)


def shown(found: SharedDays) -> tuple[int, int]:
    assert found.first.month == found.last.month == 11
    return found.first.day, found.last.day


def test_a_wider_choice_is_cut_to_the_days_of_the_link():
    assert shown(days()) == (1, 20)
    assert shown(days(from_="2026-01-01", to="2026-12-31")) == (1, 20)
    assert shown(days(from_="2026-11-05", to="2026-11-10")) == (5, 10)
    assert shown(days(from_="2026-11-05")) == (5, 20)
    assert shown(days(to="2026-11-04")) == (1, 4)
    # Seven days until the 29th do not meet the days of the link.
    assert shown(days(period="7d")) == (1, 20)
    assert shown(days(period="28d")) == (2, 20)


def test_what_is_no_choice_is_passed_over():
    wrong: list[dict[str, Any]] = [
        {"from_": "yesterday", "to": "2026-13-01"},
        {"from_": "2026-11-20", "to": "2026-11-05"},
        {"from_": "2025-01-01", "to": "2025-02-01"},
        {"period": "everything"},
        {"metric": "secrets", "mode": "all"},
    ]
    for given in wrong:
        assert shown(days(**given)) == (1, 20), given


def test_a_rolling_link_goes_on_with_time_and_stands_still_with_as_of():
    rolling = replace(NOVEMBER, first_day=None, last_day=None, rolling="7d")
    frozen = replace(
        rolling, as_of="51207", as_of_at=datetime(2026, 11, 10, 12, tzinfo=UTC)
    )

    assert shown(days(rolling)) == (23, 29)
    assert shown(days(frozen)) == (4, 10)
    assert shown(days(frozen, from_="2026-11-08", to="2026-11-29")) == (8, 10)


def test_days_are_those_of_the_organization():
    rolling = replace(NOVEMBER, first_day=None, last_day=None, rolling="7d")

    found = days(rolling, zone=ZoneInfo("Asia/Tokyo"))

    assert found.last == date(2026, 11, 30)


def test_a_link_shows_no_more_days_than_the_plan_keeps():
    assert shown(days(keeps=14)) == (15, 20)


def test_days_that_have_not_begun_show_nothing():
    later = replace(NOVEMBER, first_day=date(2026, 12, 1), last_day=None)

    found = days(later)

    assert not found.has_begun
    assert days().has_begun


def test_days_before_the_link_are_compared_only_if_it_is_rolling():
    assert not days().may_compare(is_rolling=False)
    assert days().may_compare(is_rolling=True)
    assert days(from_="2026-11-11").may_compare(is_rolling=False)
    assert not days(from_="2026-11-10").may_compare(is_rolling=False)


def test_shorter_periods_are_offered_where_they_fit():
    rolling = replace(NOVEMBER, first_day=None, last_day=None, rolling="28d")

    assert days().shorter == []
    assert days(rolling).shorter == [("7d", "7 days", False)]
    assert days(rolling, period="7d").shorter == [("7d", "7 days", True)]


def test_targets_are_counted_within_the_days_of_the_link():
    rolling = replace(NOVEMBER, first_day=None, last_day=None, rolling="28d")
    # The day before the link begins, and its first day.
    early, on_time = date(2026, 10, 31), date(2026, 11, 1)
    assert shows_progress(rolling, early)
    assert not shows_progress(NOVEMBER, early)
    assert shows_progress(NOVEMBER, on_time)

    tokyo = ZoneInfo("Asia/Tokyo")
    frozen_at = datetime(2026, 11, 10, 12, tzinfo=UTC)
    early_frozen = replace(NOVEMBER, as_of="7", as_of_at=frozen_at)
    late_frozen = replace(NOVEMBER, as_of="9", as_of_at=NOW)
    open_end = replace(NOVEMBER, last_day=None)
    for share, zone, expected in (
        (NOVEMBER, UTC_ZONE, "2026-11-20T23:59:59.999999+00:00"),
        (NOVEMBER, tokyo, "2026-11-20T14:59:59.999999+00:00"),
        (early_frozen, UTC_ZONE, "7"),
        (late_frozen, UTC_ZONE, "2026-11-20T23:59:59.999999+00:00"),
        (open_end, UTC_ZONE, None),
        (replace(NOVEMBER, last_day=NOW.date()), UTC_ZONE, None),
        (rolling, UTC_ZONE, None),
        (replace(rolling, as_of="7", as_of_at=frozen_at), UTC_ZONE, "7"),
    ):
        assert progress_as_of(share, zone=zone, now=NOW) == expected, (share, zone)
