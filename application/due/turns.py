"""Turns: the due times of recurring work, also after days off."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

# Takes the due time of a turn that is done and the present; None ends the work.
NextTurn = Callable[[datetime, datetime], datetime | None]


def only_once(due_at: datetime, now: datetime) -> None:
    """End the work after its turn."""


def every(interval: timedelta, *, missed: Literal["once", "each"]) -> NextTurn:
    """Return turns in equal distances.

    Turns that were missed while no worker ran are made up for by one turn, or by each
    of them.
    """

    def next_turn(due_at: datetime, now: datetime) -> datetime:
        following = due_at + interval
        if missed == "each" or following > now:
            return following
        return following + ((now - following) // interval + 1) * interval

    return next_turn
