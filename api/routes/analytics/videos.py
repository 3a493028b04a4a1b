"""Numbers of one video: its observations, and its views compared with other videos."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from api.http.errors import Code
from api.http.reading.paging import ListRequest, caught_up
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route
from domain.errors import NotFoundError
from projections.analytics.read.explanations.video_observations import (
    ObservedVideo,
    observations_of_video,
)
from projections.analytics.summaries.outliers import AgePoint, age_curve
from projections.engine.reader import Reader
from projections.videos.merged import check_not_merged
from projections.videos.queries import Video, one_video

_READ: dict[str, Any] = {"scope": "read", "errors": [Code.NOT_FOUND]}


class AgeCurve(Struct, frozen=True, kw_only=True):
    """The views of a video by age.

    ``points`` has one point for each whole day after the posting, up to day 90, as far
    as the plan shows it. It is empty for a video whose time of posting is unknown.
    """

    video_id: UUID
    posted_at: datetime | None
    points: list[AgePoint]


class VideoNumbers(Controller):
    """Numbers of single videos."""

    path = "/videos/{video_id:uuid}"
    tags = ("Videos",)

    @read_route("/observations", "listVideoObservations", errors=[Code.NOT_FOUND])
    async def list_observations(
        self, listing: NamedDependency[ListRequest], video_id: FromPath[UUID]
    ) -> ListPage[ObservedVideo]:
        """List the counts that scrapes and imports observed of a video, newest first.

        Observations from before the days that the plan shows are left out.
        """
        reader, organization_id = listing.reader, listing.organization_id
        await _video(listing.request, reader, video_id)
        now = datetime.now(UTC)
        first = _first_shown(listing.request, now)
        every = [
            one
            for one in await observations_of_video(
                reader, organization_id, video_id, until=now
            )
            if first is None or one.observed_at >= first
        ]

        async def fetch(
            *, limit: int, after: tuple[datetime, int] | None
        ) -> Sequence[ObservedVideo]:
            rest = every if after is None else [o for o in every if _key(o) < after]
            return rest[:limit]

        return await listing.page(
            "observations of a video",
            fetch,
            key=_key,
            after=tuple[datetime, int],
            filters={"video": video_id},
        )

    @read_route("/age-curve", "getVideoAgeCurve", **_READ, versioned=False)
    async def get_age_curve(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        video_id: FromPath[UUID],
    ) -> Answer[AgeCurve]:
        """Show a video's views at each age, with the median of comparable videos.

        The first point is of day 1, the end of the first 24 hours after the posting.
        The comparable videos are the creator's previous 30 counted videos at the same
        age, as for the `outlier_factor` of GET /analytics/aggregate/outliers. A video
        that does not count shows its own views, too.
        """
        video = await _video(request, reader, video_id)
        now = datetime.now(UTC)
        first = _first_shown(request, now)
        points = await age_curve(reader, request.organization_id, video_id, at=now)
        shown = [point for point in points if first is None or point.at >= first]
        return Answer(
            AgeCurve(video_id=video_id, posted_at=video.posted_at, points=shown)
        )


async def _video(request: Request, reader: Reader, video_id: UUID) -> Video:
    await caught_up(request, reader, "videos", "analytics")
    video = await one_video(reader, request.organization_id, video_id)
    if video is None:
        await check_not_merged(reader, request.organization_id, video_id)
        raise NotFoundError("video")
    return video


def _first_shown(request: Request, now: datetime) -> datetime | None:
    days = request.principal.limits.stats_history_retention_days
    return None if days is None else now - timedelta(days=days)


def _key(one: ObservedVideo) -> tuple[datetime, int]:
    return one.observed_at, one.position
