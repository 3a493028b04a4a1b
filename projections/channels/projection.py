"""channels: one row for each service to which alerts are sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.channel.decider import DETAILS, TEXTS
from domain.messages import copied, set_fields
from domain.texts import texts_after
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds
from projections.engine.table import Table


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A channel; a removed one keeps no text."""

    organization_id: UUID
    id: UUID
    kind: e.ChannelKind
    name: str
    shown: str
    project_id: UUID | None
    enabled: bool
    version: int
    created_at: datetime
    updated_at: datetime
    removed_at: datetime | None = None


on = Folds[[ChannelRow | None, RecordedEvent], ChannelRow | None]()


@on(e.ChannelAdded)
def _added(
    event: e.ChannelAdded, row: ChannelRow | None, recorded: RecordedEvent
) -> ChannelRow | None:
    return row or copied(
        event,
        ChannelRow,
        id=recorded.stream,
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


@on(e.ChannelChanged)
def _changed(
    event: e.ChannelChanged, row: ChannelRow | None, recorded: RecordedEvent
) -> ChannelRow | None:
    return _later(row, recorded, set_fields(event, DETAILS))


@on(e.ChannelRemoved)
def _removed(
    event: e.ChannelRemoved,  # noqa: ARG001 - the type chooses the fold
    row: ChannelRow | None,
    recorded: RecordedEvent,
) -> ChannelRow | None:
    nothing = {"name": "", "shown": ""}
    return _later(row, recorded, {**nothing, "removed_at": recorded.recorded_at})


@on(e.EarlierTextsForgotten)
def _earlier_texts_forgotten(
    event: e.EarlierTextsForgotten, row: ChannelRow | None, recorded: RecordedEvent
) -> ChannelRow | None:
    return _later(row, recorded, texts_after(event, TEXTS))


def _later(
    row: ChannelRow | None, recorded: RecordedEvent, changed: dict[str, Any]
) -> ChannelRow | None:
    if row is None or recorded.version <= row.version:
        return row
    return replace(
        row, version=recorded.version, updated_at=recorded.recorded_at, **changed
    )


def fold_channel(row: ChannelRow | None, recorded: RecordedEvent) -> ChannelRow | None:
    return on.fold(recorded.event, row, recorded)


class Channels:
    """Keeps the table channels."""

    name = "channels"
    version = 1
    tables = ("channels",)
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their channels' rows, and save each changed row once."""
        own = [each for each in events if isinstance(each.event, e.ChannelEvent)]
        _TABLE.fold(cursor, own, key=_key, fold=fold_channel)


_TABLE = Table(ChannelRow, name="channels")


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    event: Any = recorded.event
    return event.organization_id, recorded.stream
