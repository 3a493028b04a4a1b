"""Issues of reports as plain text, the twin of a mail's HTML."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from application.mail.names import unlinked
from application.rendering.sheet import (
    Part,
    Sheet,
    SheetCharts,
    SheetFigure,
    SheetFigures,
    SheetRanking,
    SheetRow,
)
from domain.written import with_about

PAGE_KEPT: Final = "Your link to this report needs no account, and works until"


class MailLinks(Struct, frozen=True, kw_only=True):
    """The page of the issue, and the page on which its recipient unsubscribes.

    ``page_until`` is the last day of the first one, in words.
    """

    page_url: str
    page_until: str
    unsubscribe_url: str


def plain_text(sheet: Sheet, links: MailLinks) -> str:
    """Return a sheet as lines of text, with the links of a mail at their end."""
    compared = f", compared with {sheet.compared}" if sheet.compared else ""
    lines = [unlinked(sheet.title), unlinked(sheet.heading), sheet.days + compared]
    if sheet.lacking:
        lines += ["", sheet.lacking]
    for part in sheet.parts:
        note = f" ({part.note})" if part.note else ""
        lines += ["", "", f"{part.title.upper()}{note}", "", *_lines(part)]
    lines += ["", "", "Open the report:", links.page_url, ""]
    lines += [f"{PAGE_KEPT} {links.page_until}.", ""]
    lines += [sheet.known, ""]
    lines += ["Unsubscribe from this report:", links.unsubscribe_url, ""]
    return "\n".join(lines)


def _lines(part: Part) -> Iterator[str]:
    match part:
        case SheetFigures():
            yield from map(_figure, (*part.large, *part.small))
        case SheetCharts():
            for plot in part.plots:
                words = (
                    with_about(plot.shortly(value), is_rounded=place in plot.rounded)
                    for place, value in enumerate(plot.values)
                )
                yield f"{plot.title}: {', '.join(words)}"
        case SheetRanking():
            for number, row in enumerate(part.rows, 1):
                yield f"{number}. {_row(part, row)}"
            if not part.rows:
                yield part.nothing


def _figure(figure: SheetFigure) -> str:
    change = f" ({figure.change})" if figure.change else ""
    before = f", {figure.before}" if figure.before else ""
    return f"{figure.label}: {figure.value}{change}{before}"


def _row(part: SheetRanking, row: SheetRow) -> str:
    detail = f" ({unlinked(row.detail)})" if row.detail else ""
    cells = zip((part.first, *part.columns), (row.first, *row.others), strict=True)
    said = ", ".join(f"{name.lower()} {cell.text}" for name, cell in cells)
    return f"{unlinked(row.name)}{detail}: {said}"
