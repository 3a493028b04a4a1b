"""Bans: handles that nobody on this installation may track."""

from collections.abc import Sequence
from functools import reduce
from typing import assert_never, cast

from domain.creator import commands as c
from domain.creator import events as e
from domain.messages import Event, copied

NOT_BANNED = False


def decide(
    banned: bool,  # noqa: FBT001 - the whole state of the stream is this one bit
    command: c.BanHandle | c.UnbanHandle,
) -> list[e.BanEvent]:
    """Return the events that the command causes; none if nothing would change."""
    match command:
        case c.BanHandle():
            return [] if banned else [copied(command, e.HandleBanned)]
        case c.UnbanHandle():
            return [copied(command, e.HandleUnbanned)] if banned else []
        case _:
            assert_never(command)


def evolve(
    banned: bool,  # noqa: FBT001 - as above
    event: e.BanEvent,
) -> bool:
    """Return whether the handle is banned after ``event``; it never refuses."""
    del banned
    match event:
        case e.HandleBanned():
            return True
        case e.HandleUnbanned():
            return False
        case _:
            assert_never(event)


def is_banned(history: Sequence[Event]) -> bool:
    return reduce(evolve, cast("Sequence[e.BanEvent]", history), NOT_BANNED)
