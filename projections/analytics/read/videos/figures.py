"""Figures of many videos over any days: levels at the end, and new counts.

They equal the figures of ``/analytics`` for each video.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.analytics.metrics import VIDEO_METRICS
from projections.analytics.read.videos.levels import VideoSet
from projections.analytics.read.videos.order import ids_at
from projections.analytics.read.videos.shares import video_columns
from projections.engine.reader import Reader


class FiguresOfVideo(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one video: levels at the end, and new counts; null where unknown."""

    video_id: UUID
    owner: UUID
    views: int | None
    likes: int | None
    comments: int | None
    shares: int | None
    saves: int | None
    new_views: int | None
    new_likes: int | None
    new_comments: int | None
    new_shares: int | None
    new_saves: int | None


async def video_figures(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    start: datetime,
    end: datetime,
) -> list[FiguresOfVideo]:
    """Return the figures of these videos after ``start`` up to ``end``, by id."""
    columns = await video_columns(reader, organization_id, videos, start, end)
    ids = await ids_at(reader, organization_id, columns, range(len(columns)))
    owner_of: list[int] = columns.owner_of.tolist()
    known = (columns.is_known & ~columns.is_erased).T.tolist()
    levels, new = columns.levels.T.tolist(), columns.new.T.tolist()
    return [
        FiguresOfVideo(
            video_id=ids[place],
            owner=columns.owners[owner_of[place]],
            **_named("", levels[place], known[place]),
            **_named("new_", new[place], known[place]),
        )
        for place in sorted(ids, key=ids.__getitem__)
    ]


def _named(
    prefix: str, values: Sequence[int], known: Sequence[bool]
) -> dict[str, int | None]:
    return {
        f"{prefix}{metric}": value if is_known else None
        for metric, value, is_known in zip(VIDEO_METRICS, values, known, strict=True)
    }
