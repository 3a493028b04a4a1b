"""Issues of reports on pages: the words of their sheets, and drawings in two sizes."""

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

from application.rendering.charts import NARROW, WIDE, DrawingSize, Plot, chart_svg
from application.rendering.sheet import Sheet, SheetCharts, sheet_of
from domain.report.issue import Issue


class DrawnPlot(Struct, frozen=True, kw_only=True):
    """A plot, and its drawings for wide and for narrow screens."""

    plot: Plot
    wide: Markup
    narrow: Markup


class DrawnSheet(Struct, frozen=True, kw_only=True):
    """A sheet for the macros of reports/sheet.html, with the charts of all parts."""

    sheet: Sheet
    charts: Sequence[DrawnPlot]


def drawn_sheet(issue: Issue) -> DrawnSheet:
    """Return an issue as pages show it."""
    sheet = sheet_of(issue)
    return DrawnSheet(
        sheet=sheet,
        charts=[
            DrawnPlot(
                plot=plot,
                wide=_drawn(plot, WIDE, sheet.colors.page_ink, name=f"wide-{at}"),
                narrow=_drawn(plot, NARROW, sheet.colors.page_ink, name=f"narrow-{at}"),
            )
            for part in sheet.parts
            if isinstance(part, SheetCharts)
            for at, plot in enumerate(part.plots, 1)
        ],
    )


def _drawn(plot: Plot, size: DrawingSize, ink: str, *, name: str) -> Markup:
    svg = chart_svg(plot, size, ink=ink, name=name)
    return Markup(svg)  # noqa: S704 - it is escaped, and has no text of strangers
