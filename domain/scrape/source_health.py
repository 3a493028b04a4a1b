"""The health of a source: it fails or answers, as its newest scrapes say."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never
from uuid import UUID

import msgspec

from domain.decisions import state_after
from domain.messages import Event, copied
from domain.scrape import commands as c
from domain.scrape import events as e
from domain.scrape.sources import answers, failing_with


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """A source of an organization; ``failing_since`` is null while it answers."""

    organization_id: UUID
    provider: str
    failing_since: datetime | None = None


def decide(source: SourceState | None, command: c.ReportSource) -> list[e.SourceEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    A failing source recovers when it answers, and not because nobody asks it.
    """
    outcome = failing_with(command.newest, retrying=command.retrying)
    since = None if source is None else source.failing_since
    if since is None:
        if outcome is None:
            return []
        return [copied(command, e.SourceFailing, outcome=outcome, since=command.now)]
    if outcome is not None or not answers(command.newest):
        return []
    return [copied(command, e.SourceRecovered, since=since)]


def evolve(source: SourceState | None, event: e.SourceEvent) -> SourceState:  # noqa: ARG001 - an event says all
    """Return the source after ``event``; it never refuses."""
    match event:
        case e.SourceFailing(since=since):
            return copied(event, SourceState, failing_since=since)
        case e.SourceRecovered():
            return copied(event, SourceState)
        case _:
            assert_never(event)


def source_of(history: Sequence[Event]) -> SourceState | None:
    """Return the source of this history, None if none was ever failing."""
    return state_after(history, e.SourceEvent, evolve)
