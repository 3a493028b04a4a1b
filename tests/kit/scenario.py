"""Given these events, when this is asked, then these events, a refusal, or silence."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Generic, Self, TypeVar

import pytest

from domain.errors import DomainError

State = TypeVar("State")
Command = TypeVar("Command")
Event = TypeVar("Event")


class Scenario(Generic[State, Command, Event]):
    """One scenario of a decider: history, command, outcome."""

    def __init__(
        self,
        decide: Callable[..., Sequence[Event]],
        evolve: Callable[[State, Event], State],
        *,
        nothing: State,
    ) -> None:
        self._decide = decide
        self._evolve = evolve
        self._nothing = self._state = nothing
        self._command: Command | None = None
        self._terms: dict[str, Any] = {}

    def given(self, *events: Event) -> Self:
        self._state = reduce(self._evolve, events, self._nothing)
        return self

    def when(self, command: Command, **terms: object) -> Self:
        """Set the command, and the terms if the decider needs any."""
        self._command, self._terms = command, terms
        return self

    def then(self, *expected: Event) -> None:
        assert expected, "silence is a decision: say then_nothing()"
        answer = list(self._answer())
        assert answer == list(expected), f"{answer} is not {list(expected)}"

    def then_nothing(self) -> None:
        answer = list(self._answer())
        assert answer == [], f"{answer} is not nothing"

    def then_refused(self, error: type[DomainError], **details: object) -> None:
        with pytest.raises(DomainError) as refused:
            self._answer()

        assert type(refused.value) is error
        reported: dict[str, Any] = {
            name: getattr(refused.value, name) for name in details
        }
        assert reported == details

    def _answer(self) -> Sequence[Event]:
        assert self._command is not None, "a scenario needs a when"
        return self._decide(self._state, self._command, **self._terms)
