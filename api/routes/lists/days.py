"""The days of figures in lists: a named period until today, or dates."""

from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar.params import QueryParameter
from msgspec import Struct

from api.routes.analytics.parameters import check_retention, whole_range
from domain.analytics.buckets import Range
from domain.analytics.periods import NamedPeriod, named_days

USUAL_PERIOD: NamedPeriod = "28d"
USUAL_DAYS = 28

ListPeriod = Annotated[
    NamedPeriod | None,
    QueryParameter(
        description="The days of the figures: some days until today, or this or the "
        "last week (from Monday) or month; by default 28d. This week and this month "
        "end today."
    ),
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


def days_of_list(
    period: NamedPeriod | None,
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
    begin, end, _ = named_days(period or USUAL_PERIOD, today=today)
    if retention is not None:
        begin = max(begin, today - timedelta(days=retention))
    return Range(first=min(begin, end), last=end, granularity="day", zone=zone)
