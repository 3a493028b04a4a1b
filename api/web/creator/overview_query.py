"""The query of a creator's overview: all choices on the page are in its address."""

from datetime import date
from typing import Literal

from msgspec import field

from api.http.query import invalid_query
from api.web.charts.drawing import MarksOrNone
from api.web.charts.measures import FOLLOWERS, MEASURES, VIEWS, Measure, ModeOrNone
from api.web.charts.periods import (
    GranularityOrNone,
    Period,
    Preset,
    PresetOrNone,
    day_in,
    days_of_preset,
    period_of,
)
from api.web.kit.page_query import PageQuery
from domain.analytics.metrics import Mode, VideoMetric

ChartName = Literal["followers", "views", "metric"]

# A form sends an empty value for a field that was left alone.
CountingModeOrNone = Literal["new", "cumulative", ""]
ChartNameOrNone = Literal["followers", "views", "metric", ""]
CompareOrNone = Literal["prior_period", ""]
ShowOrNone = Literal["top", ""]

_USUAL_PRESET: Preset = "28d"
_USUAL_METRIC = "engagement_rate_by_views"


class OverviewQuery(PageQuery, frozen=True, kw_only=True):
    """The choices in the address of a creator's overview.

    ``range`` is a preset, which own dates (``from_`` and ``to``) replace. ``followers``
    and ``views`` are the modes of these charts, and ``metric`` and ``mode`` belong to
    the third chart. ``explain`` and ``on`` name the chart and the bucket whose number
    is explained. ``show`` names the only part of the page that is requested. ``marks``
    switches off the annotations of the charts.
    """

    range: PresetOrNone = ""
    from_: str = field(default="", name="from")
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
    marks: MarksOrNone = ""

    @property
    def preset(self) -> Preset | None:
        if self.from_ or self.to:
            return None
        return self.range or _USUAL_PRESET

    @property
    def measure(self) -> Measure:
        """Return the measure of the third chart.

        Raises:
            ApiError: ``invalid_query``, if there is no such measure.
        """
        return _measure("metric", self.metric or _USUAL_METRIC)

    @property
    def top_measure(self) -> Measure:
        """Return the measure that chooses the largest videos.

        Raises:
            ApiError: ``invalid_query``, if videos do not have it.
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
        # The mode may have been chosen for another metric.
        modes = measure.modes
        return measure, self.mode if self.mode in modes and self.mode else modes[0]

    def period(self, *, today: date, began: date) -> Period:
        """Return the days that are shown, in buckets that are not too many.

        Raises:
            ApiError: ``invalid_query``, naming the date that is wrong.
        """
        preset = self.preset
        if preset is not None:
            first, last = days_of_preset(preset, today=today, began=began)
            return period_of(first, last, self.granularity)
        last = day_in("to", self.to) if self.to else today
        first = day_in("from", self.from_) if self.from_ else min(began, last)
        return period_of(first, last, self.granularity)

    def address(self, **changed: str) -> str:
        """Return the query with some choices changed; "" removes a choice.

        The explanation is left out, since it belongs to a number of the page before the
        change. A preset replaces own dates.
        """
        changed = {"explain": "", "on": "", "show": "", **changed}
        if "range" in changed:
            changed |= {"from": "", "to": ""}
        return super().address(**changed)

    def hidden_fields(self, *own: str) -> list[tuple[str, str]]:
        return super().hidden_fields("explain", "on", "show", *own)


TOPS: tuple[VideoMetric, ...] = ("views", "likes", "comments", "shares", "saves")


def _measure(parameter: str, name: str) -> Measure:
    measure = MEASURES.get(name)
    if measure is None:
        raise invalid_query(parameter, f"must be one of {', '.join(MEASURES)}")
    return measure
