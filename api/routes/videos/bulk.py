"""/projects/{id}/videos and /inbox: added videos, and commands for many."""

from datetime import datetime
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from api.http.errors import Code
from api.http.reading.paging import ListRequest, behind
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from api.routes.videos import responses as answers
from api.routes.videos.schemas import BulkVideos, NewVideo, Review, VideoSelection
from application.onboarding.add_video import add_video
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.events import TrackingStatus
from domain.video.handlers import videos
from projections.engine.reader import ProjectionBehindError
from projections.projects import one_project
from projections.videos.queries import Video, VideoQuery, page_of_videos


class ProjectVideoRoutes(Controller):
    """The videos of one project."""

    path = "/projects/{project_id:uuid}/videos"
    tags = ("Videos",)

    @read_route("/excluded", "listExcludedVideos")
    async def list_excluded(
        self, project_id: FromPath[UUID], listing: NamedDependency[ListRequest]
    ) -> ListPage[Video]:
        """List the excluded videos of a project, newest first.

        `put_back` in a review of the inbox takes an exclusion back.
        """
        return await _of_status(listing, project_id, "excluded")

    @write_route(
        post,
        "/",
        "addVideo",
        errors=[
            *(Code.CREATOR_BANNED, Code.ERASED_AND_BANNED),
            *(Code.OTHER_PROJECT, Code.HANDLE_TAKEN, Code.GONE),
            *(Code.PROJECT_ARCHIVED, Code.PROJECTION_BEHIND),
        ],
        responses={200: ResponseSpec(Video, description="The video was there before.")},
    )
    def add_video(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[NewVideo],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Video]:
        """Track a video by its URL, whatever was decided about it before.

        The video counts, whoever posted it. A new video is scraped at once; a known
        video gets the tags, if there are any. A video of an erased creator is new.
        """

        def handler() -> Handler[UUID]:
            try:
                return add_video(
                    writer.store,
                    data.url,
                    organization_id=request.organization_id,
                    project_id=project_id,
                    command_id=request.command_id,
                    tags=data.tags,
                )
            except ProjectionBehindError as error:
                raise behind(error) from error

        return writer.perform(request, handler, answers.added_video)

    @write_route(post, "/bulk-tracking-disable", "disableVideosTracking", status=200)
    def disable_tracking(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[VideoSelection],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[BulkVideos]:
        """Stop counting up to 100 videos; videos that do not count are skipped."""
        return writer.perform(
            request,
            lambda: videos.disable_videos(
                data.video_ids,
                organization_id=request.organization_id,
                project_id=project_id,
            ),
            answers.bulk_answer,
        )


class InboxRoutes(Controller):
    """The discovered videos of one project that wait for a decision."""

    path = "/projects/{project_id:uuid}/inbox"
    tags = ("Inbox",)

    @read_route("/", "listInbox")
    async def list_inbox(
        self, project_id: FromPath[UUID], listing: NamedDependency[ListRequest]
    ) -> ListPage[Video]:
        """List the videos that wait for a review, newest first."""
        return await _of_status(listing, project_id, "pending_review")

    @write_route(post, "/review", "reviewInbox", status=200)
    def review_inbox(
        self,
        request: Request,
        project_id: FromPath[UUID],
        data: JSONBody[Review],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[BulkVideos]:
        """Include, exclude or put back up to 100 videos; decisions can be revised.

        `put_back` undoes an include or exclude: the video waits for a review again. A
        video is skipped if it is so already, and failed if the project does not have
        it.
        """
        return writer.perform(
            request,
            lambda: videos.review_videos(
                [(item.video_id, item.decision) for item in data.decisions],
                organization_id=request.organization_id,
                project_id=project_id,
            ),
            answers.bulk_answer,
        )


async def _of_status(
    listing: ListRequest, project_id: UUID, status: TrackingStatus
) -> ListPage[Video]:
    reader, organization_id = listing.reader, listing.organization_id
    await listing.caught_up("projects", "videos")
    if await one_project(reader, organization_id, project_id) is None:
        raise NotFoundError("project")
    return await listing.page(
        f"videos of a project that are {status}",
        lambda limit, after: page_of_videos(
            reader,
            VideoQuery(
                organization_id=organization_id,
                statuses=(status,),
                project_id=project_id,
                limit=limit,
                after=after,
            ),
        ),
        filters={"project_id": project_id},
        key=lambda row: (row.created_at, row.id),
        after=tuple[datetime, UUID],
    )
