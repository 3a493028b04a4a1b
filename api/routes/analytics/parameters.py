"""The parameters of /analytics: entities, dates and time zone."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar.params import QueryParameter

from api.http.query import invalid_query
from domain.analytics.buckets import (
    MOST_BUCKETS,
    Bucket,
    Granularity,
    Range,
    has_too_many_buckets,
)
from domain.analytics.metrics import Breakdown, Membership, Metric, RawMetric
from domain.analytics.periods import NamedPeriod, named_days
from domain.days import time_zones
from domain.errors import RetentionExceededError

MOST_ENTITIES = 5
USUAL_DAYS = 30
From = Annotated[
    date | None,
    QueryParameter(
        name="from",
        description="The first day; by default 29 days before the last day.",
    ),
]
To = Annotated[
    date | None, QueryParameter(description="The last day; by default today.")
]
PeriodParameter = Annotated[
    NamedPeriod | None,
    QueryParameter(
        description="A named period in place of from and to: some days until today, "
        "or this or the last week (from Monday) or month. This week and this month "
        "end today."
    ),
]
Zone = Annotated[
    str | None,
    QueryParameter(
        max_length=64, description="An IANA time zone; by default the organization's."
    ),
]
Metrics = Annotated[
    list[Metric],
    QueryParameter(
        description="A metric, or several with commas between, such as `views,likes`."
    ),
]
Base = Annotated[
    RawMetric | None,
    QueryParameter(description="The metric whose growth growth_rate_pop measures."),
]

MembershipParameter = Annotated[
    Membership,
    QueryParameter(
        description=(
            "The way in which the members of a campaign count. `current` counts "
            "everything of the present members. `dated` counts what each member gained "
            "while it was a member, and its `cumulative` is the sum of that, without "
            "the level from before the member joined. Joining and leaving take effect "
            "at the end of a quarter of an hour in UTC."
        )
    ),
]
AsOfParameter = Annotated[
    str | None,
    QueryParameter(
        max_length=64,
        description="A time or a position of the log; the answer is given as of it.",
    ),
]

_EARLIEST = date(1970, 1, 1)
_LATEST = date(2999, 12, 31)


def ids_of(entity_id: UUID | None, entity_ids: str | None) -> list[UUID]:
    """Return the ids of the entities, in the order of the request.

    Raises:
        ApiError: ``invalid_query``, if the request has no valid ids.
    """
    if entity_id is not None:
        if entity_ids is not None:
            raise invalid_query("entity_ids", "must be left out beside entity_id")
        return [entity_id]
    if entity_ids is None:
        raise invalid_query("entity_id", "is required, or entity_ids")
    return ids_between_commas("entity_ids", entity_ids, at_most=MOST_ENTITIES)


def ids_between_commas(
    name: str, text: str, *, at_least: int = 1, at_most: int
) -> list[UUID]:
    """Return the ids in a parameter that takes several, in the order of the request.

    Raises:
        ApiError: ``invalid_query``, naming the parameter.
    """
    texts = text.split(",")
    message = f"must be {at_least} to {at_most} different UUIDs with commas between"
    try:
        found = [UUID(one) for one in texts if len(one) == 36]
    except ValueError:
        raise invalid_query(name, message) from None
    fits = len({*found}) == len(found) == len(texts)
    if not fits or not at_least <= len(found) <= at_most:
        raise invalid_query(name, message)
    return found


def check_breakdown(breakdown: Breakdown | None, ids: list[UUID]) -> None:
    """Refuse a breakdown of several entities at once.

    Raises:
        ApiError: ``invalid_query``, if the request has several entities.
    """
    if breakdown is not None and len(ids) > 1:
        raise invalid_query("breakdown", "needs a single entity: give one entity_id")


def zone_named(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        ApiError: ``invalid_query``, if no zone has the name.
    """
    if name not in time_zones():
        raise invalid_query("tz", "must be an IANA time zone, such as Europe/Berlin")
    return ZoneInfo(name)


def range_of(
    first: date | None,
    last: date | None,
    *,
    period: NamedPeriod | None = None,
    granularity: Granularity,
    zone: ZoneInfo,
    now: datetime,
) -> Range:
    """Return the days from ``from`` to ``to``, by default the last 30 until today.

    Raises:
        ApiError: ``invalid_query``, if ``from`` is after ``to``, a named period has
            dates besides, or the buckets are too many.
    """
    days = whole_range(
        first, last, period=period, granularity=granularity, zone=zone, now=now
    )
    if has_too_many_buckets(days.first, days.last, granularity):
        message = (
            f"would make more than {MOST_BUCKETS} buckets of a {granularity}: "
            "choose fewer days or a coarser granularity"
        )
        raise invalid_query("from", message)
    return days


def whole_range(
    first: date | None,
    last: date | None,
    *,
    period: NamedPeriod | None = None,
    granularity: Granularity | None = None,
    zone: ZoneInfo,
    now: datetime,
) -> Range:
    """Return the days as ``range_of`` does, for an answer without buckets.

    Without a granularity the range is divided as the named period is, or into days.

    Raises:
        ApiError: ``invalid_query``, if ``from`` is after ``to``, or a named period has
            dates besides.
    """
    check_period(period, first, last)
    check_days({"from": first, "to": last})
    today = now.astimezone(zone).date()
    if period is not None:
        first, last, unit = named_days(period, today=today)
        granularity = granularity or unit
    granularity = granularity or "day"
    last = last or today
    first = first or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        raise invalid_query("from", f"must not be after to, which is {last}")
    return Range(first=first, last=last, granularity=granularity, zone=zone)


def check_period(
    period: NamedPeriod | None, first: date | None, last: date | None
) -> None:
    """Refuse a named period together with dates.

    Raises:
        ApiError: ``invalid_query``, if the request has both.
    """
    if period is not None and (first or last):
        raise invalid_query("period", "must be left out where from or to is given")


def check_days(days: Mapping[str, date | None]) -> None:
    """Refuse days so long ago or so far ahead that they must be mistakes.

    Raises:
        ApiError: ``invalid_query``, naming the parameter.
    """
    for name, day in days.items():
        if day is not None and not _EARLIEST <= day <= _LATEST:
            raise invalid_query(name, f"must lie between {_EARLIEST} and {_LATEST}")


def bucket_of(days: Range, day: date) -> Bucket:
    """Return the bucket that begins with this day.

    Raises:
        ApiError: ``invalid_query``, if no bucket does.
    """
    for bucket in days.buckets():
        if bucket.date == day:
            return bucket
    message = (
        f"must be the first day of a {days.granularity} between from and to, "
        f"{days.first} and {days.last}"
    )
    raise invalid_query("date", message)


def whole_bucket(days: Range) -> Bucket:
    """Return all days as one bucket, whose value is a total."""
    return Bucket(date=days.first, start=days.start, end=days.end, days=days.days)


def check_retention(days: Range, retention: int | None, *, now: datetime) -> None:
    """Refuse days before the plan's retention, which is unlimited if None.

    Raises:
        RetentionExceededError: the range begins before the retention.
    """
    if retention is None:
        return
    earliest = now.astimezone(days.zone).date() - timedelta(days=retention)
    if days.first < earliest:
        raise RetentionExceededError(retention, earliest=earliest)
