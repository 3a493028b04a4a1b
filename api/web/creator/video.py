"""/creators/{id}/videos/{id}: a video, its notes, and the switch for counting."""

import asyncio
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Template
from msgspec import Struct

from api.routes.analytics.videos import AgeCurve
from api.routes.videos.schemas import QueuedVideoScrape
from api.web.annotations.on_charts import happened_of, note_subject
from api.web.charts.drawing import MarksOrNone
from api.web.creator.age_chart import age_chart_of
from api.web.creator.layout import get_creator, show_creator
from api.web.creator.video_chart import TITLES, chart_of_video
from api.web.creator.videos import count_videos, row_of, table_path
from api.web.kit.forms.concurrent_edit import (
    CONFLICT_STATUS,
    EditDraft,
    EditForm,
    save_edit,
)
from api.web.kit.forms.fields import Fields, FormField
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.page_query import PageQuery
from domain.errors import NotFoundError
from projections.analytics.read.explanations.video_observations import ObservedVideo
from projections.creators.creator import Creator
from projections.videos.queries import Video


class VideoPageQuery(PageQuery, frozen=True, kw_only=True):
    """The choice in a video's address: ``marks`` switches off the chart's marks."""

    marks: MarksOrNone = ""


class SwitchForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The switch for counting: on or off; ``back`` is the query of the table."""

    to: str
    back: str | None = None


VIDEO = Fields(
    Video,
    "/videos",
    {
        "tags": FormField(label="Tags", type="tags"),
        "description": FormField(label="Description", type="long"),
        "readme": FormField(label="Notes", type="long"),
    },
)
VideoNotesForm = VIDEO.form("VideoNotesForm", VIDEO.by_name, EditForm)


class CreatorVideo(Controller):
    path = "/creators/{creator_id:uuid}/videos/{video_id:uuid}"

    @page_route(query=VideoPageQuery)
    async def video(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
        choices: NamedDependency[VideoPageQuery],
        cursor: Annotated[str, QueryParameter(max_length=2_000)] = "",
    ) -> Template:
        """Show a video, and a page of its observations."""
        creator = await get_creator(page, creator_id)
        video = await _get_video(page, creator, video_id)
        return await _show(page, creator, video, query=choices, cursor=cursor.strip())

    @form_route("/notes", form=VideoNotesForm)
    async def save_notes(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> PageResponse:
        """Store the notes, or show them again with the error."""
        draft = EditDraft.sent(page.form(VideoNotesForm))
        creator = await get_creator(page, creator_id)
        video = await _get_video(page, creator, video_id)
        done = await save_edit(page, VIDEO, video_id, draft)
        if isinstance(done, EditDraft):
            now = done.conflict.current if done.conflict else video
            return await _show(page, creator, now, done)
        page.flash(done.message)
        return page.go_to(_path(creator_id, video_id))

    @form_route("/tracking", form=SwitchForm)
    async def switch(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> PageResponse:
        """Let a video count, or not."""
        form = page.form(SwitchForm)
        counts = form.to == "on"
        creator = await get_creator(page, creator_id)
        await count_videos(page, creator.project_id, [str(video_id)], counts=counts)
        page.flash(
            "The video is included now." if counts else "The video is excluded now."
        )
        if form.back is None:
            return page.go_to(_path(creator_id, video_id))
        return page.go_to(f"{table_path(creator_id, form.back)}#v-{video_id}")

    @form_route("/scrape")
    async def scrape(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> PageResponse:
        await page.send("POST", f"/videos/{video_id}/scrape", QueuedVideoScrape)
        page.flash(
            "The video is scraped now. The result appears by itself.",
            awaits_scrape=True,
        )
        return page.go_to(_path(creator_id, video_id))

    @form_route("/exclude")
    async def exclude(
        self,
        creator_id: FromPath[UUID],
        video_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> PageResponse:
        """Remove a video from all lists and numbers."""
        got = await page.send("DELETE", f"/videos/{video_id}", Video)
        page.flash(
            f"Removed: {got.data.url}. The inbox leads to all removed videos, to put "
            "them back."
        )
        return page.go_to(table_path(creator_id))


async def _get_video(page: PageContext, creator: Creator, video_id: UUID) -> Video:
    got = await page.get(f"/videos/{video_id}", Video)
    if got.data.creator_id != creator.id:
        raise NotFoundError("video")
    return got.data


async def _show(
    page: PageContext,
    creator: Creator,
    video: Video,
    draft: EditDraft | None = None,
    *,
    cursor: str = "",
    query: VideoPageQuery | None = None,
) -> Template:
    """Return the page; without a query it shows a form that was refused."""
    is_marked = query is None or not query.marks
    draft = draft or EditDraft.of(VIDEO, video, VIDEO.by_name)
    path = f"/videos/{video.id}"
    drawn, curve, observed = await asyncio.gather(
        chart_of_video(page, video, is_marked=is_marked),
        page.get(f"{path}/age-curve", AgeCurve),
        page.get(f"{path}/observations", list[ObservedVideo], cursor=cursor, limit=20),
    )
    context = {
        "row": row_of(video),
        "draft": draft,
        "fields": VIDEO.by_name,
        "now": VIDEO.texts(video),
        "charts": drawn.charts if drawn else [],
        "titles": TITLES,
        "age": age_chart_of(curve.data, zone=ZoneInfo(page.time_zone)),
        "observations": observed.data,
        "earlier": observed.next_url(_path(creator.id, video.id)),
        "is_first": not cursor,
        "query": query,
        "happened": happened_of(
            page,
            drawn.answer,
            note_subject("video", video.id, "The video"),
            note_subject("creator", creator.id, f"@{creator.tiktok_handle}"),
            project_id=video.project_id,
        )
        if drawn and query
        else None,
    }
    return show_creator(
        page,
        "creator/video.html",
        creator,
        context,
        error=draft.error,
        status=CONFLICT_STATUS if draft.conflict else 200,
    )


def _path(creator_id: UUID, video_id: UUID) -> str:
    return f"{table_path(creator_id)}/{video_id}"
