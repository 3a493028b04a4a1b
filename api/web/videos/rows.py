"""The rows of the list of videos as HTML."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup
from msgspec import Struct

from api.routes.lists.videos import VideoWithFigures
from api.web.creator.videos import VideoTableRow, row_of
from api.web.kit.filters import time_in
from api.web.kit.page import PageContext
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
        # The beginning of a cell is the same in every row.
        begun = {
            name: _begun(name, label, is_on_phones=sort in self.on_phones)
            for name, (sort, label) in self.columns.items()
        }
        zone = ZoneInfo(self.page.own_time_zone)
        return [self._row(video, begun, zone) for video in videos]

    def _row(
        self, video: VideoWithFigures, begun: Mapping[str, Markup], zone: ZoneInfo
    ) -> Markup:
        kind = "Photo post" if video.kind == "photo" else "Video"
        title = video.title or f"{kind} {video.tiktok_video_id}"
        thumb = self.page.site.pictures.thumb(
            video.tiktok_video_id, video.thumbnail_url, video.kind
        )
        if video.creator_id:
            named = html(_NAMED, video.creator_id, video.id, title)
        else:
            named = html('<span class="theirs clamped" dir="auto">{}</span>', title)
        cells: list[Markup] = []
        for name, begin in begun.items():
            if name == "posted_at":
                cells += (begin, _posted(video.posted_at, zone), _LAST_OF_LINE)
            else:
                cells += (begin, self._figure(video, name), _END)
        notes = joined(self._notes(video, row_of(video), title))
        return html(_ROW, thumb, named, notes, joined(cells), video.id, title)

    def _notes(
        self, video: VideoWithFigures, row: VideoTableRow, title: str
    ) -> Iterable[Markup]:
        """Yield what stands below the title."""
        if video.creator_id:
            whose = '<a class="theirs" href="/creators/{}">@{}</a>'
            yield html(whose, video.creator_id, video.tiktok_handle)
        if self.project_names:
            project = self.project_names[video.project_id]
            yield html(' <span class="theirs project" dir="auto">{}</span>', project)
        if row.link:
            yield html(_AWAY, row.link, title)
        for tag in video.tags:
            yield html(' <span class="badge theirs">{}</span>', tag)
        if not row.is_counted:
            yield html(" {}", badge(f"not included: {row.why}"))
        if video.missing_since:
            yield html(" {}", badge("missing", "bad"))

    def _figure(self, video: VideoWithFigures, name: str) -> Markup:
        value: int | None = getattr(video.figures, name)
        if name != "new_views":
            return level(value)
        if value is None:
            return NOTHING
        full = f"{number(value)} {self.words}"
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
