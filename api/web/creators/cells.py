"""The cells of the list of creators, which its page draws and its stream sends anew."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from msgspec import Struct

from api.routes.lists.creators import CreatorWithFigures, ListedFigures
from api.web.charts.svg import SPARKLINE_HEIGHT, SPARKLINE_WIDTH, Sparkline
from api.web.creators.columns import ListColumn
from api.web.creators.rows import ListedCreator
from api.web.kit.filters import fingerprint, time_since
from api.web.kit.page import PageContext
from api.web.kit.parts.figures import NOTHING, badge, direction, figure, level
from api.web.kit.parts.markup import html, joined
from api.web.kit.parts.pictures import Pictures
from api.web.kit.scrape_labels import failing_shortly
from domain.written import number, percent, percent_shortly, short, signed, whole

_BOX = f"0 0 {SPARKLINE_WIDTH} {SPARKLINE_HEIGHT}"
_CONNECTED = html(
    '<span class="badge good" title="The creator{}s own account is connected">'
    "connected</span>",
    "\N{RIGHT SINGLE QUOTATION MARK}",
)
_REVIEW = html(
    '<span class="badge" title="New videos wait for review in the inbox">review</span>'
)
_END = html("</td>\n")
_WHO = """\
<a class="opens" href="/creators/{}">{}<span class="names">\
<span class="theirs name">{}</span></span></a>
<span class="notes">{}</span>"""
_NOT_YET = html('<span class="muted">not yet</span>')
_BECAUSE = '{} <span class="reason">{}</span>'
_SINCE = '{} <span class="reason">{} {}</span>'
_COURSE = (
    '<svg class="sparkline {}" viewBox="{}" aria-hidden="true" focusable="false">{}'
    "</svg>"
)


class DrawnRow(Struct, frozen=True, kw_only=True):
    """A row of the list; ``who`` names the creator, ``cells`` are the other columns.

    ``print`` changes with the cells and with ``who``.
    """

    creator: CreatorWithFigures
    who: Markup
    cells: Markup
    print: str


class CellDrawer:
    """Draws cells of creators; ``words`` name the days of the figures."""

    def __init__(
        self, page: PageContext, columns: Sequence[ListColumn], words: str
    ) -> None:
        self._columns = columns
        self._words = words
        self._pictures: Pictures = page.site.pictures
        self._zone = ZoneInfo(page.own_time_zone)

    def rows(
        self, listed: Iterable[ListedCreator], on_phones: Collection[str]
    ) -> list[DrawnRow]:
        """Return drawn rows; ``on_phones`` are the columns that a phone shows."""
        begun = [_begun(column, on_phones) for column in self._columns]
        return [self._row(each, begun) for each in listed]

    def cells(self, row: ListedCreator) -> dict[str, Markup]:
        """Return the cells of a row by the names of their columns, ``who`` first."""
        found = {"who": self._who(row)}
        for column in self._columns:
            found[column.name] = self._cell(row, column)
        return found

    def totals(self, figures: ListedFigures) -> dict[str, Markup]:
        """Return the cells of the totals by the names of their columns."""
        return {
            column.name: self._value(figures, column)
            for column in self._columns
            if column.is_figure
        }

    def _row(self, row: ListedCreator, begun: Sequence[Markup]) -> DrawnRow:
        cells = self.cells(row)
        who, *others = cells.values()
        return DrawnRow(
            creator=row.creator,
            who=who,
            cells=joined(
                piece
                for begin, cell in zip(begun, others, strict=True)
                for piece in (begin, cell, _END)
            ),
            print=fingerprint(cells.values()),
        )

    def _who(self, row: ListedCreator) -> Markup:
        c = row.creator
        handle = f"@{c.tiktok_handle}"
        notes: list[Markup] = []
        if c.display_name:
            notes.append(html('<span class="theirs handle">{}</span>', handle))
        if row.project:
            notes.append(html('<span class="theirs project">{}</span>', row.project))
        if c.connected_at:
            notes.append(_CONNECTED)
        if c.tracking_mode == "selective":
            notes.append(_REVIEW)
        notes += [html('<span class="badge theirs">{}</span>', tag) for tag in c.tags]
        avatar = self._pictures.avatar(c.tiktok_handle, c.avatar_url)
        return html(_WHO, c.id, avatar, c.display_name or handle, joined(notes))

    def _cell(self, row: ListedCreator, column: ListColumn) -> Markup:
        c, figures = row.creator, row.figures
        if column.name == "health":
            return self._health(c)
        if column.kind == "pace":
            return html(
                '<span title="{} posts a week {}">{}</span>',
                number(c.posts_per_week),
                self._words,
                f"{round(c.posts_per_week, 1):g}",
            )
        if column.kind == "time":
            at: datetime | None = getattr(c, column.name)
            if at is None:
                return _NOT_YET
            return time_since(self._zone, at)
        if column.name == "followers":
            reached = level(figures.followers, is_rounded=figures.followers_rounded)
            return joined((_course(row.courses.get("followers")), reached))
        if column.name == "views":
            drawn = _course(row.courses.get("views"), "flow")
            return joined((drawn, level(figures.views)))
        return self._value(figures, column)

    def _value(self, figures: ListedFigures, column: ListColumn) -> Markup:
        """Return a figure of one creator, or the total."""
        value: Any = getattr(figures, column.name)
        if value is None:
            return NOTHING
        match column.kind:
            case "new" if column.name == "new_followers":
                return self._change(
                    value,
                    "followers",
                    is_rounded=figures.new_followers_rounded,
                    is_sharpened=figures.new_followers_sharpened,
                )
            case "new":
                return self._change(value, column.name.removeprefix("new_"))
            case "level":
                is_rounded = column.name == "followers" and figures.followers_rounded
                return level(value, is_rounded=is_rounded)
            case "rate":
                return figure(percent_shortly(value), percent(value))
            case "average":
                return figure(short(whole(value)), number(value))
            case _:
                return html("{}", number(value))

    def _change(
        self,
        value: int,
        noun: str,
        *,
        is_rounded: bool = False,
        is_sharpened: bool = False,
    ) -> Markup:
        full = f"{number(value)} {noun} {self._words}"
        kind = f"change {direction(value)}"
        return figure(signed(value), full, is_rounded, is_sharpened, kind)

    def _health(self, c: CreatorWithFigures) -> Markup:
        """Return a word, and the reason."""
        if c.status in {"removed", "erased"}:
            return badge(c.status)
        match c.health:
            case "disabled":
                reason = (c.disabled_reason or "by itself").replace("_", " ")
                return badge(f"disabled: {reason}", "warn")
            case "failing":
                word, kinds = badge("failing", "bad"), failing_shortly(c.failing_kinds)
                return html(_SINCE, word, f"{kinds} since", self._ago(c.failing_since))
            case "never_seen":
                return html(_BECAUSE, badge("never scraped"), _why_never(c))
            case "stale":
                word, seen = badge("stale", "warn"), self._ago(c.last_scraped_at)
                return html(_SINCE, word, "overdue, seen", seen)
            case _:
                word, seen = badge("ok", "good"), self._ago(c.last_scraped_at)
                return html(_SINCE, word, "seen", seen)

    def _ago(self, at: datetime | None) -> Markup | str:
        return "never" if at is None else time_since(self._zone, at)


def _begun(column: ListColumn, on_phones: Collection[str]) -> Markup:
    """Return the beginning of a column's cell, which is the same in every row."""
    # On a phone health is shown, too.
    is_shown = column.name in on_phones or column.name == "health"
    return html(
        '<td class="{} {}{}" role="cell" data-label="{}" data-cell="{}">',
        "number" if column.is_number else "words",
        column.kind,
        "" if is_shown else " desk",
        column.label,
        column.name,
    )


def _course(line: Sparkline | None, kind: str = "") -> Markup:
    """Return the drawn course of a number, which stands next to it as text."""
    if line is None:
        return Markup()
    drawn = joined(html('<polyline points="{}"/>', points) for points in line.lines)
    return html(_COURSE, kind, _BOX, drawn)


def _why_never(creator: CreatorWithFigures) -> str:
    if creator.last_outcome == "not_in_recording":
        return "not in the recording"
    return "not yet" if creator.follower_count is None else "imported numbers"
