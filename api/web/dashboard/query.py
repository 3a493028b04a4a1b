"""The query of a dashboard: all choices on the page are in its address."""

from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import field

from api.http.query import invalid_query
from api.web.charts.drawing import MarksOrNone
from api.web.charts.measures import MEASURES, VIEWS, Measure, ModeOrNone
from api.web.dashboard.periods import (
    USUAL_PERIOD,
    DashboardDays,
    PeriodNameOrNone,
    days_of,
)
from api.web.kit.list_query import PeriodName
from api.web.kit.page_query import PageQuery
from domain.analytics.metrics import Mode

Gained = Literal["followers", "views"]
# A form sends an empty value for a field that was left alone.
GainedOrNone = Literal["followers", "views", ""]
AloneOrNone = Literal["none", ""]
ChartOrNone = Literal["main", ""]


class DashboardQuery(PageQuery, frozen=True, kw_only=True):
    """The choices in the address of a dashboard.

    ``period`` is a name, which own dates (``from_`` and ``to``) replace. ``metric`` and
    ``mode`` belong to the chart, which shows the period before unless ``compare`` is
    ``none``. ``gained`` is the figure by which creators gained and lost. ``explain``
    and ``on`` name the chart and the bucket whose number is explained. ``marks``
    switches off the annotations of the chart.
    """

    period: PeriodNameOrNone = ""
    from_: str = field(default="", name="from")
    to: str = ""
    metric: str = ""
    mode: ModeOrNone = ""
    compare: AloneOrNone = ""
    gained: GainedOrNone = ""
    explain: ChartOrNone = ""
    on: str = ""
    marks: MarksOrNone = ""

    @property
    def period_name(self) -> PeriodName | None:
        if self.from_ or self.to:
            return None
        return self.period or USUAL_PERIOD

    @property
    def measure(self) -> Measure:
        """Return the measure of the chart.

        Raises:
            ApiError: ``invalid_query``, if there is no such measure.
        """
        measure = MEASURES.get(self.metric or VIEWS.name)
        if measure is None:
            raise invalid_query("metric", f"must be one of {', '.join(MEASURES)}")
        return measure

    @property
    def chart_mode(self) -> Mode:
        # The mode may have been chosen for another metric.
        modes = self.measure.modes
        return self.mode if self.mode in modes and self.mode else modes[0]

    def days(self, *, today: date, zone: ZoneInfo) -> DashboardDays:
        """Return the days that are shown.

        Raises:
            ApiError: ``invalid_query``, naming the date that is wrong.
        """
        return days_of(self.period, self.from_, self.to, today=today, zone=zone)

    def address(self, **changed: str) -> str:
        """Return the query with some choices changed; "" removes a choice.

        The explanation is left out, since it belongs to a number of the page before the
        change. A named period replaces own dates.
        """
        changed = {"explain": "", "on": "", **changed}
        if "period" in changed:
            changed |= {"from": "", "to": ""}
        return super().address(**changed)

    def hidden_fields(self, *own: str) -> list[tuple[str, str]]:
        return super().hidden_fields("explain", "on", *own)
