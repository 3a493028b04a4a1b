"""Execute a command: load histories, let the handler decide, append, and retry."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import visibility
from domain.decisions import Decision, Handler, HiddenHistory
from domain.errors import BeyondProjectsError, NotFoundError
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
    decision, histories = _decide(store, handler, loaded or {}, context)

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
    store: Store,
    handler: Handler[T],
    loaded: RecordedHistories,
    context: Context,
) -> tuple[Decision[T], RecordedHistories]:
    histories = dict(loaded)
    view = _View(store, context.organization_id, context.project_ids, histories)
    events = {stream: view.events(stream) for stream in loaded}
    try:
        streams = next(handler)
        while True:
            missing = [stream for stream in streams if stream not in histories]
            if missing:
                histories.update(store.load(*missing))
                events.update((one, view.events(one)) for one in missing)
            streams = handler.send(events)
    except StopIteration as stop:
        view.check(stop.value)
        return stop.value, histories


def is_visible(store: Store, stream: UUID, project_ids: frozenset[UUID] | None) -> bool:
    """Tell whether a thing is in one of the projects; None is all of them.

    Something that does not exist is visible.
    """
    if project_ids is None:
        return True
    histories = store.load(stream)
    view = _View(store, None, project_ids, histories)
    return bool(view.events(stream)) or not histories[stream]


class _View:
    """The histories as the person of a command may see them.

    The versions of streams are those of ``histories``, which has all events.
    """

    def __init__(
        self,
        store: Store,
        organization_id: UUID | None,
        project_ids: frozenset[UUID] | None,
        histories: Mapping[UUID, Sequence[RecordedEvent]],
    ) -> None:
        self._store = store
        self._organization_id = organization_id
        self._project_ids = project_ids
        self._histories = histories
        self._others: dict[UUID, list[RecordedEvent]] = {}

    def events(self, stream: UUID) -> Sequence[Event]:
        """Return the events of a stream that was loaded."""
        history = plain_events(self._histories[stream])
        if self._project_ids is None:
            return history
        if stream == self._organization_id:
            return visibility.narrowed(history, self._project_ids)
        is_visible = self._is_visible(history, of=stream)
        return history if is_visible else HiddenHistory(history)

    def check(self, decision: Decision[Any]) -> None:
        """Refuse events about what the person may not see.

        Raises:
            NotFoundError: an event is about something in another project, or about the
                whole organization.
        """
        if self._project_ids is None:
            return
        decided: dict[UUID, list[Event]] = defaultdict(list)
        for stream, event in decision.events:
            decided[stream].append(event)
        for stream, events in decided.items():
            before = plain_events(self._histories.get(stream, ()))
            after = [*before, *events]
            if stream == self._organization_id:
                is_refused = any(
                    visibility.is_beyond(event, self._project_ids) for event in events
                )
            else:
                # A built-in rule of everybody is stored and moved by one command.
                is_refused = not (
                    self._is_visible(before, of=stream)
                    and self._is_visible(after[: len(before) + 1], decided, of=stream)
                    and self._is_visible(after, decided, of=stream)
                )
            if is_refused:
                for field in BeyondProjectsError.REASONS:
                    if any(hasattr(event, field) for event in events):
                        raise BeyondProjectsError(field)
                raise NotFoundError("resource")

    def _is_visible(
        self,
        history: Sequence[Event],
        decided: Mapping[UUID, Sequence[Event]] = MappingProxyType({}),
        *,
        of: UUID,
    ) -> bool:
        """Tell whether the thing ``of`` is in a project that the person may see.

        ``decided`` are new events, which may add the creator of a new thing.
        """
        its = visibility.own_project(history)
        if its is None:
            return True
        assert self._project_ids is not None, "the person is limited"
        if its.of is None:
            return its.project_id in self._project_ids
        owner = [*plain_events(self._other(its.of)), *decided.get(its.of, ())]
        if not owner or not self._is_visible(owner, decided, of=its.of):
            return False
        return its.since is None or not self._moved_in(its.of, of, its.since)

    def _moved_in(self, creator_id: UUID, of: UUID, since: int) -> bool:
        """Tell whether a creator came from elsewhere after an event of a thing.

        Elsewhere is a project that the person does not see.
        """
        assert self._project_ids is not None, "the person is limited"
        recorded = self._histories.get(of, ())
        if since >= len(recorded):
            # The event is of this command.
            return False
        return any(
            event.position > recorded[since].position
            and visibility.is_move_from_elsewhere(event.event, self._project_ids)
            for event in self._other(creator_id)
        )

    def _other(self, stream: UUID) -> Sequence[RecordedEvent]:
        if stream in self._histories:
            return self._histories[stream]
        if stream not in self._others:
            self._others[stream] = self._store.load(stream)[stream]
        return self._others[stream]


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
