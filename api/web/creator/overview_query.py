"""What is chosen on a creator's overview: all of it stands in the address."""

from datetime import date
from typing import Any, Literal
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from api.http.query import invalid_query
from api.web.charts.measures import FOLLOWERS, MEASURES, VIEWS, Measure
from api.web.charts.periods import (
    EARLIEST,
    Period,
    Preset,
    day_in,
    fine_enough,
    first_of,
    fitting,
)
from domain.analytics.buckets import Granularity
from domain.analytics.metrics import Mode, VideoMetric

CountingMode = Literal["new", "cumulative"]
ChartName = Literal["followers", "views", "metric"]

# An empty value is what a form sends for a field that was left alone.
PresetOrNone = Literal["7d", "30d", "90d", "12m", "all", ""]
GranularityOrNone = Literal["day", "week", "month", ""]
CountingModeOrNone = Literal["new", "cumulative", ""]
ModeOrNone = Literal["new", "cumulative", "rate", ""]
ChartNameOrNone = Literal["followers", "views", "metric", ""]
CompareOrNone = Literal["prior_period", ""]
ShowOrNone = Literal["top", ""]

_USUAL_PRESET: Preset = "30d"
_USUAL_METRIC = "engagement_rate_by_views"


class OverviewQuery(Struct, frozen=True, kw_only=True):
    """What an address says; what it leaves out is the usual.

    ``range`` is a preset and is set aside by own dates, ``from_`` and ``to``.
    ``followers`` and ``views`` are how these are counted, ``metric`` and ``mode`` what
    the third chart shows. ``explain`` and ``on`` are the chart and the bucket whose
    number is explained. ``show`` is the only part that is asked for.
    """

    range: PresetOrNone = ""
    from_: str = ""
    to: str = ""
    granularity: GranularityOrNone = ""
    compare: CompareOrNone = ""
    followers: CountingModeOrNone = ""
    views: CountingModeOrNone = ""
    metric: str = ""
    mode: ModeOrNone = ""
    top: str = ""
    explain: ChartNameOrNone = ""
    on: str = ""
    show: ShowOrNone = ""

    @property
    def preset(self) -> Preset | None:
        """Return the preset; None where own dates are chosen."""
        if self.from_ or self.to:
            return None
        return self.range or _USUAL_PRESET

    @property
    def measure(self) -> Measure:
        """Return what the third chart shows.

        Raises:
            ApiError: ``invalid_query``, if there is no such measure.
        """
        return _measure("metric", self.metric or _USUAL_METRIC)

    @property
    def top_measure(self) -> Measure:
        """Return by what the largest videos are chosen.

        Raises:
            ApiError: ``invalid_query``, if videos are not told apart by it.
        """
        if self.top and self.top not in TOPS:
            message = f"must be one of {', '.join(TOPS)}"
            raise invalid_query("top", message)
        return MEASURES[self.top or "views"]

    def chart(self, name: ChartName) -> tuple[Measure, Mode]:
        """Return the measure and the mode of a chart.

        Raises:
            ApiError: ``invalid_query``, if the measure does not exist.
        """
        if name == "followers":
            return FOLLOWERS, self.followers or "cumulative"
        if name == "views":
            return VIEWS, self.views or "new"
        measure = self.measure
        # A mode that was chosen for another metric is not held against this one.
        modes = measure.modes
        return measure, self.mode if self.mode in modes and self.mode else modes[0]

    def period(self, *, today: date, began: date) -> Period:
        """Return the days that are shown, in buckets that are not too many.

        Raises:
            ApiError: ``invalid_query``, naming the date that is wrong.
        """
        preset = self.preset
        if preset is not None:
            first, last = first_of(preset, today=today, began=began), today
        else:
            last = day_in("to", self.to) if self.to else today
            first = day_in("from", self.from_) if self.from_ else min(began, last)
            if first > last:
                raise invalid_query("from", f"must not be after {last}")
            if first < EARLIEST:
                raise invalid_query("from", f"must not be before {EARLIEST}")
        granularity = self.granularity or fitting(first, last)
        granularity: Granularity = fine_enough(first, last, granularity)
        return Period(first=first, last=last, granularity=granularity)

    def address(self, **changed: str) -> str:
        """Return the query of this page with some choices changed; "" takes one back.

        An explanation is of the numbers that were there: it goes when they change. A
        preset sets own dates aside.
        """
        changed = {"explain": "", "on": "", "show": "", **changed}
        if "range" in changed:
            changed |= {"from": "", "to": ""}
        return "?" + urlencode(self._pairs(**changed))

    def fields(self, *own: str) -> list[tuple[str, str]]:
        """Return what a form must carry along beside its own fields."""
        return [
            pair
            for pair in self._pairs(explain="", on="", show="").items()
            if pair[0] not in own
        ]

    def _pairs(self, **changed: str) -> dict[str, str]:
        renamed: dict[str, Any] = {
            {"from": "from_"}.get(name, name): value for name, value in changed.items()
        }
        chosen = replace(self, **renamed)
        return {
            {"from_": "from"}.get(name, name): value
            for name in self.__struct_fields__
            if (value := getattr(chosen, name))
        }


TOPS: tuple[VideoMetric, ...] = ("views", "likes", "comments", "shares", "saves")


def _measure(field: str, name: str) -> Measure:
    measure = MEASURES.get(name)
    if measure is None:
        raise invalid_query(field, f"must be one of {', '.join(MEASURES)}")
    return measure
