"""The event store: appends to streams, and reads one ordered log."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import ApplicationRecorder, JSONTranscoder, Mapper
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.decisions import QuotaCounter
from domain.events import Event
from domain.streams import Names
from infra.backoff import Backoff
from infra.database import Pool, writing_pool
from infra.eventstore.append import Appended, BeforeAppend, Context
from infra.eventstore.codec import Codec, EventMapper, NewEvent, sealed_batch
from infra.eventstore.recorder import (
    AppendConflictError,
    KeyConflictError,
    Recorder,
)
from infra.keys.keyring import Keyring, Keys
from infra.keys.opened import opened_keys, opened_master_key
from infra.settings import Settings

# The random wait keeps the same writers from colliding again.
_CONFLICTS = Backoff(0.01, spread=(0, 1), tries=5)

T = TypeVar("T")


class BusyError(Exception):
    """Too many writers change the same streams at the same time; try again shortly."""


class RecordedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event with its stream, position, time of recording and actor."""

    position: int
    stream: UUID
    version: int
    event: Event
    recorded_at: datetime
    actor: str
    correlation_id: UUID | None = None
    causation_id: UUID | None = None


RecordedHistory = Sequence[RecordedEvent]
AppendHook = Callable[[Cursor[TupleRow], list[RecordedEvent]], None]


class Store(Application[UUID]):
    """The event log of one installation, in one PostgreSQL database.

    ``settings`` have the place of the master key.
    """

    name = "goatherd"

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self.pool = pool
        self.settings = settings
        self.keyring = Keyring(pool, partial(opened_master_key, settings))
        self.codec = Codec(keyring=self.keyring)
        super().__init__(env={"PERSISTENCE_MODULE": "eventsourcing.popo"})

    def construct_mapper(self) -> Mapper[UUID]:
        return EventMapper(JSONTranscoder(), self.codec)

    def construct_recorder(self) -> ApplicationRecorder:
        self.event_recorder = Recorder(self.pool)
        return self.event_recorder

    @cached_property
    def names(self) -> Names:
        """The ids that are computed from handles and TikTok's ids.

        Their key is read at the first use, because a server may start before its
        database.

        Raises:
            MasterKeyError: the master key is missing, or not the database's.
        """
        with self.pool.connection() as connection:
            _, keys = opened_keys(self.settings, connection)
        return Names(keys.names, keys.later_names)

    def load(self, *streams: UUID) -> dict[UUID, list[RecordedEvent]]:
        """Return the history of each stream, empty for a stream without events."""
        histories: dict[UUID, list[RecordedEvent]] = {stream: [] for stream in streams}
        rows = self.event_recorder.select_streams(streams)
        for event in open_envelopes(rows, self.codec):
            histories[event.stream].append(event)
        return histories

    def append(
        self,
        entries: Sequence[NewEvent],
        *,
        context: Context,
        guards: Sequence[tuple[UUID, int]] = (),
        quota_counters: Sequence[QuotaCounter] = (),
        before_append: BeforeAppend | None = None,
        in_transaction: AppendHook | None = None,
    ) -> list[RecordedEvent]:
        """Append all of ``entries`` or none, and return them as recorded events.

        ``before_append`` is called with the cursor of the append's transaction before
        the append, and must not fetch. ``in_transaction`` is called after it, with the
        recorded events. Their statements are committed or rolled back with the append.
        ``Recorder.append`` describes the other parameters and the errors.
        """

        def within(cursor: Cursor[TupleRow], appended: Appended) -> None:
            assert in_transaction is not None
            in_transaction(cursor, recorded(entries, appended, context))

        assume_new = True
        while True:
            batch, sealing = sealed_batch(
                entries, self.codec, self.keyring, assume_new=assume_new
            )
            try:
                appended = self.event_recorder.append(
                    batch,
                    context=context,
                    guards=guards,
                    quota_counters=quota_counters,
                    before_append=before_append,
                    in_transaction=within if in_transaction else None,
                )
            except KeyConflictError:
                # The key that caused the conflict is stored now, so the next try reads
                # it.
                assume_new = False
            else:
                self.keyring.hold(sealing)
                return recorded(entries, appended, context)

    def head(self) -> int:
        """Return the position of the newest event, 0 in an empty log."""
        return self.event_recorder.max_notification_id() or 0


def open_envelopes(
    rows: Sequence[TupleRow], codec: Codec, connection: Connection[Any] | None = None
) -> list[RecordedEvent]:
    """Return rows of the log as recorded events, as ``open_envelope`` does.

    One query reads the keys of all rows, on ``connection`` or on one of the pool.
    """
    keys = codec.keys_for((row[8] for row in rows), connection)
    return [open_envelope(row, codec, keys) for row in rows]


def open_envelope(
    row: TupleRow, codec: Codec, keys: Keys | None = None
) -> RecordedEvent:
    """Return one row of the log as a recorded event, with its body decoded.

    The row is (position, stream, version, recorded_at, actor, correlation id, causation
    id, name, body). ``keys`` are as in ``Codec.decode``.

    Raises:
        UnknownEventError: the stored name is unknown, or the body does not fit it.
    """
    position, stream, version, at, actor, correlation, causation, name, body = row
    event = codec.decode(name, body, keys)
    return RecordedEvent(
        position, stream, version, event, at, actor, correlation, causation
    )


def recorded(
    entries: Sequence[NewEvent], appended: Appended, context: Context
) -> list[RecordedEvent]:
    """Return the entries as recorded events, with their positions and time."""
    return [
        RecordedEvent(
            position,
            entry.originator_id,
            entry.originator_version,
            entry.event,
            appended.recorded_at,
            context.actor,
            context.correlation_id,
            context.command_id,
        )
        for position, entry in enumerate(entries, appended.first_position)
    ]


def plain_events(history: RecordedHistory) -> list[Event]:
    """Return the events of a history without position, time and actor."""
    return [recorded.event for recorded in history]


def open_store(
    url: str, *, pool_size: int, settings: Settings, even_restoring: bool = False
) -> Store:
    """Return a store on the database at ``url`` with an open pool of its own.

    ``even_restoring`` is as in ``writing_pool``.
    """
    pool = writing_pool(url, size=pool_size, even_restoring=even_restoring)
    pool.open()
    return Store(pool, settings)


def retry_conflicts(attempt: Callable[[], T]) -> T:
    """Repeat ``attempt`` (load, decide, append) until no other writer interferes.

    Raises:
        BusyError: other writers interfered five times in a row.
    """
    failures = 0
    while not _CONFLICTS.is_last(failures):
        try:
            return attempt()
        except AppendConflictError:
            failures += 1
            time.sleep(_CONFLICTS.seconds(failures))
    raise BusyError("Other requests change the same data at this moment; try again.")
