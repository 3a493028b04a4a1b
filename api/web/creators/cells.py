"""The cells of the list of creators, which its page draws and its stream sends anew."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup
from msgspec import Struct
from msgspec.json import decode, encode

from api.routes.lists.creators import CreatorWithFigures, ListedFigures
from api.web.charts.svg import SPARKLINE_HEIGHT, SPARKLINE_WIDTH, Sparkline
from api.web.creators.columns import ListColumn
from api.web.creators.rows import ListedCreator
from api.web.kit.filters import age_of, fingerprint, time_with_age
from api.web.kit.page import PageContext
from api.web.kit.parts.drawn import kept_drawn
from api.web.kit.parts.figures import NOTHING, badge, direction, figure, level
from api.web.kit.parts.markup import html, joined
from api.web.kit.parts.pictures import Pictures
from api.web.kit.scrape_labels import failing_shortly
from domain.analytics.summaries.kpis import known_from
from domain.written import (
    not_known_before,
    number,
    percent,
    percent_shortly,
    short,
    signed,
    whole,
)

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
_UNKNOWN_BEFORE = '<span class="muted unknown">{}</span>'
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
        self._style = _Style(
            columns=tuple(columns), words=words, zone=page.own_time_zone
        )
        self._pictures: Pictures = page.site.pictures

    def rows(
        self, listed: Iterable[ListedCreator], on_phones: Sequence[str]
    ) -> list[DrawnRow]:
        """Return drawn rows; ``on_phones`` are the columns that a phone shows."""
        now, shown = datetime.now(UTC), tuple(on_phones)
        return [self._row(each, shown, now) for each in listed]

    def cells(self, row: ListedCreator) -> Mapping[str, Markup]:
        """Return the cells of a row by the names of their columns, ``who`` first."""
        return self._drawn(row, (), datetime.now(UTC)).cells

    def totals(self, figures: ListedFigures) -> dict[str, Markup]:
        """Return the cells of the totals by the names of their columns."""
        drawing = _Drawing(self._style, _Ages())
        return {
            column.name: drawing.value(figures, column)
            for column in self._style.columns
            if column.is_figure
        }

    def _row(
        self, row: ListedCreator, on_phones: tuple[str, ...], now: datetime
    ) -> DrawnRow:
        drawn = self._drawn(row, on_phones, now)
        return DrawnRow(
            creator=row.creator,
            who=drawn.cells["who"],
            cells=drawn.others,
            print=drawn.print,
        )

    def _drawn(
        self, row: ListedCreator, on_phones: tuple[str, ...], now: datetime
    ) -> "_Drawn":
        c = row.creator
        # The addresses of pictures change each day.
        avatar = self._pictures.avatar(c.tiktok_handle, c.avatar_url)
        ages = _Ages(*(_age(getattr(c, name), now) for name in _Ages._fields))
        return _drawn(encode(row), avatar, ages, self._style, on_phones)


class _Style(NamedTuple):
    """The columns of a list, its days in words, and the name of its time zone."""

    columns: tuple[ListColumn, ...]
    words: str
    zone: str


class _Ages(NamedTuple):
    """The times of a creator that lists show, as the time since then in words."""

    last_posted_at: str = ""
    last_scraped_at: str = ""
    created_at: str = ""
    failing_since: str = ""


class _Drawn(Struct, frozen=True):
    """The cells of a row by their columns, and all but the first as they are sent."""

    cells: Mapping[str, Markup]
    others: Markup
    print: str


# Most rows look like the last time: a list is looked at again and again, and redrawn
# every two seconds while it is open.
@kept_drawn(most=1_000)
def _drawn(
    row: bytes, avatar: Markup, ages: _Ages, style: _Style, on_phones: tuple[str, ...]
) -> _Drawn:
    """Return a row, of which nothing but these arguments decides what it looks like."""
    cells = _Drawing(style, ages).cells(decode(row, type=ListedCreator), avatar)
    begun = _beginnings(style.columns, on_phones)
    _, *others = cells.values()
    return _Drawn(
        cells,
        joined(
            piece
            for begin, cell in zip(begun, others, strict=True)
            for piece in (begin, cell, _END)
        ),
        fingerprint(cells.values()),
    )


@lru_cache(maxsize=64)
def _beginnings(
    columns: tuple[ListColumn, ...], on_phones: tuple[str, ...]
) -> list[Markup]:
    return [_begun(column, on_phones) for column in columns]


def _age(at: datetime | None, now: datetime) -> str:
    return "" if at is None else age_of(at, now=now)


class _Drawing:
    """Draws the cells of one creator."""

    def __init__(self, style: _Style, ages: _Ages) -> None:
        self._columns = style.columns
        self._words = style.words
        self._zone = ZoneInfo(style.zone)
        self._ages = ages

    def cells(self, row: ListedCreator, avatar: Markup) -> dict[str, Markup]:
        """Return the cells by the names of their columns, ``who`` first."""
        found = {"who": self._who(row, avatar)}
        for column in self._columns:
            found[column.name] = self._cell(row, column)
        return found

    def _who(self, row: ListedCreator, avatar: Markup) -> Markup:
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
            return time_with_age(self._zone, at, getattr(self._ages, column.name))
        if column.name == "followers":
            reached = level(figures.followers, is_rounded=figures.followers_rounded)
            return joined((_course(row.courses.get("followers")), reached))
        if column.name == "views":
            drawn = _course(row.courses.get("views"), "flow")
            return joined((drawn, level(figures.views)))
        return self.value(figures, column)

    def value(self, figures: ListedFigures, column: ListColumn) -> Markup:
        """Return a figure of one creator, or the total."""
        value: Any = getattr(figures, column.name)
        if value is None:
            first = known_from(
                column.name, partial(getattr, figures), figures.known_from
            )
            return (
                NOTHING
                if first is None
                else html(_UNKNOWN_BEFORE, not_known_before(first))
            )
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
                return html(
                    _SINCE, word, f"{kinds} since", self._ago(c, "failing_since")
                )
            case "never_seen":
                return html(_BECAUSE, badge("never scraped"), _why_never(c))
            case "stale":
                word, seen = badge("stale", "warn"), self._ago(c, "last_scraped_at")
                return html(_SINCE, word, "overdue, seen", seen)
            case _:
                word, seen = badge("ok", "good"), self._ago(c, "last_scraped_at")
                return html(_SINCE, word, "seen", seen)

    def _ago(self, c: CreatorWithFigures, name: str) -> Markup | str:
        at: datetime | None = getattr(c, name)
        age: str = getattr(self._ages, name)
        return "never" if at is None else time_with_age(self._zone, at, age)


def _begun(column: ListColumn, on_phones: Sequence[str]) -> Markup:
    """Return the beginning of a column's cell, which is the same in every row."""
    # On a phone health is shown, too.
    is_shown = column.name in on_phones or column.name == "health"
    makes_room = column.name in on_phones[1:]
    return html(
        '<td class="{} {}{}" role="cell" data-label="{}" data-cell="{}">',
        "number" if column.is_number else "words",
        column.kind,
        " usual" if makes_room else "" if is_shown else " desk",
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
