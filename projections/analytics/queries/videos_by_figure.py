"""Videos of any query in the order of a figure, those without one behind them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec.structs import replace

from projections.analytics.queries.project_spans import SpansByCreator
from projections.analytics.queries.video_figures import (
    VideoFigure,
    figures_at,
    sorted_places,
)
from projections.analytics.queries.video_levels import VideoSet
from projections.analytics.queries.video_shares import video_columns
from projections.engine.reader import Reader

# An owner's video is known by its number, which another owner's may have, too.
_OTHERS = """
SELECT id FROM ({query}) AS chosen (id)
WHERE NOT EXISTS (
    SELECT FROM analytics_videos a
    WHERE a.organization_id = %(organization)s AND a.id = chosen.id
    AND (coalesce(a.creator_id, a.id), a.number) IN (
        SELECT * FROM unnest(%(owners)s::uuid[], %(numbers)s::bigint[])
    )
)
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
    limit: int | None,
    offset: int,
) -> list[UUID]:
    """Return some of the videos whose ids a query gives, sorted by a figure.

    Figures are those after ``start`` up to ``end``. Videos that were never observed
    come last. ``limit`` is None for all of them. ``spans`` are of the
    creators of which only a part of the numbers counts.
    """
    chosen = VideoSet.these(query, parameters, has_others=True)
    videos = replace(chosen, spans=spans)
    columns = await video_columns(reader, organization_id, videos, start, end)
    places = sorted_places(columns, sort, direction=direction)
    last = None if limit is None else offset + limit
    found = await figures_at(
        reader, organization_id, columns, places[offset:last].tolist()
    )
    ids = [one.video_id for one in found]
    if last is not None and last <= len(columns):
        return ids
    params: dict[str, object] = {
        **parameters,
        "organization": organization_id,
        "owners": [columns.owners[owner] for owner in columns.owner_of.tolist()],
        "numbers": columns.numbers.tolist(),
        "limit": None if last is None else last - max(offset, len(columns)),
        "offset": max(offset - len(columns), 0),
    }
    rows = await reader.rows(
        organization_id, _OTHERS.format(query=query).encode(), params
    )
    return ids + [row[0] for row in rows]
