"""The times in which creators that moved and left numbers count in a project.

The stored sums of projects do not include these creators. Their share in a project is
computed from their own sums.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from msgspec.structs import replace

from domain.analytics.membership import Spans
from domain.analytics.project_spans import parted, within
from domain.analytics.series import SeriesByMetric
from projections.analytics.fold.creator_moves import divided_spans
from projections.analytics.read.accumulate import sum_of_series
from projections.analytics.read.selection import Selection
from projections.analytics.store.creator_moves import MOVE_COLUMNS
from projections.engine.reader import Reader

SpansByCreator = Mapping[UUID, Spans]
SeriesByCreator = Mapping[UUID, SeriesByMetric]

_MOVES = f"""
SELECT {MOVE_COLUMNS}
FROM analytics_creator_moves m JOIN analytics_subjects c
    ON c.organization_id = m.organization_id AND c.id = m.creator_id
WHERE m.organization_id = %(organization)s AND c.kind = 'creator'
AND (%(at)s::bigint IS NULL OR m.position <= %(at)s) AND EXISTS (
    SELECT FROM analytics_creator_moves s
    WHERE s.organization_id = %(organization)s AND s.creator_id = m.creator_id
    AND s.stays_until IS NOT NULL
)
ORDER BY m.creator_id
""".encode()


async def spans_in(
    reader: Reader, organization_id: UUID, project_id: UUID, *, at: int | None = None
) -> SpansByCreator:
    """Return the times of creators with numbers in this project and in others.

    ``at`` is the position as of which the log is read, None for all of it.
    """
    params = {"organization": organization_id, "at": at}
    rows = await reader.rows(organization_id, _MOVES, params)
    return {
        creator_id: spans[project_id]
        for (_, creator_id), spans in divided_spans(rows)
        if project_id in spans
    }


async def shares_of_creators(
    spans: SpansByCreator,
    selection: Selection,
    series_of: Callable[[Selection], Awaitable[SeriesByCreator]],
) -> SeriesByCreator:
    """Return the share of each creator, from its own series."""
    if not spans:
        return {}
    boundaries = selection.boundaries
    ends = parted(boundaries, *spans.values())
    whole = await series_of(replace(selection, ids=sorted(spans), boundaries=ends))
    return {
        id_: within(whole[id_], ends, boundaries, its_spans)
        for id_, its_spans in spans.items()
    }


def together(some: Sequence[SeriesByMetric], *, buckets: int) -> SeriesByMetric:
    """Return the sums of several series by metric; all have the same metrics."""
    return {
        metric: sum_of_series([each[metric] for each in some], buckets=buckets)
        for metric in some[0]
    }
