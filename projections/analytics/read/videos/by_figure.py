"""Videos of any query in the order of a figure, those without a figure last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

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
    order = ByFigure(columns, sort, direction=direction)
    known = await order.known_ones(
        reader, organization_id, limit=limit, offset=offset, after=after
    )
    if limit is not None and len(known) == limit:
        return [*known]
    is_behind = after is not None and after[0] is None
    params: dict[str, object] = {
        **parameters,
        "organization": organization_id,
        **order.keys_of_known,
        "limit": None if limit is None else limit - len(known),
        "offset": max(offset - len(order), 0),
        "last_id": after[1] if after is not None and is_behind else None,
    }
    text = _OTHERS.format(query=query).encode()
    others = await reader.rows(organization_id, text, params)
    return [*known, *((row[0], None) for row in others)]
