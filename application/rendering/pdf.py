"""Issues of reports as PDF, by typst, which the extra ``pdf`` installs."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from application.rendering.charts import WIDE, chart_svg
from application.rendering.png import FONTS
from application.rendering.sheet import SheetCharts, sheet_of
from application.rendering.svg_logo import svg_of_logo
from domain.report.issue import Issue

if TYPE_CHECKING:
    import typst

_TEMPLATE: Final = Path(__file__).parent / "templates" / "issue.typ"


class PdfNotInstalledError(Exception):
    """The extra ``pdf`` is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "PDF needs the extra pdf of Goatherd. Print the page of the report instead."
        )


def can_write_pdf() -> bool:
    """Tell whether the extra ``pdf`` is installed."""
    return find_spec("typst") is not None


def issue_pdf(issue: Issue, *, logo: bytes | None = None) -> bytes:
    """Return an issue as PDF; ``logo`` is the picture of its project.

    The same issue gives the same file, as long as its names and its logo stay.

    Raises:
        PdfNotInstalledError: typst is not there.
    """
    if not can_write_pdf():
        raise PdfNotInstalledError
    sheet = sheet_of(issue)
    plots = [
        plot
        for part in sheet.parts
        if isinstance(part, SheetCharts)
        for plot in part.plots
    ]
    data = {
        "sheet": sheet,
        "logo": svg_of_logo(issue.logo, logo) if issue.logo and logo else "",
        "charts": [
            {
                "title": plot.title,
                "alt": f"{plot.title} by day. {plot.summary}",
                "svg": chart_svg(plot, WIDE, ink=sheet.colors.ink),
            }
            for plot in plots
        ],
    }
    written = _compiler().compile(
        _TEMPLATE.read_bytes(),
        format="pdf",
        sys_inputs={"issue": msgspec.json.encode(data).decode()},
        timestamp=issue.made_at.replace(microsecond=0),
    )
    assert isinstance(written, bytes), "a PDF is one file"
    return written


@cache
def _fonts() -> "typst.Fonts":
    import typst  # noqa: PLC0415 - an extra

    # Inter, and for other scripts the fonts of the machine.
    return typst.Fonts(include_embedded_fonts=False, font_paths=[FONTS])


def _compiler() -> "typst.Compiler":
    import typst  # noqa: PLC0415 - an extra

    # The template reads no file.
    return typst.Compiler(root=_TEMPLATE.parent, font_paths=_fonts())
