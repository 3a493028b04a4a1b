"""Videos of any query in the order of a figure, those without a figure last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from projections.analytics.read.videos.figures import FiguresOfVideo, figures_at
from projections.analytics.read.videos.levels import VideoSet
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


class RankedByFigure(NamedTuple):
    """Videos with the figure that they are sorted by, and all figures by video.

    Videos whose figure to sort by is unknown have none of the others here.
    """

    found: list[tuple[UUID, int | None]]
    figures: dict[UUID, FiguresOfVideo]


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
) -> RankedByFigure:
    """Return some of these videos, each with its figures, in the order of one figure.

    Figures are those after ``start`` up to ``end``. ``query`` gives the ids of the
    videos, also of those that were never observed: they come last, with None. Videos
    with equal figures are in the order of their ids. ``limit`` is None for all of them.
    The page begins after ``offset`` videos, or after the figure and the id of the last
    one of the page before.
    """
    columns = await video_columns(reader, organization_id, videos, start, end)
    order = ByFigure(columns, sort, direction=direction)
    known = await order.known_ones(
        reader, organization_id, limit=limit, offset=offset, after=after
    )
    found: list[tuple[UUID, int | None]] = [
        (id_, order.value_at(place)) for id_, place in known
    ]
    if limit is None or len(known) < limit:
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
        found += ((id_, None) for id_ in others)
    figures = figures_at(columns, {place: id_ for id_, place in known})
    return RankedByFigure(found, {one.video_id: one for one in figures})


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
