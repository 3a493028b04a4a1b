"""Accounts: the TikTok account that a creator's first profile pins."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from domain.creator import commands as c
from domain.creator import events as e
from domain.errors import AnotherAccountError
from domain.messages import Event, copied
from domain.streams import account_stream


def decide(pinned: str | None, command: c.PinAccount) -> list[e.AccountPinned]:
    """Return the events that a profile of the account causes; none if it is pinned.

    Raises:
        AnotherAccountError: another account is pinned.
    """
    known = pinned or command.known_user_id
    if known is not None and known != command.user_id:
        raise AnotherAccountError(found=command.user_id, known=known)
    if pinned is not None:
        return []
    return [copied(command, e.AccountPinned)]


def evolve(_: str | None, event: e.AccountPinned) -> str:
    """Return the user id that is pinned after ``event``; never refuses."""
    return event.user_id


def pinned_account(history: Sequence[Event]) -> str | None:
    """Return the user id that is pinned, None if none is."""
    return cast("e.AccountPinned", history[-1]).user_id if history else None


def account_of(creator_id: UUID, history: Sequence[Event]) -> UUID:
    """Return the stream of a creator's account, given the creator's own history.

    A creator that was added again after a removal may be another account.
    """
    returns = sum(isinstance(event, e.CreatorReactivated) for event in history)
    return account_stream(creator_id, returns)
