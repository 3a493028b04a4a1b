"""/videos: the list, and one video."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import UUID

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response
from msgspec.structs import asdict

from api.http.errors import ApiError, Code
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from api.routes.creators.schemas import check_sizes
from api.routes.lists.video_parameters import VideoListParameters, provide_video_list
from api.routes.lists.video_responses import VideoListMeta, VideoWithFigures
from api.routes.lists.videos import listed_videos
from api.routes.scrapes import check_queue_age
from api.routes.videos import responses as answers
from api.routes.videos.schemas import QueuedVideoScrape, VideoChange
from domain.scrape.handlers.scrapes import request_video_scrape
from domain.video import commands as c
from domain.video.handlers import videos
from projections.analytics.read.members import members_of
from projections.engine.reader import Reader
from projections.videos.counting import VideoAmounts, video_amounts
from projections.videos.merged import check_not_merged
from projections.videos.queries import Video, one_video

_LISTING = {"video_list": Provide(provide_video_list, sync_to_thread=False)}


class VideoRoutes(Controller):
    """The list of videos, and one video."""

    tags = ("Videos",)
    entities: ClassVar = {"video": Video}
    dependencies = _LISTING

    @read_route(
        "/videos", "listVideos", errors=[Code.RETENTION_EXCEEDED], meta=VideoListMeta
    )
    async def list_videos(
        self,
        listing: NamedDependency[ListRequest],
        video_list: NamedDependency[VideoListParameters],
    ) -> ListPage[VideoWithFigures]:
        """List videos, newest first unless another sort is requested.

        Each video has `tiktok_handle` and `figures` if the request has a period or
        dates, or sorts by new numbers. `meta` then has `totalCount` and the days:
        `firstDay`, `lastDay`, `tz`. A named period is cut to the days that the plan
        shows. With a project_id, new numbers are what counts in the project; creators
        who moved may have left a part in another project.
        """
        return await listed_videos(listing, video_list)

    @read_route("/videos/amounts", "getVideoAmounts")
    async def get_amounts(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        project_id: FromQuery[UUID | None] = None,
        creator_id: FromQuery[UUID | None] = None,
        campaign_id: Annotated[
            UUID | None,
            QueryParameter(
                description="Count only what is in this campaign or in "
                "campaigns below it."
            ),
        ] = None,
    ) -> Answer[VideoAmounts]:
        """Count the videos that count, and the others by reason.

        Excluded videos are included, although no list of videos has them.
        """
        organization_id = request.organization_id
        needed = ("videos",) if campaign_id is None else ("videos", "analytics")
        await caught_up(request, reader, *needed)
        members = None
        if campaign_id is not None:
            its = await members_of(reader, organization_id, campaign_id)
            members = frozenset(its.creators), frozenset(its.videos)
        return Answer(
            await video_amounts(
                reader,
                organization_id,
                project_id=project_id,
                creator_id=creator_id,
                members=members,
            )
        )

    @read_route("/videos/{video_id:uuid}", "getVideo")
    async def get_video(
        self,
        request: Request,
        video_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Video]:
        """Show one video, unless it was excluded.

        A single video that was merged into a creator's video is 404, and `mergedInto`
        is the id of the creator's video.
        """
        await caught_up(request, reader, "videos")
        video = await one_video(reader.alone, request.organization_id, video_id)
        if video is None:
            await check_not_merged(reader, request.organization_id, video_id)
        return found("video", video)

    @write_route(patch, "/videos/{video_id:uuid}", "changeVideo", errors=[Code.GONE])
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
                c.ChangeVideoDetails(**asdict(data)),
                organization_id=request.organization_id,
                expected_versions=writer.expected_versions(request),
            ),
            answers.changed_video,
        )

    @read_route(
        "/videos/{video_id:uuid}/stats",
        "getVideoStats",
        is_gone=True,
        is_deprecated=True,
    )
    async def get_video_stats(self, video_id: FromPath[UUID]) -> Response[None]:
        """Gone: use GET /analytics."""
        raise ApiError(
            Code.GONE,
            f"Use GET /api/v1/analytics?entity=video&entity_id={video_id} instead.",
        )

    @write_route(delete, "/videos/{video_id:uuid}", "excludeVideo", errors=[Code.GONE])
    def exclude_video(
        self,
        request: Request,
        video_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Video]:
        """Exclude a video, which is then neither listed nor counted.

        Its history stays. Adding its URL again, or including it in a review, tracks it
        again.
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

    @write_route(
        post,
        "/videos/{video_id:uuid}/scrape",
        "scrapeVideo",
        errors=[
            *(Code.LIMIT_REACHED, Code.CREATOR_REMOVED, Code.PROJECT_ARCHIVED),
            Code.GONE,
        ],
        status=202,
    )
    def scrape_video(
        self,
        request: Request,
        video_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[QueuedVideoScrape]:
        """Queue a manual scrape of a video, which counts against the day's limit.

        While scrapes of the organization are overdue for too long, the answer is 429
        `rate_limit_exceeded`.
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

    @write_route(
        post,
        "/videos/{video_id:uuid}/tracking-disable",
        "disableVideoTracking",
        errors=[Code.GONE],
        status=200,
    )
    def disable_tracking(
        self,
        request: Request,
        video_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Video]:
        """Stop counting a tracked video; its recorded numbers stay.

        Adding its URL again, or including it in a review, tracks it again.
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
