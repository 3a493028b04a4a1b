"""The chart of a video's views by age, next to the median of the creator's others."""

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from api.routes.analytics.videos import AgeCurve
from api.web.charts.chart import Chart, ChartTableCell, ChartTableRow
from api.web.charts.drawing import ChartLine, Drawing, are_far_apart
from api.web.charts.measures import VIEWS
from api.web.charts.svg import inline_svg
from domain.written import day, number, short
from projections.analytics.summaries.outliers import AgePoint

_NEW_DAY = "1 day"


class AgeChart(Struct, frozen=True, kw_only=True):
    """The chart, and the comparison at the last age at which both numbers are known."""

    chart: Chart
    comparison: str | None


def age_chart_of(curve: AgeCurve, *, zone: ZoneInfo) -> AgeChart | None:
    """Return the chart; None if the median is known at no age."""
    points = curve.points
    if curve.posted_at is None or all(point.peer_median is None for point in points):
        return None
    posted = curve.posted_at.astimezone(zone).date()
    dates = [posted + timedelta(days=point.age_days) for point in points]
    medians = [p.peer_median and round(p.peer_median) for p in points]
    most = max(point.peers for point in points)
    lines = [
        _line("This video", 1, dates, [point.views for point in points]),
        _line(
            f"Median of the {most} before it",
            2,
            dates,
            medians,
        ),
    ]
    rows = [
        ChartTableRow(
            date=date,
            label=f"{_age(point.age_days)}, {day(date)}",
            cells=[_cell(point.views), _cell(middle)],
            notes="" if point.peers == most else f"{point.peers} of them known",
        )
        for date, point, middle in zip(dates, points, medians, strict=True)
    ]
    newest = next((p for p in reversed(points) if p.peer_median and p.views), None)
    return AgeChart(
        chart=Chart(
            name="age",
            measure=VIEWS,
            mode="cumulative",
            caption=f"Views at each age, up to {_age(points[-1].age_days)}",
            columns=[line.label for line in lines],
            rows=rows,
            drawing=Drawing(
                granularity="day",
                unit="count",
                noun="views at that age",
                is_bars=False,
                is_flow=False,
                is_far_apart=are_far_apart([line.values for line in lines]),
                lines=lines,
                marks=[],
                born=posted,
            ),
            svg=inline_svg([line.values for line in lines]),
            is_known=True,
        ),
        comparison=None if newest is None else _comparison(newest),
    )


def _line(
    label: str, series: int, dates: list[date], values: Sequence[float | None]
) -> ChartLine:
    return ChartLine(
        label=label,
        series=series,
        is_prior=False,
        dates=dates,
        of=dates,
        values=[*values],
        partial=[],
        baseline=[],
        rounded=[],
        sharpened=[],
        cut=[],
    )


def _cell(value: float | None) -> ChartTableCell:
    return ChartTableCell(text=number(value), is_known=value is not None)


def _comparison(point: AgePoint) -> str:
    """Return the outlier factor of the summaries in words."""
    factor = (point.views or 0) / (point.peer_median or 1)
    return f"{short(factor)} times the median after {_age(point.age_days)}"


def _age(days: int) -> str:
    return _NEW_DAY if days == 1 else f"{days} days"
