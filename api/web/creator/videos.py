"""/creators/{id}/videos: the table of a creator's videos, and forms for many."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.errors import ApiError
from api.routes.creators.schemas import QueuedScrape
from api.routes.videos.schemas import BulkVideos
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.counting import LISTED, WHY, counts, why_counted
from api.web.kit.handlers import form_route, page_route
from api.web.kit.list_query import ListQuery, two_of
from api.web.kit.page import PageContext, PageResponse
from domain.phrases import counted
from projections.creators.creator import Creator
from projections.videos.counting import VideoAmounts
from projections.videos.queries import Video
from projections.videos.sort_sql import engagement_rate

# Only the page of removed videos lists these.
STATUSES = {
    "": "All",
    **{status: f"{WHY[status][0].upper()}{WHY[status][1:]}" for status in LISTED},
}
_COLUMNS = {
    "posted_at": "Posted",
    "view_count": "Views",
    "like_count": "Likes",
    "comment_count": "Comments",
    "share_count": "Shares",
    "save_count": "Saves",
    "engagement_rate": "Engagement",
}
_SCRAPES = {
    "discover_videos": "Goatherd looks for new videos now.",
    "video_stats": "The figures of the included videos are scraped now.",
}
# Videos that do not count are listed as well, so that a creator never seems to be
# without videos.
_ALL = ",".join(LISTED)
_SHOWN = 50


class VideoTableRow(Struct, frozen=True, kw_only=True):
    """A video, and the values that pages derive from it."""

    video: Video
    is_counted: bool
    why: str
    rate: float | None
    link: str | None


class CreatorVideosQuery(ListQuery, frozen=True, kw_only=True):
    """The videos to list; its days change nothing, because the figures are totals."""

    status: str = ""

    @property
    def usual_sort(self) -> str:
        return "posted_at"


class NewVideoForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The URL of a video to track."""

    url: Annotated[str, typed("URL of the video")]


class ManyForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Videos, and the switch for counting; ``back`` is the query of the table."""

    to: str
    video_ids: list[str] = []
    back: str = ""


class VideosScrapeForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kind of scrape to request."""

    job_type: str


