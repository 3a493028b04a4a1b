"""The rows of things: one for each thing that people make, change and delete."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.messages import Event, set_fields
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds
from projections.engine.table import Table


class ThingRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The columns of every thing."""

    organization_id: UUID
    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime


AnyThing = TypeVar("AnyThing", bound=ThingRow)


def _as_they_are(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return fields


class ThingTable(Generic[AnyThing]):
    """The folds and the table of one kind of thing.

    ``made``, ``changed`` and ``ended`` are its events, and ``texts_of`` returns the
    texts that an event forgot. ``details`` are the fields that can change, and
    ``columns`` turns fields into columns. An ended thing keeps its row with the values
    of ``blank`` and the time of its end in ``ends_at``. Further folds are added with
    ``on``, and return ``later(...)``.
    """

    def __init__(
        self,
        row: type[AnyThing],
        *,
        table: str,
        made: type[Event],
        changed: type[Event],
        ended: type[Event],
        details: Iterable[str],
        blank: Mapping[str, Any],
        texts: tuple[type[Event], Callable[[Any], Mapping[str, Any]]] | None = None,
        columns: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _as_they_are,
        ends_at: str = "removed_at",
    ) -> None:
        self.on = Folds[[AnyThing | None, RecordedEvent], AnyThing | None]()
        self._row = row
        self.table = Table(row, name=table)
        self._details = tuple(details)
        self._blank = blank
        self._columns = columns
        self._ends_at = ends_at
        self.on(made)(self._made)
        self.on(changed)(self._changed)
        self.on(ended)(self._ended)
        if texts is not None:
            forgotten, texts_of = texts
            self.on(forgotten)(
                lambda event, row, recorded: self.later(row, recorded, texts_of(event))
            )

    def later(
        self, row: AnyThing | None, recorded: RecordedEvent, changed: Mapping[str, Any]
    ) -> AnyThing | None:
        """Return the row after an event that changes some of its columns."""
        if row is None or recorded.version <= row.version:
            return row
        return replace(
            row,
            version=recorded.version,
            updated_at=recorded.recorded_at,
            **self._columns(changed),
        )

    def fold(self, row: AnyThing | None, recorded: RecordedEvent) -> AnyThing | None:
        return self.on.fold(recorded.event, row, recorded)

    def after(self, history: Sequence[RecordedEvent]) -> AnyThing | None:
        """Return the row after a history; an ended thing is as it was last."""
        row = None
        for recorded in history:
            after = self.fold(row, recorded)
            if row is not None and after is not None and self._end_of(after):
                names = ("version", "updated_at", self._ends_at)
                after = replace(row, **{name: getattr(after, name) for name in names})
            row = after
        return row

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold the events of such things into their rows, and save each row once."""
        own = [each for each in events if each.event in self.on]
        self.table.fold(cursor, own, key=key_of, fold=self.fold)

    def first(self, event: Event, recorded: RecordedEvent, **more: object) -> AnyThing:
        """Return the row after the first event of a thing."""
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        columns: dict[str, Any] = {
            **self._columns(fields),
            "id": recorded.stream,
            "version": recorded.version,
            "created_at": recorded.recorded_at,
            "updated_at": recorded.recorded_at,
            **more,
        }
        own = self._row.__struct_fields__
        return self._row(**{name: columns[name] for name in own if name in columns})

    def _made(
        self, event: Event, row: AnyThing | None, recorded: RecordedEvent
    ) -> AnyThing | None:
        if row is not None and recorded.version <= row.version:
            return row
        return self.first(event, recorded)

    def _changed(
        self, event: Event, row: AnyThing | None, recorded: RecordedEvent
    ) -> AnyThing | None:
        return self.later(row, recorded, set_fields(event, self._details))

    def _ended(
        self, _: Event, row: AnyThing | None, recorded: RecordedEvent
    ) -> AnyThing | None:
        ended = {**self._blank, self._ends_at: recorded.recorded_at}
        return self.later(row, recorded, ended)

    def _end_of(self, row: AnyThing) -> datetime | None:
        return getattr(row, self._ends_at)


def key_of(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    """Return the key of the row of a thing."""
    event: Any = recorded.event
    return event.organization_id, recorded.stream
