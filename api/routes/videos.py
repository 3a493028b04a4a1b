"""/videos: the list, and one video."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from api.http.errors import Code
from api.http.paging import ListRequest, caught_up, found
from api.http.query import invalid_query
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.writer import CommandWriter
from api.routes import video_responses as answers
from api.routes.creator_schemas import check_sizes
from api.routes.queue_age import check_queue_age
from api.routes.video_schemas import QueuedVideoScrape, VideoChange
from domain.events import TrackingStatus
from domain.handlers import videos
from domain.handlers.scrapes import request_video_scrape
from domain.video import commands as c
from projections.engine.reader import Reader
from projections.videos.queries import (
    Video,
    VideoQuery,
    one_video,
    page_of_videos,
    video_sort_value,
)
from projections.videos.sort_sql import SortOrder, VideoSort

_LISTED: tuple[TrackingStatus, ...] = (
    "auto_tracked",
    "pending_review",
    "included",
    "direct_add",
    "out_of_window",
)
_DEFAULT_STATUSES = "auto_tracked,pending_review,included,direct_add"
# The type of the sort value in cursors of each sort; for the others a count.
_AFTER: dict[VideoSort, Any] = {
    "created_at": tuple[datetime, UUID],
    "posted_at": tuple[datetime | None, UUID],
    "engagement_rate": tuple[float | None, UUID],
}
_READ = {"scope": "read"}
_WRITE = {"scope": "write"}


class VideoRoutes(Controller):
    """The list of videos, and one video."""

    tags = ("Videos",)

    @get("/videos", opt=_READ, operation_id="listVideos")
    async def list_videos(
        self,
        listing: NamedDependency[ListRequest],
        project_id: FromQuery[UUID | None] = None,
        creator_id: FromQuery[UUID | None] = None,
        tracking_status: Annotated[
            str,
            QueryParameter(
                description="One or more, with commas, of auto_tracked, "
                "pending_review, included, direct_add and out_of_window. Excluded "
                "videos are never listed."
            ),
        ] = _DEFAULT_STATUSES,
        sort: Annotated[
            VideoSort,
            QueryParameter(
                description="Other than created_at only with creator_id. "
                "engagement_rate is likes, comments, shares and saves for each view. "
                "What is unknown comes last."
            ),
        ] = "created_at",
        order: Annotated[
            SortOrder, QueryParameter(description="desc has the greatest first.")
        ] = "desc",
    ) -> ListPage[Video]:
        """List videos, latest found first unless sorted otherwise."""
        if sort != "created_at" and creator_id is None:
            raise invalid_query("sort", "needs creator_id, unless it is created_at")
        filters: dict[str, Any] = {
            "project_id": project_id,
            "creator_id": creator_id,
            "statuses": _statuses(tracking_status),
            "sort": sort,
            "order": order,
        }
        await listing.caught_up("videos")
        return await listing.page(
            "videos",
            lambda limit, after: page_of_videos(
                listing.reader,
                VideoQuery(
                    organization_id=listing.organization_id,
                    limit=limit,
                    after=after,
                    **filters,
                ),
            ),
            filters=filters,
            key=lambda row: (video_sort_value(row, sort), row.id),
            after=_AFTER.get(sort, tuple[int | None, UUID]),
        )

    @get("/videos/{video_id:uuid}", opt=_READ, operation_id="getVideo")
    async def get_video(
        self,
        request: Request,
        video_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Video]:
        """Show one video, unless it was excluded."""
        await caught_up(request, reader, "videos")
        return found(
            "video", await one_video(reader, request.organization_id, video_id)
        )

    @patch(
        "/videos/{video_id:uuid}",
        opt=_WRITE,
        operation_id="changeVideo",
        sync_to_thread=True,
    )
    def change_video(
        self,
        request: Request,
        video_id: FromPath[UUID],
        data: JSONBody[VideoChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Video]:
        """Change the description, readme, metadata or tags of a video."""
        check_sizes(data)
        return writer.perform(
            request,
            lambda: videos.change_video(
                video_id,
                c.ChangeVideoDetails(
                    description=data.description,
                    readme=data.readme,
                    metadata=data.metadata,
                    tags=data.tags,
                ),
                organization_id=request.organization_id,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_video,
        )

    @delete(
        "/videos/{video_id:uuid}",
        opt=_WRITE,
        operation_id="excludeVideo",
        status_code=200,
        sync_to_thread=True,
    )
    def exclude_video(
        self,
        request: Request,
        video_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Video]:
        """Exclude a video: it is not listed and not counted any more.

        Its history stays. Adding its URL again or including it in a review tracks it.
        """
        return writer.perform(
            request,
            lambda: videos.exclude_video(
                video_id,
                organization_id=request.organization_id,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_video,
        )

    @post(
        "/videos/{video_id:uuid}/scrape",
        opt={
            "scope": "write",
            "errors": [Code.LIMIT_REACHED, Code.CREATOR_REMOVED],
        },
        operation_id="scrapeVideo",
        status_code=202,
        sync_to_thread=True,
    )
    def scrape_video(
        self,
        request: Request,
        video_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[QueuedVideoScrape]:
        """Queue one scrape of a video; it counts against the day's manual scrapes.

        While scrapes of the organization are overdue for too long, it is refused with
        429 `rate_limit_exceeded`.
        """
        return writer.perform(
            request,
            lambda: request_video_scrape(
                video_id,
                organization_id=request.organization_id,
                plans=writer.plans,
                now=datetime.now(UTC),
                command_id=request.command_id,
            ),
            answers.queued_scrape,
            check=lambda: check_queue_age(request, writer),
        )

    @post(
        "/videos/{video_id:uuid}/tracking-disable",
        opt=_WRITE,
        operation_id="disableVideoTracking",
        status_code=200,
        sync_to_thread=True,
    )
    def disable_tracking(
        self,
        request: Request,
        video_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Video]:
        """Stop counting a tracked video; its recorded numbers stay.

        Adding its URL again or including it in a review tracks it again.
        """
        return writer.perform(
            request,
            lambda: videos.change_video(
                video_id,
                c.DisableTracking(),
                organization_id=request.organization_id,
            ),
            answers.changed_video,
        )


def _statuses(text: str) -> tuple[TrackingStatus, ...]:
    names = text.split(",")
    if "excluded" in names:
        raise invalid_query("tracking_status", "excluded videos are never listed")
    if not set(names) <= set(_LISTED) or len(set(names)) < len(names):
        message = f"must be one or more of {', '.join(_LISTED)}, each once"
        raise invalid_query("tracking_status", message)
    # One order, so that the same list has the same cursors.
    return tuple(status for status in _LISTED if status in names)