class CreatorVideos(Controller):
    """A creator's videos as a table."""

    path = "/creators/{creator_id:uuid}/videos"

    @page_route(query=CreatorVideosQuery)
    async def videos(
        self,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
        choices: NamedDependency[CreatorVideosQuery],
    ) -> Template:
        """Show videos, the newest first unless sorted otherwise."""
        return await _table(page, await get_creator(page, creator_id), choices)

    @form_route(form=NewVideoForm)
    async def add(
        self,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> PageResponse:
        """Track a video by its URL, whoever posted it."""
        form = page.form(NewVideoForm)
        creator = await get_creator(page, creator_id)
        path = f"/projects/{creator.project_id}/videos"
        try:
            got = await page.send("POST", path, Video, {"url": form.url})
        except ApiRefusedError as error:
            return await _table(
                page, creator, CreatorVideosQuery(), url=form.url, error=error
            )
        page.flash(_added_message(got.data, creator, is_new=got.status == 201))
        return page.go_to(table_path(creator_id))

    @form_route("/counting", form=ManyForm)
    async def count_many(
        self,
        creator_id: FromPath[UUID],
        page: NamedDependency[PageContext],
    ) -> PageResponse:
        """Let the selected videos count, or not."""
        form = page.form(ManyForm)
        if form.video_ids:
            creator = await get_creator(page, creator_id)
            done = await count_videos(
                page, creator.project_id, form.video_ids, counts=form.to == "on"
            )
            page.flash(_counting_message(done, counts=form.to == "on"))
        else:
            page.flash("No video was selected.")
        return page.go_to(table_path(creator_id, form.back))

    @form_route("/older")
    async def count_older(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        """Track the creator from the beginning, so that older videos count, too."""
        body = {"tracking_start_date": None}
        got = await page.send("PATCH", f"/creators/{creator_id}", Creator, body)
        then = (
            "are included" if got.data.tracking_mode == "auto" else "wait in the inbox"
        )
        page.flash(
            f"@{got.data.tiktok_handle} is tracked from the beginning. Older videos "
            f"{then} in a moment."
        )
        return page.go_to(table_path(creator_id))

    @form_route("/scrape", form=VideosScrapeForm)
    async def scrape(
        self, creator_id: FromPath[UUID], page: NamedDependency[PageContext]
    ) -> PageResponse:
        job_type = page.form(VideosScrapeForm).job_type
        path = f"/creators/{creator_id}/scrape"
        await page.send("POST", path, QueuedScrape, {"job_type": job_type})
        what = _SCRAPES.get(job_type, "The scrape is queued.")
        page.flash(f"{what} The result appears by itself.", awaits_scrape=True)
        return page.go_to(table_path(creator_id))


async def count_videos(
    page: PageContext, project_id: UUID, video_ids: list[str], *, counts: bool
) -> BulkVideos:
    """Let videos of a project count, or not.

    Raises:
        ApiRefusedError: the API refused.
    """
    project = f"/projects/{project_id}"
    if counts:
        path = f"{project}/inbox/review"
        body: Any = {
            "decisions": [{"video_id": v, "decision": "include"} for v in video_ids]
        }
    else:
        path = f"{project}/videos/bulk-tracking-disable"
        body = {"video_ids": video_ids}
    return (await page.send("POST", path, BulkVideos, body)).data


def row_of(video: Video) -> VideoTableRow:
    """Return a video, and the values that pages derive from it."""
    return VideoTableRow(
        video=video,
        is_counted=counts(video),
        why=why_counted(video),
        rate=engagement_rate(
            view_count=video.view_count,
            like_count=video.like_count,
            comment_count=video.comment_count,
            share_count=video.share_count,
            save_count=video.save_count,
        ),
        link=None if video.is_erased else _on_tiktok(video.url),
    )


def table_path(creator_id: UUID, query: str = "") -> str:
    """Return the address of the table with its sort and filters."""
    path = f"/creators/{creator_id}/videos"
    # The form may have any text, but only a query may result from it.
    return f"{path}?{quote(query, safe='=&%')}" if query else path


async def _table(
    page: PageContext,
    creator: Creator,
    choices: CreatorVideosQuery,
    *,
    url: str = "",
    error: ApiError | None = None,
) -> Template:
    got, amounts = await asyncio.gather(
        page.get(
            "/videos",
            list[Video],
            creator_id=str(creator.id),
            tracking_status=choices.status or _ALL,
            sort=choices.sorted_by,
            order=choices.direction,
            cursor=choices.cursor or None,
            limit=_SHOWN,
        ),
        page.get("/videos/amounts", VideoAmounts, creator_id=str(creator.id)),
    )
    path = table_path(creator.id)
    kept = choices.pairs(cursor="")
    context: dict[str, Any] = {
        "rows": [row_of(video) for video in got.data],
        "columns": _COLUMNS,
        "on_phones": two_of(
            list(_COLUMNS),
            sorted_by=choices.sorted_by,
            usual=("view_count", "posted_at"),
        ),
        "statuses": [
            (choices.address(status=s, cursor=""), label, choices.status == s)
            for s, label in STATUSES.items()
        ],
        "amounts": amounts.data,
        "query": choices,
        "first": choices.address(cursor="") if choices.cursor else None,
        "more_url": got.next_url(path, **kept),
        "url": url,
    }
    return show_creator(page, "creator/videos.html", creator, context, error=error)


def _on_tiktok(url: str) -> str | None:
    """Return the link to a video on TikTok; None if the URL leads elsewhere."""
    parts = urlsplit(url)
    return url if (parts.scheme, parts.netloc) == ("https", "www.tiktok.com") else None


def _added_message(video: Video, creator: Creator, *, is_new: bool) -> str:
    text = "The video is included now." if is_new else "The video is included."
    if video.creator_id == creator.id:
        return text
    if video.creator_id is not None:
        return f"{text} It belongs to another creator, and is listed there."
    if f"/@{creator.tiktok_handle}/" in video.url:
        return (
            f"{text} It is scraped at once, and listed here as soon as a scrape of "
            "this creator finds it. Until then it is in the project's numbers."
        )
    return (
        f"{text} It is not by @{creator.tiktok_handle}, so it is not listed here. It "
        "is in the project's numbers."
    )


def _counting_message(done: BulkVideos, *, counts: bool) -> str:
    verb = "is" if done.ok_count == 1 else "are"
    state = "included" if counts else "excluded"
    text = f"{counted(done.ok_count, 'video')} {verb} {state} now."
    if done.skipped_count:
        was = "was" if done.skipped_count == 1 else "were"
        text += f" {done.skipped_count} {was} {state} before."
    if done.failed_count:
        text += f" {done.failed_count} could not be found."
    return text
