"""Summaries by video: the leaderboard, hours of posting, views and outliers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from api.http.responses import Answer, CountedList
from api.http.routes import read_route
from api.routes.aggregate.parameters import (
    OPTIONS,
    ListFormat,
    RowsOffset,
    SummaryRequest,
)
from api.routes.aggregate.responses import SUMMARY, RowsPart
from domain.analytics.summaries.distribution import Distribution, distribution
from domain.analytics.summaries.outliers import USUAL_FACTOR, Outlier
from domain.analytics.summaries.posting_hours import PostingHour, posting_hours
from domain.analytics.summaries.ranking import ranked
from infra.structs import shared_fields
from projections.analytics.summaries.creators import names_of
from projections.analytics.summaries.leaderboard import (
    RankedVideos,
    VideoOrder,
    ranked_videos,
)
from projections.analytics.summaries.outliers import outliers_among
from projections.analytics.summaries.videos import (
    views_at_end,
    views_of_posted,
)
from projections.engine.reader import Reader
from projections.videos.queries import videos_by_id


class VideoName(Struct, frozen=True, kw_only=True):
    """A video's title, address and creator; null where they are unknown."""

    video_id: UUID
    tiktok_video_id: str
    creator_id: UUID | None
    tiktok_handle: str | None
    title: str | None
    thumbnail_url: str | None
    url: str
    posted_at: datetime | None


async def described_videos(
    reader: Reader, organization_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, VideoName]:
    videos = await videos_by_id(reader, organization_id, ids)
    creators = {video.creator_id for video in videos.values() if video.creator_id}
    names = await names_of(reader, organization_id, creators)
    handles: dict[UUID | None, str] = {
        creator_id: name.tiktok_handle for creator_id, name in names.items()
    }
    return {
        id_: VideoName(
            video_id=id_,
            tiktok_video_id=video.tiktok_video_id,
            creator_id=video.creator_id,
            tiktok_handle=handles.get(video.creator_id),
            title=video.title,
            thumbnail_url=video.thumbnail_url,
            url=video.url,
            posted_at=video.posted_at,
        )
        for id_, video in videos.items()
    }


HOURS_OF_A_WEEK = 7 * 24

HoursLimit = Annotated[
    int,
    QueryParameter(
        ge=1, le=HOURS_OF_A_WEEK, description="The number of rows to return at most."
    ),
]
MinFactor = Annotated[
    float,
    QueryParameter(ge=0, description="The smallest outlier_factor that is shown."),
]


class VideoLeaderboardRow(VideoName, frozen=True, kw_only=True):
    """The figures of a counted video; null where nothing is known.

    The counts are levels at the end of ``to``, and ``new_views`` is the number of new
    views in the range. If the creator moved to another project, both end at the move.
    ``outlier_factor`` is that of GET /analytics/aggregate/outliers, null for a video
    that has none.
    """

    view_count: int | None
    like_count: int | None
    comment_count: int | None
    share_count: int | None
    save_count: int | None
    new_views: int | None
    outlier_factor: float | None


class OutlierRow(VideoName, frozen=True, kw_only=True):
    """A video with many more views than the creator's other videos had at its age.

    ``age_days`` is the number of whole days from the posting to the end of ``to``, or
    to now, or to the creator's move to another project, whichever is earliest, and
    ``views`` is the level at that age. ``peer_median`` is the median of the levels of
    the creator's previous 30 counted videos at that age; ``peers`` is how many of these
    levels are known. ``outlier_factor`` is ``views`` / ``peer_median``.
    """

    age_days: int
    views: int
    peer_median: float
    peers: int
    outlier_factor: float


