"""The periods of a dashboard: days up to today, weeks, months, and own dates."""

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.http.query import invalid_query
from api.web.charts.periods import Period, day_in, period_of
from api.web.kit.list_query import PeriodName
from domain.analytics.buckets import Granularity, Range
from domain.analytics.periods import named_days

# A form sends an empty value for a field that was left alone.
PeriodNameOrNone = Literal[PeriodName, ""]
USUAL_PERIOD: PeriodName = "28d"

_A_DAY = timedelta(days=1)
_SUNDAY = 6


class DashboardDays(Struct, frozen=True, kw_only=True):
    """The days of a dashboard, and the days that they are compared with.

    Days are compared with as many days before, weeks with the week before, and months
    with the month before, according to ``unit``. Whole months are always compared with
    whole months. ``name`` is None for own dates.
    """

    period: Period
    prior: Period
    unit: Granularity
    zone: ZoneInfo
    name: PeriodName | None

    @property
    def first(self) -> date:
        return self.period.first

    @property
    def last(self) -> date:
        return self.period.last

    def compared(self, *, now: datetime) -> Range:
        """Return the days before, cut like the days that are not over at ``now``."""
        days = Range(
            first=self.first, last=self.last, granularity=self.unit, zone=self.zone
        )
        return days.before(now=now)

    def before(self, until: datetime | None) -> str:
        """Return the name of the compared days, as it follows a number.

        ``until`` is the instant at which they end, if it is not the end of a day:
        "last week until Wed 14:15".
        """
        if until is None:
            return _in_words(self.name, self.prior, end=self.last)
        local = until.astimezone(self.zone)
        match self.name:
            case "this_week":
                return f"last week until {local:%a %H:%M}"
            case "this_month":
                return f"last month until {local.day} {local:%b %H:%M}"
            case _ if self.prior.days == 1:
                return f"the day before, until {local:%H:%M}"
            case _:
                return f"in the {self.prior.days} days before, until {local:%H:%M}"


def days_of(
    name: PeriodNameOrNone, first: str, last: str, *, today: date, zone: ZoneInfo
) -> DashboardDays:
    """Return the days of a named period, or from own dates if one is given.

    Raises:
        ApiError: ``invalid_query``, naming the date that is wrong.
    """
    unit: Granularity = "day"
    if first or last:
        end = day_in("to", last) if last else today
        begin = day_in("from", first) if first else end - timedelta(days=27)
        if end > today:
            raise invalid_query("to", f"must not be after today, {today}")
    else:
        begin, end, unit = named_days(name or USUAL_PERIOD, today=today)
    period = period_of(begin, end, "")
    before = Range(first=begin, last=end, granularity=unit, zone=zone).before()
    return DashboardDays(
        period=period,
        prior=Period(
            first=before.first, last=before.last, granularity=period.granularity
        ),
        unit=unit,
        zone=zone,
        name=None if first or last else name or USUAL_PERIOD,
    )


def _in_words(name: PeriodName | None, prior: Period, *, end: date) -> str:
    """Return the name of the compared days, as it follows a number."""
    match name:
        case "this_week":
            is_over = end.weekday() == _SUNDAY
            until = f"Mon to {prior.last:%a}" if prior.days > 1 else "Mon"
            return "last week" if is_over else f"last week, {until}"
        case "this_month":
            is_over = (end + _A_DAY).day == 1
            until = f"1 to {prior.last.day}" if prior.days > 1 else "1"
            month = f"{prior.last:%b}"
            return "last month" if is_over else f"last month, {until} {month}"
        case "last_week":
            return "in the week before"
        case "last_month":
            return "in the month before"
        case _:
            days = "day" if prior.days == 1 else f"{prior.days} days"
            return f"in the {days} before"
