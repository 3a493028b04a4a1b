"""Milestones: round numbers of followers, and the first observation at or past each.

They depend on the observations only, not on the order in which they were recorded. A
creator that was past a number at its first observation has not passed it since.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

FIRST_OBSERVED: Final = 0
MILESTONES: Final = tuple(lead * 10**zeros for zeros in range(3, 10) for lead in (1, 5))


class FollowerObservation(msgspec.Struct, frozen=True, order=True, gc=False):
    """A number of followers, by when it was observed and its position in the log."""

    observed_at: datetime
    position: int
    followers: int


class Milestone(msgspec.Struct, frozen=True, gc=False):
    """The first observation at or past a number, after one below it."""

    number: int
    observation: FollowerObservation


def marks(followers: int) -> tuple[int, ...]:
    """Return the marks that an observation is at or past, FIRST_OBSERVED among them."""
    return (FIRST_OBSERVED, *(number for number in MILESTONES if number <= followers))


def earliest(
    observations: Iterable[FollowerObservation],
) -> dict[int, FollowerObservation]:
    """Return the earliest observation at or past each mark."""
    found: dict[int, FollowerObservation] = {}
    for observation in observations:
        for mark in marks(observation.followers):
            if mark not in found or observation < found[mark]:
                found[mark] = observation
    return found


def passed(first: Mapping[int, FollowerObservation]) -> list[Milestone]:
    """Return the milestones that were passed after the first observation, ascending."""
    if FIRST_OBSERVED not in first:
        return []
    start = first[FIRST_OBSERVED]
    return [
        Milestone(mark, observation)
        for mark, observation in sorted(first.items())
        if mark != FIRST_OBSERVED and observation.observed_at > start.observed_at
    ]
