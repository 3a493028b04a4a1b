"""GET /videos: pages by any sort, figures over some days, and the whole list as CSV."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import asdict, replace

from api.http.reading.paging import ListRequest
from api.http.responses import ListPage
from api.routes.lists.csv_page import CsvPage
from api.routes.lists.days import days_of_list
from api.routes.lists.video_parameters import (
    NEW_FIGURES,
    NewFigure,
    VideoListParameters,
)
from api.routes.lists.video_responses import (
    CSV_COLUMNS,
    VideoListMeta,
    VideoWithFigures,
    listed_figures,
)
from domain.analytics.buckets import Range, midnight
from domain.analytics.metrics import VIDEO_METRICS
from infra.structs import shared_fields
from projections.analytics.read.members import SpansByCreator, members_of, spans_in
from projections.analytics.read.videos.figures import (
    FiguresOfVideo,
    video_figures,
    videos_by_figure,
)
from projections.analytics.read.videos.levels import VideoSet
from projections.analytics.summaries.creators import names_of
from projections.analytics.summaries.videos import these
from projections.organizations.queries import one_organization
from projections.videos.filter import VideoFilter, count_matching
from projections.videos.queries import (
    Video,
    VideoQuery,
    page_of_videos,
    video_sort_value,
    videos_by_id,
)
from projections.videos.sort_sql import VideoSort

_A_DAY = timedelta(days=1)
# A figure as a text, because it may need more than 64 bits, and the id.
_FigureKey = tuple[str | None, UUID]
# A video, and its figures if the order was made from them.
_Found = tuple[Video, FiguresOfVideo | None]
# The type of the sort value in the cursors of each sort; other sorts use a count.
_AFTER: dict[VideoSort, Any] = {
    "created_at": tuple[datetime, UUID],
    "posted_at": tuple[datetime | None, UUID],
    "engagement_rate": tuple[float | None, UUID],
}


async def listed_videos(
    listing: ListRequest, params: VideoListParameters
) -> ListPage[VideoWithFigures]:
    """Return a page of the list, or the whole list as CSV.

    Raises:
        ApiError: ``invalid_query`` or ``invalid_cursor``.
        RetentionExceededError: the plan does not show these days any more.
    """
    found = await _List.of(listing, params)
    if params.is_csv:
        rows = await found.with_figures(await found.all_rows())
        return CsvPage(rows, noun="video", columns=CSV_COLUMNS)
    rows, next_cursor = await found.page()
    if not params.asks_for_figures:
        videos = [video for video, _ in rows]
        page = ListPage(videos, limit=listing.limit, next_cursor=next_cursor)
        return cast("ListPage[VideoWithFigures]", page)
    page = ListPage[VideoWithFigures](
        await found.with_figures(rows), limit=listing.limit, next_cursor=next_cursor
    )
    page.meta = VideoListMeta(
        next_cursor=next_cursor,
        limit=listing.limit,
        total_count=await count_matching(listing.reader, found.chosen),
        first_day=found.days.first,
        last_day=found.days.last,
        tz=found.days.zone.key,
    )
    return page


class _List(Struct, frozen=True, kw_only=True):
    """The whole list: its videos, its order and its days."""

    listing: ListRequest
    params: VideoListParameters
    chosen: VideoFilter
    spans: SpansByCreator
    days: Range

    @classmethod
    async def of(cls, listing: ListRequest, params: VideoListParameters) -> "_List":
        needed = ["videos"]
        if params.campaign_id is not None or params.asks_for_figures:
            needed.append("analytics")
        if params.asks_for_figures:
            needed.append("creator_list")
        if params.needs_zone:
            needed.append("api_keys")
        await listing.caught_up(*needed)
        reader, organization_id = listing.reader, listing.organization_id
        organization = None
        if params.needs_zone:
            organization = await one_organization(reader, organization_id)
        zone = ZoneInfo(organization.time_zone if organization else "UTC")
        members = None
        if params.campaign_id is not None:
            found = await members_of(reader, organization_id, params.campaign_id)
            members = frozenset(found.creators), frozenset(found.videos)
        spans: SpansByCreator = {}
        if params.project_id is not None and params.asks_for_figures:
            spans = await spans_in(reader, organization_id, params.project_id)
        return cls(
            listing=listing,
            params=params,
            spans=spans,
            chosen=VideoFilter(
                organization_id=organization_id,
                statuses=params.statuses,
                project_id=params.project_id,
                creator_id=params.creator_id,
                members=members,
                tag_keys=params.tag_keys,
                hashtag_keys=params.hashtag_keys,
                sound_id=params.sound_id,
                search=params.search,
                posted_since=params.posted_from and midnight(params.posted_from, zone),
                posted_before=params.posted_to
                and midnight(params.posted_to + _A_DAY, zone),
            ),
            days=days_of_list(
                params.period,
                params.first,
                params.last,
                zone=zone,
                now=datetime.now(UTC),
                retention=listing.request.principal.limits.stats_history_retention_days,
            ),
        )

    async def page(self) -> tuple[list[_Found], str | None]:
        """Return the videos of the page, and the cursor of the next page."""
        sort = self.params.sort
        if sort in NEW_FIGURES:
            rows, next_cursor = await self.listing.rows(
                "videos by a figure",
                self._by_figure,
                key=lambda row: row[0],
                after=_FigureKey,
                filters=asdict(self.params),
            )
            return [found for _, found in rows], next_cursor
        by = cast("VideoSort", sort)
        videos, next_cursor = await self.listing.rows(
            "videos",
            self._sorted,
            key=lambda row: (video_sort_value(row, by), row.id),
            after=_AFTER.get(by, tuple[int | None, UUID]),
            filters=asdict(self.params),
        )
        return [(video, None) for video in videos], next_cursor

    async def all_rows(self) -> list[_Found]:
        if self.params.sort in NEW_FIGURES:
            return [found for _, found in await self._by_figure(limit=None, after=None)]
        return [(video, None) for video in await self._sorted(limit=None, after=None)]

    async def with_figures(self, rows: Sequence[_Found]) -> list[VideoWithFigures]:
        """Return these videos with their figures over the days.

        Counts belong to the video. New numbers are split between projects.
        """
        if not rows:
            return []
        reader, organization_id = self.listing.reader, self.listing.organization_id
        videos = [video for video, _ in rows]
        figures = {video.id: known for video, known in rows if known is not None}
        if others := [video.id for video in videos if video.id not in figures]:
            figures |= await self._figures_of(others, self.spans)
        divided = [video.id for video in videos if video.creator_id in self.spans]
        own = await self._figures_of(divided, {}) if divided else {}
        for id_, one in own.items():
            counts = {metric: getattr(one, metric) for metric in VIDEO_METRICS}
            figures[id_] = replace(figures[id_], **counts)
        creators = {video.creator_id for video in videos if video.creator_id}
        names = await names_of(reader, organization_id, creators)
        handles: dict[UUID | None, str] = {
            creator_id: name.tiktok_handle for creator_id, name in names.items()
        }
        return [
            VideoWithFigures(
                **shared_fields(Video, video),
                tiktok_handle=handles.get(video.creator_id),
                figures=listed_figures(figures.get(video.id)),
            )
            for video in videos
        ]

    async def _figures_of(
        self, ids: Sequence[UUID], spans: SpansByCreator
    ) -> dict[UUID, FiguresOfVideo]:
        videos = these(ids, spans, has_others=True)
        known = await video_figures(
            self.listing.reader,
            self.listing.organization_id,
            videos,
            self.days.start,
            self.days.end,
        )
        return {one.video_id: one for one in known}

    async def _sorted(
        self, *, limit: int | None, after: tuple[Any, UUID] | None
    ) -> list[Video]:
        query = VideoQuery(
            **shared_fields(VideoFilter, self.chosen),
            sort=cast("VideoSort", self.params.sort),
            order=self.params.order,
            limit=limit,
            after=after,
        )
        reader = self.listing.reader
        return await page_of_videos(
            reader if self.params.asks_for_figures else reader.alone, query
        )

    async def _by_figure(
        self, *, limit: int | None, after: _FigureKey | None
    ) -> list[tuple[_FigureKey, _Found]]:
        reader, organization_id = self.listing.reader, self.listing.organization_id
        value, last_id = after or (None, None)
        chosen = self.chosen.ids, self.chosen.parameters
        found, figures = await videos_by_figure(
            reader,
            organization_id,
            VideoSet.these(*chosen, spans=self.spans, has_others=True),
            *chosen,
            self.days.start,
            self.days.end,
            sort=cast("NewFigure", self.params.sort),
            direction=self.params.order,
            limit=limit,
            after=last_id and (None if value is None else int(value), last_id),
        )
        videos = await videos_by_id(reader, organization_id, [id_ for id_, _ in found])
        return [
            (
                (None if value is None else str(value), id_),
                (videos[id_], figures.get(id_)),
            )
            for id_, value in found
        ]
