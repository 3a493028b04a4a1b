"""Figures of many videos over any days: levels at the end, and new counts.

They equal the figures of ``/analytics`` for each video.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.metrics import VIDEO_METRICS
from projections.analytics.read.videos.levels import VideoFigureColumns, VideoSet
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
    every = np.arange(len(columns))
    return figures_at(columns, await ids_at(reader, organization_id, columns, every))


def figures_at(
    columns: VideoFigureColumns, ids: Mapping[int, UUID]
) -> list[FiguresOfVideo]:
    """Return the figures of the videos at some places of columns, by id.

    ``ids`` are the ids of the videos by place.
    """
    places = sorted(ids, key=ids.__getitem__)
    at = np.array(places, np.int64)
    owner_of: list[int] = columns.owner_of[at].tolist()
    known = (columns.is_known[:, at] & ~columns.is_erased[at]).T.tolist()
    levels, new = columns.levels[:, at].T.tolist(), columns.new[:, at].T.tolist()
    return [
        FiguresOfVideo(
            video_id=ids[place],
            owner=columns.owners[owner_of[nth]],
            **_named("", levels[nth], known[nth]),
            **_named("new_", new[nth], known[nth]),
        )
        for nth, place in enumerate(places)
    ]


def _named(
    prefix: str, values: Sequence[int], known: Sequence[bool]
) -> dict[str, int | None]:
    return {
        f"{prefix}{metric}": value if is_known else None
        for metric, value, is_known in zip(VIDEO_METRICS, values, known, strict=True)
    }
