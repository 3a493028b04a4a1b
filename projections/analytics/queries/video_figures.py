"""Figures of many videos over any days: levels at their end, and what is new.

They are those of ``/analytics`` for each video.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

import msgspec
import numpy as np

from domain.analytics.metrics import VIDEO_METRICS
from projections.analytics.columns import Longs
from projections.analytics.queries.video_levels import VideoFigureColumns, VideoSet
from projections.analytics.queries.video_shares import video_columns
from projections.engine.reader import Reader

VideoFigure = Literal[
    "views",
    "likes",
    "comments",
    "shares",
    "saves",
    "new_views",
    "new_likes",
    "new_comments",
    "new_shares",
    "new_saves",
]
_FIGURES: tuple[VideoFigure, ...] = get_args(VideoFigure)
_IDS = b"""
SELECT coalesce(creator_id, id), number, id FROM analytics_videos
WHERE organization_id = %(organization)s AND number = ANY(%(numbers)s) AND is_there
"""


class FiguresOfVideo(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one video: levels at the end, and new ones; null where unknown."""

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
    """Some of a list of videos, and how many the whole list has."""

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
    """Return a page of these videos, sorted by a figure, unknown ones last.

    Those with equal figures are in the order of their owners, and of their numbers.
    """
    columns = await video_columns(reader, organization_id, videos, start, end)
    order = sorted_places(columns, sort, direction=direction)
    chosen = order[offset : offset + limit].tolist()
    found = await figures_at(reader, organization_id, columns, chosen)
    return PageOfVideos(videos=found, total=len(columns))


def sorted_places(
    columns: VideoFigureColumns, sort: VideoFigure, *, direction: Literal["asc", "desc"]
) -> Longs:
    """Return the indexes of the videos, sorted by a figure, unknown ones last."""
    number = _FIGURES.index(sort) % len(VIDEO_METRICS)
    values = (columns.new if sort.startswith("new_") else columns.levels)[number]
    is_unknown = ~columns.is_known[number] | columns.is_erased
    if direction == "desc":
        # The complement of a number sorts the other way, and never overflows.
        values = -1 - values
    order = np.argsort(values, kind="stable")
    return order[np.argsort(is_unknown[order], kind="stable")]


async def figures_at(
    reader: Reader,
    organization_id: UUID,
    columns: VideoFigureColumns,
    places: Iterable[int],
) -> list[FiguresOfVideo]:
    """Return the figures of the videos at these indexes, in their order."""
    at = np.array([*places], np.int64)
    if not len(at):
        return []
    owner_of, numbers = columns.owner_of[at].tolist(), columns.numbers[at].tolist()
    keys: list[tuple[UUID, int]] = [
        (columns.owners[owner], number)
        for owner, number in zip(owner_of, numbers, strict=True)
    ]
    rows = await reader.rows(
        organization_id,
        _IDS,
        {
            "organization": organization_id,
            "numbers": list({key[1] for key in keys}),
        },
    )
    ids = {(row[0], row[1]): row[2] for row in rows}
    known = (columns.is_known[:, at] & ~columns.is_erased[at]).T.tolist()
    levels, new = columns.levels[:, at].T.tolist(), columns.new[:, at].T.tolist()
    return [
        FiguresOfVideo(
            video_id=ids[key],
            owner=key[0],
            **_named("", levels[nth], known[nth]),
            **_named("new_", new[nth], known[nth]),
        )
        for nth, key in enumerate(keys)
        if key in ids
    ]


def _named(
    prefix: str, values: Sequence[int], known: Sequence[bool]
) -> dict[str, int | None]:
    return {
        f"{prefix}{metric}": value if is_known else None
        for metric, value, is_known in zip(VIDEO_METRICS, values, known, strict=True)
    }
