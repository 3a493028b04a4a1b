"""The days of figures in lists: a named period until today, or dates."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from litestar.params import QueryParameter
from msgspec import Struct

from api.http.query import invalid_query
from api.routes.analytics.parameters import check_retention, whole_range
from domain.analytics.buckets import Range

ListPeriod = Literal["7d", "30d", "90d", "this_month", "last_month"]
USUAL_PERIOD: ListPeriod = "30d"

PeriodParameter = Annotated[
    ListPeriod | None,
    QueryParameter(description="The days of the figures, until today; by default 30d."),
]
FromParameter = Annotated[
    date | None,
    QueryParameter(name="from", description="The first day, in place of a period."),
]
ToParameter = Annotated[
    date | None, QueryParameter(description="The last day, in place of a period.")
]


class FigureListMeta(Struct, frozen=True, kw_only=True, rename="camel"):
    """The beginning of the next page, the list's length, and its days."""

    next_cursor: str | None
    limit: int
    total_count: int
    first_day: date
    last_day: date
    tz: str


_DAYS = {"7d": 7, "30d": 30, "90d": 90}
_A_DAY = timedelta(days=1)


def check_period(
    period: ListPeriod | None, first: date | None, last: date | None
) -> None:
    """Refuse a named period together with dates.

    Raises:
        ApiError: ``invalid_query``, if the request has both.
    """
    if period is not None and (first or last):
        raise invalid_query("period", "must be left out where from or to is given")


def days_of_list(
    period: ListPeriod | None,
    first: date | None,
    last: date | None,
    *,
    zone: ZoneInfo,
    now: datetime,
    retention: int | None,
) -> Range:
    """Return the days; a named period is cut to the days that the plan shows.

    Raises:
        ApiError: ``invalid_query``, naming the date that is wrong.
        RetentionExceededError: the plan does not show the requested dates any more.
    """
    if first or last:
        days = whole_range(first, last, zone=zone, now=now)
        check_retention(days, retention, now=now)
        return days
    today = now.astimezone(zone).date()
    begin, end = today.replace(day=1), today
    match period or USUAL_PERIOD:
        case "this_month":
            pass
        case "last_month":
            end = begin - _A_DAY
            begin = end.replace(day=1)
        case name:
            begin = today - timedelta(days=_DAYS[name] - 1)
    if retention is not None:
        begin = max(begin, today - timedelta(days=retention))
    return Range(first=min(begin, end), last=end, granularity="day", zone=zone)
