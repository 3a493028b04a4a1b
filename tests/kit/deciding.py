"""Handlers run on given histories, without a database."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from domain.decisions import Decision, Handler
from domain.errors import DomainError
from domain.messages import Event
from infra.eventstore.codec import Codec

T = TypeVar("T")


def decide_on(
    given: Mapping[UUID, Sequence[Event]], handler: Handler[T]
) -> Decision[T]:
    """Return the decision of a handler, given the histories of streams."""
    try:
        streams = next(handler)
        while True:
            streams = handler.send({each: given.get(each, ()) for each in streams})
    except StopIteration as stop:
        return stop.value


class Streams:
    """Every stream a list of events, appended to by the decisions of handlers."""

    def __init__(self, given: Mapping[UUID, Sequence[Event]]) -> None:
        self._codec = Codec()
        self.events = {stream: list(events) for stream, events in given.items()}

    def run(self, handler: Handler[Any]) -> str | None:
        """Execute a command, and say with which code it was refused, if it was."""
        try:
            decision: Decision[Any] = decide_on(self.events, handler)
        except DomainError as refusal:
            return refusal.code
        if refused := self.counted_out(decision):
            return refused
        written = {stream for stream, _ in decision.events}
        assert not written & set(decision.guards)
        for stream, event in decision.events:
            body = self._codec.encode(event)
            stored = self._codec.decode(self._codec.name_of(event), body)
            self.events.setdefault(stream, []).append(stored)
        return None

    def counted_out(self, decision: Decision[Any]) -> str | None:
        """Change the counters of a decision, or say with which code they refuse it."""
        assert not decision.quota_counters
        return None
