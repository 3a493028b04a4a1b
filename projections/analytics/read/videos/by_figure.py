"""Videos of any query in the order of a figure, those without a figure last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from projections.analytics.read.videos.figures import FiguresOfVideo, figures_at
from projections.analytics.read.videos.levels import VideoFigureColumns, VideoSet
from projections.analytics.read.videos.order import ByFigure, VideoFigure
from projections.analytics.read.videos.shares import video_columns
from projections.engine.reader import Reader

# A number names a video of one owner. Another owner may have the same number.
_OTHERS = """
SELECT id FROM ({query}) AS chosen (id)
WHERE NOT EXISTS (
    SELECT FROM analytics_videos a
    WHERE a.organization_id = %(organization)s AND a.id = chosen.id
    AND (coalesce(a.creator_id, a.id), a.number) IN (
        SELECT * FROM unnest(%(owners)s::uuid[], %(numbers)s::bigint[])
    )
)
AND (%(last_id)s::uuid IS NULL OR id > %(last_id)s)
ORDER BY id LIMIT %(limit)s OFFSET %(offset)s
"""


async def videos_by_figure(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    query: str,
    parameters: Mapping[str, object],
    start: datetime,
    end: datetime,
    *,
    sort: VideoFigure,
    direction: Literal["asc", "desc"],
    limit: int | None = None,
    offset: int = 0,
    after: tuple[int | None, UUID] | None = None,
) -> list[tuple[UUID, int | None]]:
    """Return some of these videos, each with its figure, in the order of the figure.

    Figures are those after ``start`` up to ``end``. ``query`` gives the ids of the
    videos, also of those that were never observed: they come last, with None. Videos
    with equal figures are in the order of their ids. ``limit`` is None for all of them.
    The page begins after ``offset`` videos, or after the figure and the id of the last
    one of the page before.
    """
    columns = await video_columns(reader, organization_id, videos, start, end)
    ranked = await _ranked(
        reader, organization_id, columns, query, parameters,
        sort=sort, direction=direction, limit=limit, offset=offset, after=after,
    )  # fmt: skip
    return ranked.found


async def videos_and_figures(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    query: str,
    parameters: Mapping[str, object],
    start: datetime,
    end: datetime,
    *,
    sort: VideoFigure,
    direction: Literal["asc", "desc"],
    limit: int | None = None,
    after: tuple[int | None, UUID] | None = None,
) -> tuple[list[tuple[UUID, int | None]], dict[UUID, FiguresOfVideo]]:
    """Return the same as ``videos_by_figure``, and all figures of the videos.

    Videos whose figure to sort by is unknown have none here.
    """
    columns = await video_columns(reader, organization_id, videos, start, end)
    ranked = await _ranked(
        reader, organization_id, columns, query, parameters,
        sort=sort, direction=direction, limit=limit, offset=0, after=after,
    )  # fmt: skip
    figures = figures_at(columns, {place: id_ for id_, place in ranked.known})
    return ranked.found, {one.video_id: one for one in figures}


class _InOrder(NamedTuple):
    """Videos with their figure, and the places of those whose figure is known."""

    found: list[tuple[UUID, int | None]]
    known: list[tuple[UUID, int]]


async def _ranked(
    reader: Reader,
    organization_id: UUID,
    columns: VideoFigureColumns,
    query: str,
    parameters: Mapping[str, object],
    *,
    sort: VideoFigure,
    direction: Literal["asc", "desc"],
    limit: int | None,
    offset: int,
    after: tuple[int | None, UUID] | None,
) -> _InOrder:
    order = ByFigure(columns, sort, direction=direction)
    known = await order.known_ones(
        reader, organization_id, limit=limit, offset=offset, after=after
    )
    found = [(id_, order.value_at(place)) for id_, place in known]
    if limit is not None and len(known) == limit:
        return _InOrder([*found], known)
    is_behind = after is not None and after[0] is None
    others = await _others(
        reader,
        organization_id,
        order,
        query,
        parameters,
        limit=None if limit is None else limit - len(known),
        offset=max(offset - len(order), 0),
        last_id=after[1] if after is not None and is_behind else None,
    )
    return _InOrder([*found, *((id_, None) for id_ in others)], known)


async def figures_in_order(
    reader: Reader,
    organization_id: UUID,
    videos: VideoSet,
    query: str,
    parameters: Mapping[str, object],
    start: datetime,
    end: datetime,
    *,
    sort: VideoFigure,
    limit: int,
    offset: int,
) -> tuple[list[UUID], dict[UUID, FiguresOfVideo]]:
    """Return some of these videos as ``videos_by_figure`` does, the largest first.

    The figures are those of the videos whose figure to sort by is known.
    """
    columns = await video_columns(reader, organization_id, videos, start, end)
    order = ByFigure(columns, sort, direction="desc")
    known = await order.known_ones(reader, organization_id, limit=limit, offset=offset)
    figures = figures_at(columns, {place: id_ for id_, place in known})
    ids = [id_ for id_, _ in known]
    if len(ids) < limit:
        ids += await _others(
            reader,
            organization_id,
            order,
            query,
            parameters,
            limit=limit - len(ids),
            offset=max(offset - len(order), 0),
        )
    return ids, {one.video_id: one for one in figures}


async def _others(
    reader: Reader,
    organization_id: UUID,
    order: ByFigure,
    query: str,
    parameters: Mapping[str, object],
    *,
    limit: int | None,
    offset: int,
    last_id: UUID | None = None,
) -> list[UUID]:
    """Return the videos of a query whose figure is unknown, by id."""
    params: dict[str, object] = {
        **parameters,
        "organization": organization_id,
        **order.keys_of_known,
        "limit": limit,
        "offset": offset,
        "last_id": last_id,
    }
    text = _OTHERS.format(query=query).encode()
    rows = await reader.rows(organization_id, text, params)
    return [row[0] for row in rows]
