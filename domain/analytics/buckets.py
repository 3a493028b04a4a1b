"""Buckets of time: the days, weeks and months of a range in one time zone."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

Granularity = Literal["day", "week", "month"]

MOST_BUCKETS = 400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)
_A_DAY = timedelta(days=1)


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """The time after ``start``, up to and including ``end``.

    A post belongs to the bucket from ``start`` on, until before ``end``. ``date`` is
    the first day, and ``days`` is the number of calendar days. ``is_cut`` says that the
    range begins or ends inside of this week or month.
    """

    date: date
    start: datetime
    end: datetime
    days: int
    is_cut: bool = False


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """The days from ``first`` to ``last``, both included, divided into buckets.

    ``until`` is an instant of the last day at which the range ends; None is the end of
    that day.
    """

    first: date
    last: date
    granularity: Granularity
    zone: ZoneInfo
    until: datetime | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> datetime:
        """Return the instant after which the range begins."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """Return the last instant of the range."""
        return self.until or midnight(self.last + _A_DAY, self.zone)

    def buckets(self) -> tuple[Bucket, ...]:
        """Return the buckets in order; the first and the last are cut to the range.

        There is at least one bucket, and there are no gaps.
        """
        return _buckets(self)

    def before(self, *, now: datetime | None = None) -> "Range":
        """Return the previous range for a comparison of totals.

        Whole months are compared with as many whole months, of whatever length; all
        other ranges with ``prior``. A range that is not over at ``now`` is compared
        with as much of the previous one: its part up to the same day and the same time
        of day, at the end of a quarter of an hour.
        """
        whole = self._whole_before()
        return whole if now is None else _as_much(self, before=whole, now=now)

    def _whole_before(self) -> "Range":
        if self.first.day == 1 and _ends_a_bucket(self.last, "month"):
            return msgspec.structs.replace(self, granularity="month").prior()
        return self.prior()

    def prior(self) -> "Range":
        """Return the previous range for a comparison of bucket n with bucket n.

        It has as many buckets, which end directly before this range's first week or
        month. Its first bucket is cut by as many days as the first one here. Its last
        bucket has as many days as the last one here, if it is long enough.
        """
        unit = self.granularity
        if unit == "day":
            ago = timedelta(days=self.days)
            return msgspec.structs.replace(
                self, first=self.first - ago, last=self.last - ago
            )
        begin = before = _begin(self.first, unit)
        for _ in self.buckets():
            begin = _begin(begin - _A_DAY, unit)
        end = _begin(before - _A_DAY, unit)
        last = before - _A_DAY
        if not _ends_a_bucket(self.last, unit):
            last = min(last, end + (self.last - _begin(self.last, unit)))
        first = min(begin + (self.first - before), _after(begin, unit) - _A_DAY)
        return msgspec.structs.replace(self, first=first, last=last)


def _as_much(days: Range, *, before: Range, now: datetime) -> Range:
    """Return the part of the range before that is as long as the range is by now."""
    # Sums are kept by quarters of an hour, so that the end of one is exact.
    reached = end_of_slot(slot_of(now)).astimezone(days.zone)
    today = reached.date()
    last = before.first + (today - days.first)
    if before.granularity == "month" and _is_same_month(today, days.last):
        # The months between may be of other lengths.
        last = _begin(before.last, "month") + timedelta(days=today.day - 1)
    if not before.first <= last <= before.last or reached >= days.end:
        return before
    if reached.time() == time.min:
        last -= _A_DAY
        if last < before.first:
            return before
        return msgspec.structs.replace(before, last=last)
    until = datetime.combine(last, reached.time(), tzinfo=days.zone)
    return msgspec.structs.replace(before, last=last, until=until.astimezone(UTC))


def _is_same_month(one: date, other: date) -> bool:
    return _begin(one, "month") == _begin(other, "month")


# Cached, because a page requests many metrics of the same range.
@lru_cache(maxsize=64)
def _buckets(days: Range) -> tuple[Bucket, ...]:
    found: list[Bucket] = []
    day, start = days.first, midnight(days.first, days.zone)
    while day <= days.last:
        whole = _after(day, days.granularity)
        following = min(whole, days.last + _A_DAY)
        end = midnight(following, days.zone)
        bucket = Bucket(
            date=day,
            start=start,
            end=end,
            days=(following - day).days,
            is_cut=following < whole or day != _begin(day, days.granularity),
        )
        found.append(bucket)
        day, start = following, end
    return tuple(found)


def has_too_many_buckets(first: date, last: date, granularity: Granularity) -> bool:
    """Tell whether the range has more buckets than one answer may have."""
    match granularity:
        case "day":
            amount = (last - first).days + 1
        case "week":
            monday = first - timedelta(days=first.weekday())
            amount = (last - monday).days // 7 + 1
        case "month":
            amount = (last.year - first.year) * 12 + last.month - first.month + 1
    return amount > MOST_BUCKETS


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day begins, in UTC.

    If the clock skips midnight, the day begins at the jump. If midnight comes twice,
    the day begins at the first one.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def beginning_of_day(instant: datetime, time_zone: str) -> datetime:
    """Return the beginning of an instant's day in a time zone, given by its name."""
    zone = ZoneInfo(time_zone)
    return midnight(instant.astimezone(zone).date(), zone)


def slot_of(instant: datetime) -> int:
    """Return the number of the quarter of an hour that contains the instant.

    Quarters are counted from 1970. Number n is the time after the end of quarter n - 1,
    up to and including its own end.
    """
    return -((_EPOCH - instant) // _QUARTER)


def slot_of_post(posted_at: datetime) -> int:
    """Return the number of the quarter of an hour in which a post counts.

    A post at the last instant of a quarter belongs to the next quarter.
    """
    return (posted_at - _EPOCH) // _QUARTER + 1


def end_of_slot(slot: int) -> datetime:
    """Return the last instant of a quarter of an hour, by its number."""
    return _EPOCH + slot * _QUARTER


def ends_a_slot(instant: datetime) -> bool:
    """Tell whether the instant is the end of a quarter of an hour."""
    return not (instant - _EPOCH) % _QUARTER


def _begin(day: date, granularity: Granularity) -> date:
    """Return the first day of the bucket that contains the day."""
    match granularity:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)


def _ends_a_bucket(day: date, granularity: Granularity) -> bool:
    return _after(day, granularity) == day + _A_DAY


def _after(day: date, granularity: Granularity) -> date:
    """Return the first day of the bucket after the one that contains the day."""
    match granularity:
        case "day":
            return day + _A_DAY
        case "week":
            return day + timedelta(days=7 - day.weekday())
        case "month":
            return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
