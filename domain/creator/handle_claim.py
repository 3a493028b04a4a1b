"""Handle claims: the creators of a project that have a handle now, or had it last."""

from collections.abc import Sequence
from functools import reduce
from typing import assert_never, cast
from uuid import UUID

import msgspec

from domain.creator import commands as c
from domain.creator import events as e
from domain.errors import HandleTakenError
from domain.messages import Event, copied


class HandleClaim(msgspec.Struct, frozen=True):
    """The creator that has the handle (``holder``), and the last one that had it."""

    holder: UUID | None = None
    last_holder: UUID | None = None


UNCLAIMED = HandleClaim()


def decide(
    claim: HandleClaim, command: c.ClaimHandle | c.ReleaseHandle
) -> list[e.ClaimEvent]:
    """Return the events that the command causes; none if nothing would change.

    Raises:
        HandleTakenError: another creator of the project has the handle.
    """
    match command:
        case c.ClaimHandle(creator_id=creator_id):
            if claim.holder == creator_id:
                return []
            if claim.holder is not None:
                raise HandleTakenError(command.handle)
            return [copied(command, e.HandleClaimed)]
        case c.ReleaseHandle(creator_id=creator_id):
            if claim.holder != creator_id:
                return []
            return [copied(command, e.HandleReleased)]
        case _:
            assert_never(command)


def evolve(claim: HandleClaim, event: e.ClaimEvent) -> HandleClaim:
    """Return the claim after ``event``; it never refuses."""
    match event:
        case e.HandleClaimed(creator_id=creator_id):
            return HandleClaim(creator_id, creator_id)
        case e.HandleReleased():
            return HandleClaim(None, claim.last_holder)
        case _:
            assert_never(event)


def claim_of(history: Sequence[Event]) -> HandleClaim:
    """Return the creator that has the handle, and the one that had it last."""
    return reduce(evolve, cast("Sequence[e.ClaimEvent]", history), UNCLAIMED)
