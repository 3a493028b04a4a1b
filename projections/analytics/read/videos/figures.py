"""Figures of many videos over any days: levels at the end, and new counts.

They equal the figures of ``/analytics`` for each video.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.metrics import VIDEO_METRICS
from projections.analytics.read.videos.levels import VideoFigureColumns, VideoSet
from projections.analytics.read.videos.order import ByFigure, VideoFigure, ids_at
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


class PageOfVideos(msgspec.Struct, frozen=True, kw_only=True):
    """Some videos of a list, and the length of the whole list."""

    videos: list[FiguresOfVideo]
    total: int


async def video_figures(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    start: datetime,
    end: datetime,
) -> list[FiguresOfVideo]:
    """Return the figures of these videos after ``start`` up to ``end``, by id."""
    columns = await video_columns(reader, organization_id, videos, start, end)
    found = await figures_at(reader, organization_id, columns, range(len(columns)))
    return sorted(found, key=lambda each: each.video_id)


async def page_of_videos(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    start: datetime,
    end: datetime,
    *,
    sort: VideoFigure,
    direction: Literal["asc", "desc"] = "desc",
    limit: int,
    offset: int = 0,
) -> PageOfVideos:
    """Return a page of these videos by a figure, unknown figures last.

    Videos with equal figures are in the order of their ids.
    """
    columns = await video_columns(reader, organization_id, videos, start, end)
    order = ByFigure(columns, sort, direction=direction)
    chosen = await order.ones(reader, organization_id, limit=limit, offset=offset)
    places = [one.place for one in chosen]
    found = await figures_at(reader, organization_id, columns, places)
    return PageOfVideos(videos=found, total=len(columns))


async def figures_at(
    reader: Reader,
    organization_id: UUID,
    columns: VideoFigureColumns,
    places: Iterable[int],
) -> list[FiguresOfVideo]:
    """Return the figures of the videos at these indexes, in their order."""
    chosen = [*places]
    at = np.array(chosen, np.int64)
    ids = await ids_at(reader, organization_id, columns, chosen)
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
        for nth, place in enumerate(chosen)
        if place in ids
    ]


def _named(
    prefix: str, values: Sequence[int], known: Sequence[bool]
) -> dict[str, int | None]:
    return {
        f"{prefix}{metric}": value if is_known else None
        for metric, value, is_known in zip(VIDEO_METRICS, values, known, strict=True)
    }
