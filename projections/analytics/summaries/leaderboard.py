"""Pages of the counted videos of a summary, ranked by a figure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.buckets import Range
from domain.analytics.summaries.outliers import Outlier
from domain.analytics.summaries.ranking import ranked
from projections.analytics.read.videos.figures import (
    FiguresOfVideo,
    VideoFigure,
    video_figures,
    videos_by_figure,
)
from projections.analytics.summaries.outliers import outliers_among
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import (
    ids_of_videos,
    these,
    videos_of,
    videos_until,
    with_videos_left,
)
from projections.engine.reader import Reader

VideoOrder = Literal[
    "view_count",
    "like_count",
    "comment_count",
    "share_count",
    "save_count",
    "new_views",
    "outlier_factor",
    "posted_at",
]
_FIGURES: Mapping[VideoOrder, VideoFigure] = {
    "view_count": "views",
    "like_count": "likes",
    "comment_count": "comments",
    "share_count": "shares",
    "save_count": "saves",
    "new_views": "new_views",
}
_BY_POSTING = """
SELECT v.id FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND {videos}
ORDER BY v.posted_at DESC NULLS LAST, v.id LIMIT %(limit)s OFFSET %(offset)s
"""
_IDS = """
SELECT v.id FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND {videos}
"""


class RankedVideos(msgspec.Struct, frozen=True, kw_only=True):
    """Some videos in the requested order, and the number of all.

    A video without ``figures`` was never observed. A video that is not in ``outliers``
    cannot be judged.
    """

    ids: Sequence[UUID]
    figures: Mapping[UUID, FiguresOfVideo]
    outliers: Mapping[UUID, Outlier]
    total: int


async def ranked_videos(
    reader: Reader,
    scope: SummaryScope,
    days: Range,
    *,
    now: datetime,
    order: VideoOrder,
    limit: int | None,
    offset: int,
) -> RankedVideos:
    """Return some of the counted videos by falling figure, unknown figures last.

    ``limit`` is None for all videos. The age of a video is its age at the end of the
    range, now, or at the last time at which its creator was in the project, whichever
    is first.
    """
    at = min(days.end, now)
    key = ("ranked videos", days, order, limit, offset)
    if order == "outlier_factor":
        # The age of videos, and so their order, follows from the time.
        return await _ranked(scope, days, at, order, limit, offset, reader)
    found = await scope.kept(
        reader, key, partial(_ranked, scope, days, None, order, limit, offset)
    )
    judged = await outliers_among(reader, scope, at=at, ids=found.ids)
    return replace(found, outliers=judged)


async def _ranked(
    scope: SummaryScope,
    days: Range,
    at: datetime | None,
    order: VideoOrder,
    limit: int | None,
    offset: int,
    reader: Reader,
) -> RankedVideos:
    """Return the videos, without outliers unless ``at`` is the time of their ages."""
    organization_id = scope.organization_id
    judged: Mapping[UUID, Outlier] = {}
    figures: dict[UUID, FiguresOfVideo] = {}
    scope = await with_videos_left(reader, scope)
    total = (await videos_until(reader, scope, end=days.end)).total
    last = total if limit is None else offset + limit
    if order == "posted_at":
        params = {"limit": last - offset, "offset": offset}
        ids = [row[0] for row in await scope.rows(reader, _BY_POSTING, **params)]
    elif at is not None:
        every = await ids_of_videos(reader, scope)
        judged = await outliers_among(reader, scope, at=at)
        ids = _by_factor(every, judged)[offset:last]
    else:
        ranked, figures = await videos_by_figure(
            reader, organization_id, videos_of(scope),
            _IDS.format(videos=scope.videos), scope.params, days.start, days.end,
            sort=_FIGURES[order], direction="desc", limit=last - offset, offset=offset,
        )  # fmt: skip
        ids = [id_ for id_, _ in ranked]
    if others := [id_ for id_ in ids if id_ not in figures]:
        found = await video_figures(
            reader, organization_id, these(others, scope.spans), days.start, days.end
        )
        figures |= {one.video_id: one for one in found}
    return RankedVideos(ids=ids, figures=figures, outliers=judged, total=total)


def _by_factor(ids: Iterable[UUID], judged: Mapping[UUID, Outlier]) -> list[UUID]:
    def factor(id_: UUID) -> float | None:
        return judged[id_].outlier_factor if id_ in judged else None

    return ranked(ids, factor, id_of=lambda id_: id_)
