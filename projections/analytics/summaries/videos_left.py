"""The videos of a project that creators left there when they moved to another."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from domain.analytics.project_spans import ended_at
from projections.analytics.read.project_spans import SpansByCreator, spans_in
from projections.analytics.read.videos.levels import VideoSet
from projections.analytics.read.videos.shares import video_columns
from projections.analytics.summaries.scope import SummaryScope
from projections.engine.reader import Reader

_OWNERS = "s.owner = ANY(%(creators)s)"
_VIDEOS = b"""
SELECT v.id, v.creator_id, v.number, v.posted_at FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND v.creator_id = ANY(%(creators)s)
AND v.is_counted AND v.is_there
"""


async def with_videos_left(reader: Reader, scope: SummaryScope) -> SummaryScope:
    """Return the scope of a project with the videos that moved creators left in it.

    A creator leaves the videos that were posted or observed before it moved. Scopes of
    other kinds, and projects without such creators, stay as they are.
    """
    if scope.kind != "project" or scope.spans:
        return scope
    spans = await spans_in(reader, scope.organization_id, scope.id)
    ends = {
        creator_id: ended
        for creator_id, its_spans in spans.items()
        if (ended := ended_at(its_spans)) is not None
    }
    videos = await _videos_left(reader, scope, spans, ends) if ends else ()
    return replace(scope, spans=spans, videos_left=videos)


async def _videos_left(
    reader: Reader,
    scope: SummaryScope,
    spans: SpansByCreator,
    ends: Mapping[UUID, datetime],
) -> tuple[UUID, ...]:
    organization_id = scope.organization_id
    parameters = {"organization": organization_id, "creators": sorted(ends)}
    rows = await reader.rows(organization_id, _VIDEOS, parameters)
    videos = VideoSet(owners=_OWNERS, parameters=parameters, spans=spans)
    last = max(ends.values())
    at_end = await video_columns(reader, organization_id, videos, last, last)
    is_known = at_end.is_known.any(axis=0)
    observed: set[tuple[UUID, int]] = {
        (at_end.owners[owner], number)
        for owner, number in zip(
            at_end.owner_of[is_known].tolist(),
            at_end.numbers[is_known].tolist(),
            strict=True,
        )
    }
    return tuple(
        id_
        for id_, creator_id, number, posted_at in rows
        if (creator_id, number) in observed
        or (posted_at is not None and posted_at < ends[creator_id])
    )
