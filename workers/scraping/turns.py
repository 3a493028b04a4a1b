"""The turns of creators' older videos, for sources that list them in turn."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied
from domain.scrape.turns import OlderVideos, TurnState
from infra.database import Pool, run_read
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds
from projections.engine.table import Table

_STATE = """
SELECT is_complete, turned_at, older_than FROM list_turn WHERE creator_id = %s
"""


class _ListTurnRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator's turns; ``position`` is that of the last event that changed them."""

    creator_id: UUID
    organization_id: UUID
    is_complete: bool = False
    turned_at: datetime | None = None
    older_than: datetime | None = None
    position: int


on = Folds[[_ListTurnRow | None, RecordedEvent], _ListTurnRow | None]()


@on(e.ScrapeSucceeded)
def _listed(
    event: e.ScrapeSucceeded, row: _ListTurnRow | None, recorded: RecordedEvent
) -> _ListTurnRow | None:
    older = event.older or (OlderVideos() if event.listed == "complete" else None)
    if older is None or event.creator_id is None:
        return row
    before = TurnState() if row is None else copied(row, TurnState)
    return copied(
        before.after(older, observed_at=event.observed_at),
        _ListTurnRow,
        creator_id=event.creator_id,
        organization_id=event.organization_id,
        position=recorded.position,
    )


@on(e.CreatorReactivated, e.SubjectErased)
def _began_anew(
    event: e.CreatorReactivated | e.SubjectErased,
    row: _ListTurnRow | None,
    recorded: RecordedEvent,
) -> _ListTurnRow | None:
    """Forget the turns: the creator may be another account now, or was erased."""
    if row is None:
        return None
    return copied(
        TurnState(),
        _ListTurnRow,
        creator_id=row.creator_id,
        organization_id=event.organization_id,
        position=recorded.position,
    )


class ListTurns:
    """The projection that stores how far the turns of each creator have come."""

    name = "list_turns"
    version = 1
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Take turns, or begin them anew, in the order of the log."""
        _TABLE.fold(cursor, events, key=_key, fold=_fold)


_TABLE = Table(_ListTurnRow, name="list_turn", key=("creator_id",))


def turn_of(pool: Pool, creator_id: UUID) -> TurnState:
    """Return how far the turns of a creator's older videos have come."""
    row = run_read(
        pool,
        lambda connection: connection.execute(_STATE, (creator_id,)).fetchone(),
    )
    if row is None:
        return TurnState()
    is_complete, turned_at, older_than = row
    return TurnState(
        is_complete=is_complete, turned_at=turned_at, older_than=older_than
    )


def _key(recorded: RecordedEvent) -> tuple[UUID] | None:
    event = recorded.event
    if isinstance(event, e.ScrapeSucceeded):
        return None if event.creator_id is None else (event.creator_id,)
    return (recorded.stream,)


def _fold(row: _ListTurnRow | None, recorded: RecordedEvent) -> _ListTurnRow | None:
    if row is not None and row.position >= recorded.position:
        return row
    return on.fold(recorded.event, row, recorded)
