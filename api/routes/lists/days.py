"""The days of figures in lists: a named period until today, or dates."""

from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar.params import QueryParameter
from msgspec import Struct
from msgspec.structs import replace

from api.http.query import invalid_query
from api.routes.analytics.parameters import check_retention, whole_range
from domain.analytics.buckets import Range, ends_a_slot, midnight
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
UntilParameter = Annotated[
    datetime | None,
    QueryParameter(
        description="An instant of the last day, in place of its end: the end of a "
        "quarter of an hour, as in 2026-11-22T14:15:00Z. With it the days before are "
        "as long as those that are not over."
    ),
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
    until: datetime | None = None,
) -> Range:
    """Return the days; a named period is cut to the days that the plan shows.

    Raises:
        ApiError: ``invalid_query``, naming the date or the instant that is wrong.
        RetentionExceededError: the plan does not show the requested dates any more.
    """
    if first or last:
        days = whole_range(first, last, zone=zone, now=now)
        check_retention(days, retention, now=now)
        return _cut(days, until)
    today = now.astimezone(zone).date()
    begin, end, _ = named_days(period or USUAL_PERIOD, today=today)
    if retention is not None:
        begin = max(begin, today - timedelta(days=retention))
    days = Range(first=min(begin, end), last=end, granularity="day", zone=zone)
    return _cut(days, until)


def _cut(days: Range, until: datetime | None) -> Range:
    if until is None:
        return days
    if until.tzinfo is None or not ends_a_slot(until):
        raise invalid_query(
            "until", "must end a quarter of an hour, as in 2026-11-22T14:15:00Z"
        )
    if not midnight(days.last, days.zone) < until <= days.end:
        raise invalid_query("until", f"must be on the last day, which is {days.last}")
    return replace(days, until=until)
