"""Handlers and decisions: from the histories of streams to the events of one append.

A handler is a pure function of a command and of the histories that the command needs.
The handler yields the ids of streams, receives their events, may yield more ids, and
returns a Decision:

    def remove_creator(creator_id: UUID) -> Handler[None]:
        histories = yield [creator_id]
        creator = creator_of(histories[creator_id])
        return Decision(None, events=on(creator_id, decide(creator, c.SoftDelete())))

``infra.eventstore.execute`` runs a handler: it loads the streams, appends the events,
and starts again on a conflict.
"""

from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from functools import reduce
from types import UnionType
from typing import Any, Generic, Literal, TypeVar, overload
from uuid import UUID

import msgspec

from domain.days import time_zones
from domain.errors import (
    BlankNameError,
    InvalidFieldError,
    InvalidTimeZoneError,
    StaleVersionError,
)
from domain.letter_case import has_control_character, is_visible
from domain.messages import Command, Event

T = TypeVar("T")
StateT = TypeVar("StateT")
CommandT = TypeVar("CommandT", bound=Command)
EventT = TypeVar("EventT", bound=Event)

History = Sequence[Event]
Histories = Mapping[UUID, History]
StreamEvent = tuple[UUID, Event]


class HiddenHistory(Sequence[Event]):
    """The history of something in a project that the one who asks may not see.

    It is as empty as that of an unknown id. Rules that hold over all projects, such as
    the one that a handle is tracked once, read it with ``whole_history``.
    """

    def __init__(self, events: History) -> None:
        self.events = events

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequence[Event]": ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return ()[index]

    def __len__(self) -> int:
        return 0


def whole_history(history: History) -> History:
    """Return all events of a history, hidden ones as well; none may be shown."""
    return history.events if isinstance(history, HiddenHistory) else history


class QuotaCounter(msgspec.Struct, frozen=True, kw_only=True):
    """A counter that changes with the append, and the limit that it may not exceed."""

    key: UUID
    delta: int
    limit_key: str = ""
    maximum: int | None = None


class Decision(msgspec.Struct, Generic[T], frozen=True):
    """The effect of a command, which is stored completely or not at all.

    ``result`` is returned to the caller. ``events`` are appended to their streams; a
    stream that the handler did not read must be new. ``guards`` are streams that the
    handler read and that must not change before the append, although no event is
    appended to them.
    """

    result: T
    events: Sequence[StreamEvent] = ()
    guards: Sequence[UUID] = ()
    quota_counters: Sequence[QuotaCounter] = ()


class ItemResult(msgspec.Struct, frozen=True):
    """The result of one item of a bulk command; ``reason`` is set unless it is "ok"."""

    id: UUID
    status: Literal["ok", "skipped", "failed"]
    reason: str | None = None


ItemResults = tuple[ItemResult, ...]
Handler = Generator[Collection[UUID], Histories, Decision[T]]


def on(stream: UUID, events: Iterable[Event]) -> list[StreamEvent]:
    return [(stream, event) for event in events]


def without_events(handler: Handler[T]) -> Handler[T]:
    """Run a handler and drop its events, to show what the command would do."""
    decision = yield from handler
    return Decision(decision.result)


def decide_all(
    state: StateT | None,
    commands: Iterable[CommandT],
    *,
    decide: Callable[[StateT | None, CommandT], list[EventT]],
    evolve: Callable[[StateT | None, EventT], StateT],
) -> list[EventT]:
    """Decide several commands as one; each command sees the effects of those before."""
    events: list[EventT] = []
    for command in commands:
        decided = decide(state, command)
        state = reduce(evolve, decided, state)
        events += decided
    return events


def state_after(
    history: History,
    events: UnionType,
    evolve: Callable[[StateT | None, Any], StateT],
) -> StateT | None:
    """Return the state of an aggregate after its history.

    None means that the history does not begin with one of these ``events``, so it is
    not of such an aggregate.
    """
    if not history or not isinstance(history[0], events):
        return None
    state: StateT | None = None
    for event in history:
        state = evolve(state, event)
    return state


def check_name(text: str, *, field: str = "name") -> None:
    """Refuse a name without a visible character, or with more than one line.

    Raises:
        BlankNameError: the name is empty, or only blanks and invisible characters.
        InvalidFieldError: the name has a line break or another control character.
    """
    check_text(text, field=field)
    if has_control_character(text):
        raise InvalidFieldError("must not have control characters", field=field)


def check_text(text: str, *, field: str) -> None:
    """Refuse a text without a visible character; it may have several lines.

    Raises:
        BlankNameError: the text is empty, or only blanks and invisible characters.
    """
    if not is_visible(text):
        raise BlankNameError(field)


def check_time_zone(name: str) -> None:
    """Refuse a name that is no time zone.

    Raises:
        InvalidTimeZoneError: this machine knows no such zone.
    """
    if name not in time_zones():
        raise InvalidTimeZoneError(name)


def check_version(current: int, expected: Collection[int] | None) -> None:
    """Refuse if the caller expects other versions; None accepts any version.

    Raises:
        StaleVersionError: the current version is not among those expected.
    """
    if expected is not None and current not in expected:
        raise StaleVersionError(current)
