"""A creator as of a position of the log, computed from its events."""

from functools import reduce
from typing import cast
from uuid import UUID

from msgspec.structs import replace

from domain import events as e
from domain.analytics.precision import is_known, is_rounded
from domain.messages import IMPORT_PROVIDER
from infra.eventstore.store import RecordedEvent
from projections.creator_history.projection import OWN_EVENTS
from projections.creator_history.queries import (
    HistoryQuery,
    events_of,
    history_begins,
)
from projections.creators.creator import COUNTS, CountName, CreatorRow
from projections.creators.projection import fold_creator
from projections.engine.folds import stored_names
from projections.engine.reader import Reader

_ALL = 2**31 - 1
# The last successful run of each kind counts, with the later failures of that kind. The
# last successful one is hardly ever an imported one.
_RUNS = (5, 100, _ALL)
# The last snapshot mostly has all values. It rarely needs older ones, to fill gaps or
# to find the exact count behind a rounded one.
_SNAPSHOTS = (5, 100, _ALL)

_FAILURES = stored_names(e.ScrapeFailed)
_ENDS = _FAILURES | stored_names(e.ScrapeSucceeded)

# A snapshot counts if no newer observation had been recorded before it.
_COUNTING = b"""
SELECT position FROM (
    SELECT position, observed_at, max(observed_at) OVER (
        ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest
    FROM creator_history
    WHERE organization_id = %(organization)s AND creator_id = %(creator)s
    AND position <= %(at)s AND event = 'profile_snapshot_recorded'
) AS snapshots
WHERE newest IS NULL OR observed_at >= newest
ORDER BY position DESC LIMIT %(limit)s
"""


async def creator_as_of(
    reader: Reader, organization_id: UUID, creator_id: UUID, *, at: int
) -> CreatorRow | None:
    """Return the creator's row after a position.

    None stands for a creator that did not exist yet, or that was in a project which the
    reader may not see.
    """
    if at < await history_begins(reader, organization_id, creator_id):
        return None
    of = HistoryQuery(
        organization_id=organization_id,
        creator_id=creator_id,
        last=at,
        events=OWN_EVENTS,
        limit=_ALL,
    )
    own = await events_of(reader, of)
    if not own:
        return None
    own += await _runs(reader, of)
    row: CreatorRow | None = None
    for limit in _SNAPSHOTS:
        counting = await _counting(reader, of, limit)
        row = reduce(fold_creator, sorted([*own, *counting], key=_place), None)
        if row is None or len(counting) < limit:
            break
        if _is_settled(row, counting):
            break
    return row


def _is_settled(row: CreatorRow, snapshots: list[RecordedEvent]) -> bool:
    """Tell whether each count was exact since, so that older snapshots don't matter."""
    if row.scraped_display_name is None or row.avatar_url is None:
        return False
    return all(
        any(_is_exact(seen.event, count) for seen in snapshots) for count in COUNTS
    )


def _is_exact(event: e.Event, name: CountName) -> bool:
    if not isinstance(event, e.ProfileSnapshotRecorded):
        return False
    count: int | None = getattr(event, name)
    return is_known(count) and not is_rounded(event.precision, count)


async def _runs(reader: Reader, of: HistoryQuery) -> list[RecordedEvent]:
    """Return the ends of runs, for each kind from its last successful one on.

    The result may have further ones.
    """
    live: list[RecordedEvent] = []
    for limit in _RUNS:
        runs = await events_of(reader, replace(of, events=_ENDS, limit=limit))
        live = [run for run in runs if _is_live(run.event)]
        good = {_kind(run) for run in live if isinstance(run.event, e.ScrapeSucceeded)}
        if len(runs) < limit:
            break
        if not good:
            continue
        before = replace(of, events=_FAILURES, last=runs[-1].position - 1, limit=limit)
        failures = await events_of(reader, before)
        if len(failures) < limit and all(_kind(run) in good for run in failures):
            break
    return live


def _is_live(event: e.Event) -> bool:
    return (
        isinstance(event, e.ScrapeSucceeded | e.ScrapeFailed)
        and event.provider != IMPORT_PROVIDER
    )


def _kind(run: RecordedEvent) -> e.JobType:
    return cast("e.ScrapeSucceeded | e.ScrapeFailed", run.event).job_type


async def _counting(
    reader: Reader, of: HistoryQuery, limit: int
) -> list[RecordedEvent]:
    """Return the last snapshots of the profile that changed anything."""
    rows = await reader.rows(
        of.organization_id,
        _COUNTING,
        {
            "organization": of.organization_id,
            "creator": of.creator_id,
            "at": of.last,
            "limit": limit,
        },
    )
    # The query returns only the events at these positions.
    nothing = replace(of, events=frozenset[str](), limit=0)
    return await events_of(reader, nothing, also=[row[0] for row in rows])


def _place(recorded: RecordedEvent) -> int:
    return recorded.position
