"""The periods of numbers on pages: presets, own dates, and the size of buckets."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal, get_args

from msgspec import Struct

from api.http.query import invalid_query
from api.web.kit.list_query import PERIODS
from domain.analytics.buckets import Granularity, has_too_many_buckets
from domain.analytics.periods import NamedPeriod, named_days

# Older addresses have 30 days.
Preset = Literal[NamedPeriod, "12m", "all"]
# A form sends an empty value for a field that was left alone.
PresetOrNone = Literal[Preset, ""]
GranularityOrNone = Literal["day", "week", "month", ""]

PRESETS: Mapping[Preset, str] = {**PERIODS, "12m": "12 months", "all": "All"}
GRANULARITIES: dict[Granularity, str] = {
    "day": "Day",
    "week": "Week",
    "month": "Month",
}
EARLIEST = date(1970, 1, 1)

# If there are more days, a day or a week is too narrow in a chart.
_DAYS_BY_DAY, _DAYS_BY_WEEK = 130, 900


class Period(Struct, frozen=True, kw_only=True):
    """The days from ``first`` to ``last``, both included, and the size of buckets."""

    first: date
    last: date
    granularity: Granularity

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def query(self) -> dict[str, str]:
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "granularity": self.granularity,
        }


def days_of_preset(preset: Preset, *, today: date, began: date) -> tuple[date, date]:
    """Return the first and the last day of a preset.

    ``began`` is the first day with known numbers.
    """
    if preset == "all":
        return min(began, today), today
    if preset == "12m":
        return _a_year_before(today) + timedelta(days=1), today
    first, last, _ = named_days(preset, today=today)
    return first, last


def fitting(first: date, last: date) -> Granularity:
    """Return the finest buckets that are wide enough in a chart."""
    days = (last - first).days + 1
    if days <= _DAYS_BY_DAY:
        return "day"
    return "week" if days <= _DAYS_BY_WEEK else "month"


def _fine_enough(first: date, last: date, chosen: Granularity) -> Granularity:
    """Return the chosen buckets, or the finest that are not too many."""
    finest = [*get_args(Granularity)]
    for granularity in finest[finest.index(chosen) :]:
        if not has_too_many_buckets(first, last, granularity):
            return granularity
    return "month"


def period_of(first: date, last: date, granularity: GranularityOrNone) -> Period:
    """Return the days in buckets that are not too many.

    Raises:
        ApiError: ``invalid_query``, naming the date that is wrong.
    """
    if first > last:
        raise invalid_query("from", f"must not be after {last}")
    if first < EARLIEST:
        raise invalid_query("from", f"must not be before {EARLIEST}")
    chosen = granularity or fitting(first, last)
    return Period(first=first, last=last, granularity=_fine_enough(first, last, chosen))


def day_in(name: str, text: str) -> date:
    """Return the date in a query parameter.

    Raises:
        ApiError: ``invalid_query``, naming the parameter.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = "must be a date, such as 2026-11-24"
        raise invalid_query(name, message) from None


def _a_year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
