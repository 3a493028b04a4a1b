"""Handlers run on given histories, without a database."""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from domain.decisions import Decision, Handler
from domain.messages import Event

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
