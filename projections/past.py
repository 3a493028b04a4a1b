"""A creator as it was known at a position of the log, told again from its facts."""

from uuid import UUID

from domain import events as e
from domain.facts import IMPORT_PROVIDER
from infra.store import Recorded
from projections.creator_history import OWN_FACTS
from projections.creator_list import CreatorRow, fold
from projections.history import Wanted, facts_of
from projections.reading import Reader

# Of runs that succeeded only the last counts, and it is hardly ever an imported one.
_LAST_RUNS = 5
_ALL = 2**31 - 1


async def creator_then(
    reader: Reader, organization_id: UUID, creator_id: UUID, *, at: int
) -> CreatorRow | None:
    """Return the creator as its row was after a position; None if it was not there."""
    told = await _facts(
        reader,
        organization_id,
        creator_id,
        OWN_FACTS | {"profile_snapshot_recorded"},
        at=at,
    )
    told += await _runs(reader, organization_id, creator_id, at=at)
    row: CreatorRow | None = None
    for recorded in sorted(told, key=lambda each: each.position):
        row = fold(row, recorded)
    return row


async def _runs(
    reader: Reader, organization_id: UUID, creator_id: UUID, *, at: int
) -> list[Recorded]:
    """Return the last run that looked at the creator and succeeded, perhaps others."""
    for limit in (_LAST_RUNS, _ALL):
        runs = await _facts(
            reader,
            organization_id,
            creator_id,
            frozenset({"scrape_succeeded"}),
            at=at,
            limit=limit,
        )
        live = [
            run
            for run in runs
            if isinstance(run.fact, e.ScrapeSucceeded)
            and run.fact.provider != IMPORT_PROVIDER
        ]
        if live or len(runs) < limit:
            return live
    return []


async def _facts(
    reader: Reader,
    organization_id: UUID,
    creator_id: UUID,
    events: frozenset[str],
    *,
    at: int,
    limit: int = _ALL,
) -> list[Recorded]:
    wanted = Wanted(
        organization_id=organization_id,
        creator_id=creator_id,
        last=at,
        events=events,
        limit=limit,
    )
    return await facts_of(reader, wanted)
