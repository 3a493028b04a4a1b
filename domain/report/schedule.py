"""The times at which reports fall due, and the days that their issues are about."""

from datetime import UTC, date, datetime, timedelta
from typing import Final, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from domain.report.events import Weekday
from domain.report.issue import ReportPeriod

_WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)
_A_DAY: Final = timedelta(days=1)
_A_WEEK: Final = timedelta(days=7)


class IssuedPeriods(Struct, frozen=True, kw_only=True):
    """The last days of the newest week and month with an issue that fell due."""

    weeks_until: date | None = None
    months_until: date | None = None

    def has(self, period: ReportPeriod, last_day: date) -> bool:
        """Tell whether an issue of a period was about this last day, or a later one."""
        until = self.weeks_until if period == "weekly" else self.months_until
        return until is not None and last_day <= until

    def after(self, period: ReportPeriod, last_day: date) -> "IssuedPeriods":
        """Return the periods with an issue after one that ends on this day."""
        if self.has(period, last_day):
            return self
        name = "weeks_until" if period == "weekly" else "months_until"
        return replace(self, **{name: last_day})


class ReportSchedule(Struct, frozen=True, kw_only=True):
    """The times of a report in the organization's time zone."""

    period: ReportPeriod
    weekday: Weekday
    hour: int
    zone: ZoneInfo

    def due_after(self, instant: datetime) -> datetime:
        """Return the first time after an instant at which the report falls due."""
        day = self._due_day(instant.astimezone(self.zone).date())
        while (due_at := self.due_on(day)) <= instant:
            day = self._following(day)
        return due_at

    def next_due(
        self,
        *,
        scheduled_from: datetime,
        last_due_at: datetime | None,
        issued: "IssuedPeriods",
    ) -> datetime:
        """Return when the next issue falls due, also if that is over.

        It is the first time after the choice of the times and after the newest issue
        that fell due, and about days later than those of issues before. Another time
        zone, or another hour, may let the times of days come again that had an issue.
        """
        due_at = self.due_after(max(scheduled_from, last_due_at or scheduled_from))
        while issued.has(self.period, self.days_at(due_at)[1]):
            due_at = self.due_after(due_at)
        return due_at

    def due_on(self, day: date) -> datetime:
        """Return the instant at which the report falls due on a day, in UTC.

        An hour that the clock skips is the one after it, and of an hour that comes
        twice it is the first.
        """
        there = datetime(day.year, day.month, day.day, self.hour, tzinfo=self.zone)
        return there.astimezone(UTC)

    def days_at(self, instant: datetime) -> tuple[date, date]:
        """Return the first and the last day of the newest period that is over.

        At the time at which the report falls due, it is the period that the issue is
        about.
        """
        day = self._due_day(instant.astimezone(self.zone).date())
        if self.period == "weekly":
            return day - _A_WEEK, day - _A_DAY
        last = day - _A_DAY
        return last.replace(day=1), last

    def _due_day(self, day: date) -> date:
        """Return the last day up to this one on which the report falls due."""
        if self.period == "monthly":
            return day.replace(day=1)
        return day - timedelta(
            days=(day.weekday() - _WEEKDAYS.index(self.weekday)) % len(_WEEKDAYS)
        )

    def _following(self, day: date) -> date:
        if self.period == "weekly":
            return day + _A_WEEK
        return (day + timedelta(days=31)).replace(day=1)
