"""The days that a dashboard compares with, in the words next to a number."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from api.web.dashboard.periods import PeriodNameOrNone, days_of

ZONE = ZoneInfo("UTC")
THURSDAY, SUNDAY, MONDAY = date(2026, 11, 26), date(2026, 11, 29), date(2026, 11, 23)


@pytest.mark.parametrize(
    ("name", "today", "words"),
    (
        ("this_week", THURSDAY, "last week, Mon to Thu"),
        ("this_week", MONDAY, "last week, Mon"),
        ("this_week", SUNDAY, "last week"),
        ("last_week", THURSDAY, "in the week before"),
        ("this_month", THURSDAY, "last month, 1 to 26 Oct"),
        ("this_month", date(2026, 11, 1), "last month, 1 Oct"),
        ("this_month", date(2026, 11, 30), "last month"),
        ("last_month", THURSDAY, "in the month before"),
        ("28d", THURSDAY, "in the 28 days before"),
        ("", THURSDAY, "in the 28 days before"),
    ),
)
def test_a_part_of_a_period_is_compared_with_as_much_of_the_one_before(
    name: PeriodNameOrNone, today: date, words: str
):
    days = days_of(name, "", "", today=today, zone=ZONE)

    assert days.before(None) == words
    # The months have different lengths, but only whole ones are compared whole.
    if name not in {"last_month", "this_month"} or "1 " in words:
        assert days.prior.days == days.period.days


def test_days_of_ones_own_are_compared_with_as_many_before():
    one = days_of("", "2026-11-05", "2026-11-05", today=THURSDAY, zone=ZONE)
    month = days_of("", "2026-03-01", "2026-03-31", today=THURSDAY, zone=ZONE)

    assert one.before(None) == "in the day before"
    assert month.before(None) == "in the 28 days before"


@pytest.mark.parametrize(
    ("name", "words"),
    (
        ("this_week", "last week until Thu 14:15"),
        ("this_month", "last month until 26 Oct 14:15"),
        ("28d", "in the 28 days before, until 14:15"),
    ),
)
def test_days_that_are_not_over_say_until_when_those_before_are_counted(
    name: PeriodNameOrNone, words: str
):
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 11, 26, 14, 7, tzinfo=zone)

    days = days_of(name, "", "", today=THURSDAY, zone=zone)

    assert days.before(days.compared(now=now).until) == words


def test_today_is_compared_with_as_much_of_the_day_before():
    today = str(THURSDAY)
    now = datetime(2026, 11, 26, 14, 7, tzinfo=ZONE)

    days = days_of("", today, today, today=THURSDAY, zone=ZONE)

    assert days.before(days.compared(now=now).until) == "the day before, until 14:15"
