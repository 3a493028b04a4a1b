"""Reports fall due in the organization's time zone, also when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.report.events import Weekday
from domain.report.issue import ReportPeriod
from domain.report.schedule import ReportSchedule

BERLIN = ZoneInfo("Europe/Berlin")


def weekly(weekday: Weekday = "monday", hour: int = 9) -> ReportSchedule:
    return ReportSchedule(period="weekly", weekday=weekday, hour=hour, zone=BERLIN)


def due_days(schedule: ReportSchedule, after: datetime, amount: int) -> list[datetime]:
    found: list[datetime] = []
    for _ in range(amount):
        after = schedule.due_after(after)
        found.append(after)
    return found


def test_a_weekly_report_falls_due_each_week_at_the_hour_of_the_place():
    # Clocks change on 29 March 2026, a Sunday.
    due = due_days(weekly(), datetime(2026, 3, 20, tzinfo=UTC), 3)

    assert due == [
        datetime(2026, 3, 23, 8, tzinfo=UTC),
        datetime(2026, 3, 30, 7, tzinfo=UTC),
        datetime(2026, 4, 6, 7, tzinfo=UTC),
    ]
    assert {at.astimezone(BERLIN).hour for at in due} == {9}


def test_an_hour_that_is_skipped_or_comes_twice_is_due_once():
    spring = due_days(weekly("sunday", 2), datetime(2026, 3, 22, 6, tzinfo=UTC), 2)
    autumn = due_days(weekly("sunday", 2), datetime(2026, 10, 19, tzinfo=UTC), 2)

    assert spring == [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 4, 5, 0, tzinfo=UTC),
    ]
    assert autumn == [
        datetime(2026, 10, 25, 0, tzinfo=UTC),
        datetime(2026, 11, 1, 1, tzinfo=UTC),
    ]


def test_each_report_is_about_the_whole_period_before_it():
    cases: list[tuple[ReportPeriod, Weekday, date, date]] = [
        ("weekly", "monday", date(2026, 3, 16), date(2026, 3, 22)),
        ("weekly", "wednesday", date(2026, 3, 18), date(2026, 3, 24)),
        ("weekly", "sunday", date(2026, 3, 15), date(2026, 3, 21)),
        ("monthly", "monday", date(2026, 2, 1), date(2026, 2, 28)),
    ]
    wednesday = datetime(2026, 3, 25, 12, tzinfo=UTC)
    for period, weekday, first, last in cases:
        schedule = ReportSchedule(period=period, weekday=weekday, hour=9, zone=BERLIN)
        assert schedule.days_at(wednesday) == (first, last), (period, weekday)


def test_a_monthly_report_falls_due_on_the_first_day_of_each_month():
    schedule = ReportSchedule(period="monthly", weekday="monday", hour=0, zone=BERLIN)

    due = due_days(schedule, datetime(2026, 12, 31, 22, 59, tzinfo=UTC), 3)

    assert [at.astimezone(BERLIN).date() for at in due] == [
        date(2027, 1, 1),
        date(2027, 2, 1),
        date(2027, 3, 1),
    ]
    first, last = schedule.days_at(due[0])
    assert (first, last) == (date(2026, 12, 1), date(2026, 12, 31))


def test_every_instant_has_a_due_time_within_a_period():
    schedule = weekly("friday", 23)
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(500):
        instant += timedelta(hours=17, minutes=13)
        due_at = schedule.due_after(instant)
        assert instant < due_at <= instant + timedelta(days=7, hours=1)
        assert due_at.astimezone(BERLIN).strftime("%A %H") == "Friday 23"