class VideoSummaryRoutes(Controller):
    """Videos ranked by their views."""

    path = "/analytics/aggregate"
    tags = ("Summaries",)
    dependencies = SUMMARY

    @read_route("/posting-heatmap", "getPostingHeatmap", **OPTIONS)
    async def get_posting_heatmap(
        self,
        summary: NamedDependency[SummaryRequest],
        limit: HoursLimit = HOURS_OF_A_WEEK,
        offset: RowsOffset = 0,
        format_: ListFormat = "json",
    ) -> CountedList[PostingHour]:
        """Show the hours of the weekdays at which videos are posted.

        The answer covers the videos posted from ``from`` to ``to``. ``avg_views`` is
        the mean of their levels at the end of ``to``. Hours without a post are left
        out.
        """
        part = RowsPart(limit=limit, offset=offset, is_csv=format_ == "csv")
        videos = await views_of_posted(summary.reader, summary.scope, summary.days)
        hours = posting_hours(videos, summary.days.zone)
        return part.answer(
            PostingHour, part.of(hours), total_count=len(hours), name="posting-heatmap"
        )

    @read_route("/view-distribution", "getViewDistribution", **OPTIONS)
    async def get_view_distribution(
        self, summary: NamedDependency[SummaryRequest]
    ) -> Answer[Distribution]:
        """Show the distribution of videos by their views at the end of ``to``.

        Buckets are half open: a video with 2 views is in the bucket from 2 to 5.
        Percentiles are interpolated linearly between the closest ranks.
        """
        views = await views_at_end(summary.reader, summary.scope, summary.days)
        return Answer(distribution(views))

    @read_route("/outliers", "getOutliers", **OPTIONS)
    async def get_outliers(
        self,
        summary: NamedDependency[SummaryRequest],
        part: NamedDependency[RowsPart],
        min_factor: MinFactor = USUAL_FACTOR,
    ) -> CountedList[OutlierRow]:
        """Show videos with many more views than the creator's others had at that age.

        The rows are sorted by ``outlier_factor``, the largest first: the views at the
        video's age divided by the median of the creator's previous 30 counted videos at
        the same age. A video has no factor if fewer than 5 of these are known.
        """
        reader, organization_id = summary.reader, summary.scope.organization_id
        at = min(summary.days.end, summary.now)
        judged = await outliers_among(
            reader, summary.scope, at=at, min_factor=min_factor
        )
        order = ranked(
            judged, lambda id_: judged[id_].outlier_factor, id_of=lambda id_: id_
        )
        shown = part.of(order)
        named = await described_videos(reader, organization_id, shown)
        rows = [
            OutlierRow(
                **shared_fields(VideoName, named[id_]),
                **shared_fields(Outlier, judged[id_]),
            )
            for id_ in shown
            if id_ in named
        ]
        return part.answer(OutlierRow, rows, total_count=len(order), name="outliers")

    @read_route("/video-leaderboard", "getVideoLeaderboard", **OPTIONS)
    async def get_video_leaderboard(
        self,
        summary: NamedDependency[SummaryRequest],
        part: NamedDependency[RowsPart],
        order: Annotated[
            VideoOrder,
            QueryParameter(description="The figure by which the rows are sorted."),
        ] = "view_count",
    ) -> CountedList[VideoLeaderboardRow]:
        """Rank counted videos by a figure, largest first, unknown last."""
        reader, organization_id = summary.reader, summary.scope.organization_id
        found = await ranked_videos(
            reader,
            summary.scope,
            summary.days,
            now=summary.now,
            order=order,
            limit=None if part.is_csv else part.limit,
            offset=0 if part.is_csv else part.offset,
        )
        named = await described_videos(reader, organization_id, found.ids)
        rows = [_row(named[id_], found) for id_ in found.ids if id_ in named]
        return part.answer(
            VideoLeaderboardRow,
            rows,
            total_count=found.total,
            name="video-leaderboard",
        )


def _row(name: VideoName, found: RankedVideos) -> VideoLeaderboardRow:
    figures = found.figures.get(name.video_id)
    judged = found.outliers.get(name.video_id)
    return VideoLeaderboardRow(
        **shared_fields(VideoName, name),
        view_count=figures and figures.views,
        like_count=figures and figures.likes,
        comment_count=figures and figures.comments,
        share_count=figures and figures.shares,
        save_count=figures and figures.saves,
        new_views=figures and figures.new_views,
        outlier_factor=judged and judged.outlier_factor,
    )
