"""Execute a command: load histories, let the handler decide, append, and retry."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.decisions import Decision, Handler
from domain.messages import Event
from domain.subjects import personal_fields, subject_of
from infra.eventstore.append import BeforeAppend, Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import (
    RecordedEvent,
    Store,
    plain_events,
    retry_conflicts,
)

T = TypeVar("T")

RecordedHistories = Mapping[UUID, Sequence[RecordedEvent]]


class Executed(msgspec.Struct, Generic[T], frozen=True, dict=True):
    """The result of a command.

    ``result`` comes from the decision, ``events`` are the new recorded events, and
    ``loaded`` are the histories that the decision used.
    """

    result: T
    events: list[RecordedEvent]
    loaded: RecordedHistories

    @property
    def position(self) -> int | None:
        """The position of the last new event; None if nothing was appended."""
        return self.events[-1].position if self.events else None

    def known_position(self, organization_id: UUID) -> int:
        """Return the position of the organization's newest event in the histories."""
        return max(
            (
                recorded.position
                for history in self.loaded.values()
                for recorded in history
                if recorded.stream == organization_id
                or getattr(recorded.event, "organization_id", None) == organization_id
            ),
            default=0,
        )

    def history(self, stream: UUID) -> tuple[RecordedEvent, ...]:
        return (*self.loaded.get(stream, ()), *self._by_stream.get(stream.int, ()))

    def is_new(self, stream: UUID) -> bool:
        """Tell whether the stream had no events before the command."""
        return not self.loaded.get(stream)

    # A bulk command asks for the history of each of fifty creators. The keys are the
    # streams' numbers, because a UUID is hashed in Python, ten times as slowly.
    @cached_property
    def _by_stream(self) -> dict[int, list[RecordedEvent]]:
        by_stream: dict[int, list[RecordedEvent]] = defaultdict(list)
        for event in self.events:
            by_stream[event.stream.int].append(event)
        return by_stream


InTransaction = Callable[[Cursor[TupleRow], Executed[T]], None]


def execute(
    store: Store,
    handler: Callable[[], Handler[T]],
    *,
    context: Context,
    loaded: RecordedHistories | None = None,
    check: Callable[[], None] | None = None,
    before_append: BeforeAppend | None = None,
    in_transaction: InTransaction[T] | None = None,
) -> Executed[T]:
    """Execute a command; ``handler`` starts the handler anew for each try.

    ``loaded`` are histories that the caller has read already. ``check`` runs after the
    decision, if it appends anything, and refuses by raising. The hooks are as in
    ``Store.append``.

    Raises:
        DomainError: the command is refused.
        BusyError: too many writers at once.
    """
    known = loaded

    def attempt() -> Executed[T]:
        nonlocal known
        read, known = known or {}, None
        return execute_once(
            store,
            handler(),
            context=context,
            loaded=read,
            check=check,
            before_append=before_append,
            in_transaction=in_transaction,
        )

    return retry_conflicts(attempt)


def execute_once(
    store: Store,
    handler: Handler[T],
    *,
    context: Context,
    loaded: RecordedHistories | None = None,
    check: Callable[[], None] | None = None,
    before_append: BeforeAppend | None = None,
    in_transaction: InTransaction[T] | None = None,
) -> Executed[T]:
    """Execute a command with one try only; see ``execute``.

    Raises:
        AppendConflictError: a stream that the decision depends on has changed.
    """
    decision, histories = _decide(store, handler, loaded or {})

    def executed(events: list[RecordedEvent]) -> Executed[T]:
        return Executed(decision.result, events, histories)

    if not decision.events:
        return executed([])
    if check is not None:
        check()

    def hook(cursor: Cursor[TupleRow], events: list[RecordedEvent]) -> None:
        assert in_transaction is not None
        in_transaction(cursor, executed(events))

    return executed(
        store.append(
            _new_events(decision, histories),
            context=context,
            guards=[(stream, len(histories[stream])) for stream in decision.guards],
            quota_counters=decision.quota_counters,
            before_append=before_append,
            in_transaction=None if in_transaction is None else hook,
        )
    )


def _decide(
    store: Store, handler: Handler[T], loaded: RecordedHistories
) -> tuple[Decision[T], RecordedHistories]:
    histories = dict(loaded)
    events = {stream: plain_events(history) for stream, history in loaded.items()}
    try:
        streams = next(handler)
        while True:
            missing = [stream for stream in streams if stream not in histories]
            if missing:
                read = store.load(*missing)
                histories.update(read)
                events.update((one, plain_events(read[one])) for one in missing)
            streams = handler.send(events)
    except StopIteration as stop:
        return stop.value, histories


def _new_events(
    decision: Decision[Any], histories: RecordedHistories
) -> list[NewEvent]:
    # The keys are the streams' numbers, as above.
    versions = {stream.int: len(history) for stream, history in histories.items()}
    decided: dict[int, list[Event]] = defaultdict(list)

    def history_of(stream: UUID) -> Iterator[Event]:
        yield from (recorded.event for recorded in histories.get(stream, ()))
        yield from decided.get(stream.int, ())

    entries: list[NewEvent] = []
    for stream, event in decision.events:
        versions[stream.int] = version = versions.get(stream.int, 0) + 1
        subject = None
        if personal_fields(type(event)):
            subject = subject_of(stream, event, history_of)
        entries.append(NewEvent(stream, version, event, subject))
        decided[stream.int].append(event)
    return entries
