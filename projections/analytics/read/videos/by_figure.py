"""Videos of any query in the order of a figure, those without a figure last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec.structs import replace

from projections.analytics.read.project_spans import SpansByCreator
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
    query: str,
    parameters: Mapping[str, object],
    spans: SpansByCreator,
    start: datetime,
    end: datetime,
    *,
    sort: VideoFigure,
    direction: Literal["asc", "desc"],
    limit: int | None = None,
    after: tuple[int | None, UUID] | None = None,
) -> list[tuple[UUID, int | None]]:
    """Return some of the videos whose ids a query gives, each with its figure, sorted.

    Figures are those after ``start`` up to ``end``. Videos that were never
    observed come last, with None. Videos with equal figures are in the order of
    their ids. ``limit`` is None for all of them; ``after`` is the figure and the id of
    the last one of the page before. ``spans`` are of the creators of which only a part
    of the numbers counts.
    """
    chosen = VideoSet.these(query, parameters, has_others=True)
    videos = replace(chosen, spans=spans)
    columns = await video_columns(reader, organization_id, videos, start, end)
    order = ByFigure(columns, sort, direction=direction)
    known = await order.known_ones(reader, organization_id, limit=limit, after=after)
    found: list[tuple[UUID, int | None]] = [(one.id, one.value) for one in known]
    if limit is not None and len(found) == limit:
        return found
    is_behind = after is not None and after[0] is None
    others = await without_figure(
        reader,
        organization_id,
        query,
        parameters,
        order,
        limit=None if limit is None else limit - len(found),
        last_id=after[1] if after is not None and is_behind else None,
    )
    return found + [(id_, None) for id_ in others]


async def without_figure(
    reader: Reader,
    organization_id: UUID,
    query: str,
    parameters: Mapping[str, object],
    order: ByFigure,
    *,
    limit: int | None,
    offset: int = 0,
    last_id: UUID | None = None,
) -> list[UUID]:
    """Return the videos whose ids a query gives and whose figure is unknown, by id."""
    params: dict[str, object] = {
        **parameters,
        "organization": organization_id,
        **order.keys_of_known,
        "limit": limit,
        "offset": offset,
        "last_id": last_id,
    }
    text = _OTHERS.format(query=query).encode()
    return [row[0] for row in await reader.rows(organization_id, text, params)]
