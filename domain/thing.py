"""Things: what people make, change and end, and how a history becomes the state."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import UnionType
from typing import Any, Generic, TypeVar, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.decisions import state_after
from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import Event, copied, set_fields

ThingT = TypeVar("ThingT", bound=msgspec.Struct)
# Returns the fields of a state that an event changes.
ThingChange = Callable[[Any, Any], Mapping[str, Any]]


class Thing(Generic[ThingT]):
    """One kind of thing, by its events.

    ``events`` are all of them, and ``made``, ``changed`` and ``ended`` are among them.
    ``details`` are the fields that can change, and ``ends`` is the field of the state
    that is true after the end. ``effects`` has all other events, each with what it
    changes. The ``version`` of a state counts the events of its stream.

    Raises:
        TypeError: one of the events has no effect, or an effect is of another event.
    """

    def __init__(
        self,
        name: str,
        state: type[ThingT],
        events: UnionType,
        *,
        made: type[Event],
        changed: type[Event],
        ended: type[Event],
        details: Iterable[str],
        ends: str,
        effects: Mapping[type[Event], ThingChange] | None = None,
        begin: Callable[[Any], ThingT] | None = None,
    ) -> None:
        self._name = name
        self._made = made

        def copy(event: msgspec.Struct) -> ThingT:
            return copied(event, state)

        self._begin = begin or copy
        self._ends = ends
        self._effects: dict[type[Event], ThingChange] = {
            changed: lambda _, event: set_fields(event, details),
            ended: lambda _state, _event: {ends: True},
            **(effects or {}),
        }
        self._events = events
        if lacking := {made, *self._effects} ^ {*get_args(events)}:
            names = ", ".join(sorted(each.__name__ for each in lacking))
            msg = f"{name} has an effect too many or too few: {names}."
            raise TypeError(msg)

    def evolve(self, state: ThingT | None, event: Event) -> ThingT:
        """Return the state after ``event``; it never refuses.

        Raises:
            CorruptHistoryError: the history begins with another event.
        """
        if isinstance(event, self._made):
            return self._begin(event)
        if state is None:
            msg = f"The history of a thing must begin with {self._made.stored_name}."
            raise CorruptHistoryError(msg)
        before: Any = state
        changes = self._effects[type(event)](before, event)
        return replace(state, version=before.version + 1, **changes)

    def of(self, history: Sequence[Event]) -> ThingT | None:
        """Return the state after a history, None if it is not of such a thing."""
        return state_after(history, self._events, self.evolve)

    def living(self, history: Sequence[Event], organization_id: UUID) -> ThingT:
        """Return the state of a thing that the organization has.

        Raises:
            NotFoundError: the history is not of such a thing, or the thing ended.
        """
        state = self.of(history)
        own: Any = state
        if (
            state is None
            or own.organization_id != organization_id
            or getattr(state, self._ends)
        ):
            raise NotFoundError(self._name)
        return state
