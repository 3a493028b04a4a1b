"""The rows of the list of videos as HTML."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup
from msgspec import Struct
from msgspec.json import decode, encode

from api.routes.lists.videos import VideoWithFigures
from api.web.creator.videos import VideoTableRow, row_of
from api.web.kit.filters import time_in
from api.web.kit.page import PageContext
from api.web.kit.parts.drawn import kept_drawn
from api.web.kit.parts.figures import NOTHING, badge, direction, figure, level
from api.web.kit.parts.markup import html, joined
from domain.written import UNKNOWN, day, number, signed

_ROW = """\
<tr role="row">
<th scope="row" role="rowheader"><div class="post">{}<div>
{}<div class="row small">{}</div>
</div></div></th>
{}\
<td class="act" role="cell"><a class="dots" href="/videos/{}/actions" data-menu \
aria-haspopup="true" aria-label="Actions: {}"></a></td>
</tr>
"""
_NAMED = (
    '<a class="theirs clamped opens" dir="auto" href="/creators/{}/videos/{}">{}</a>'
)
_AWAY = (
    ' <a class="away" href="{}" target="_blank" rel="noopener noreferrer nofollow" '
    'aria-label="{} on TikTok">on TikTok</a>'
)
_POSTED = '<time datetime="{}" title="{}">{}</time>'
_END, _LAST_OF_LINE = html("</td>"), html("</td>\n")


class VideoRows(Struct, frozen=True, kw_only=True):
    """Draws rows; ``words`` name the days of new numbers.

    ``columns`` are the order and the label of each figure, and ``on_phones`` the orders
    of those that a phone shows. ``project_names`` is empty if rows name no project.
    """

    page: PageContext
    columns: Mapping[str, tuple[str, str]]
    on_phones: Collection[str]
    project_names: Mapping[UUID, str]
    words: str

    def of(self, videos: Iterable[VideoWithFigures]) -> list[Markup]:
        style = _VideoStyle(
            begun=_beginnings(
                tuple((name, *one) for name, one in self.columns.items()),
                frozenset(self.on_phones),
            ),
            words=self.words,
            zone=self.page.own_time_zone,
        )
        return [self._row(video, style) for video in videos]

    def _row(self, video: VideoWithFigures, style: "_VideoStyle") -> Markup:
        # The addresses of pictures change each day.
        thumb = self.page.site.pictures.thumb(
            video.tiktok_video_id, video.thumbnail_url, video.kind
        )
        project = self.project_names[video.project_id] if self.project_names else ""
        return _drawn(encode(video), thumb, project, style)


class _VideoStyle(NamedTuple):
    """The beginning of each column's cell by its figure, and what all rows share.

    ``words`` name the days of new numbers, and ``zone`` is a time zone.
    """

    begun: tuple[tuple[str, Markup], ...]
    words: str
    zone: str


# Most rows look like the last time.
@kept_drawn(most=1_000)
def _drawn(encoded: bytes, thumb: Markup, project: str, style: _VideoStyle) -> Markup:
    """Return a row, of which nothing but these arguments decides what it looks like."""
    video = decode(encoded, type=VideoWithFigures)
    kind = "Photo post" if video.kind == "photo" else "Video"
    title = video.title or f"{kind} {video.tiktok_video_id}"
    if video.creator_id:
        named = html(_NAMED, video.creator_id, video.id, title)
    else:
        named = html('<span class="theirs clamped" dir="auto">{}</span>', title)
    cells: list[Markup] = []
    for name, begin in style.begun:
        if name == "posted_at":
            posted = _posted(video.posted_at, ZoneInfo(style.zone))
            cells += (begin, posted, _LAST_OF_LINE)
        else:
            cells += (begin, _figure(video, name, style.words), _END)
    notes = joined(_notes(video, row_of(video), title, project))
    return html(_ROW, thumb, named, notes, joined(cells), video.id, title)


@lru_cache(maxsize=64)
def _beginnings(
    columns: tuple[tuple[str, str, str], ...], on_phones: frozenset[str]
) -> tuple[tuple[str, Markup], ...]:
    return tuple(
        (name, _begun(name, label, is_on_phones=sort in on_phones))
        for name, sort, label in columns
    )


def _notes(
    video: VideoWithFigures, row: VideoTableRow, title: str, project: str
) -> Iterable[Markup]:
    """Yield what stands below the title."""
    if video.creator_id:
        whose = '<a class="theirs" href="/creators/{}">@{}</a>'
        yield html(whose, video.creator_id, video.tiktok_handle)
    if project:
        yield html(' <span class="theirs project" dir="auto">{}</span>', project)
    if row.link:
        yield html(_AWAY, row.link, title)
    for tag in video.tags:
        yield html(' <span class="badge theirs">{}</span>', tag)
    if not row.is_counted:
        yield html(" {}", badge(f"not included: {row.why}"))
    if video.missing_since:
        yield html(" {}", badge("missing", "bad"))


def _figure(video: VideoWithFigures, name: str, words: str) -> Markup:
    value: int | None = getattr(video.figures, name)
    if name != "new_views":
        return level(value)
    if value is None:
        return NOTHING
    full = f"{number(value)} {words}"
    return figure(signed(value), full, kind=f"change {direction(value)}")


def _begun(name: str, label: str, *, is_on_phones: bool) -> Markup:
    """Return the beginning of a column's cell."""
    desk = "" if is_on_phones else " desk"
    if name == "posted_at":
        return html(
            '<td class="words time{}" role="cell" data-label="{}">', desk, label
        )
    kind = " level" if name == "views" else ""
    shortly = html("")
    if "views" in label:
        in_short = "New" if name == "new_views" else "Views"
        shortly = html(' data-short="{}"', in_short)
    begin = '<td class="number{}{}" role="cell" data-label="{}"{}>'
    return html(begin, kind, desk, label, shortly)


def _posted(at: datetime | None, zone: ZoneInfo) -> Markup:
    if at is None:
        return html("{}", UNKNOWN)
    shown = day(at.astimezone(zone).date())
    return html(_POSTED, at.isoformat(), time_in(zone, at), shown)
