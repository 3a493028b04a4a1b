"""Milestones: round numbers of followers, and the first time a creator reached each.

Milestones depend on the observations only, not on the order in which they were
recorded. A number that a creator's first observation already reaches is not a
milestone.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

FIRST_OBSERVED: Final = 0
MILESTONES: Final = tuple(lead * 10**zeros for zeros in range(3, 10) for lead in (1, 5))


class FollowerObservation(msgspec.Struct, frozen=True, order=True, gc=False):
    """A number of followers, with the time and log position of its observation."""

    observed_at: datetime
    position: int
    followers: int


class Milestone(msgspec.Struct, frozen=True, gc=False):
    """The first observation of at least this many followers, after one with fewer."""

    number: int
    observation: FollowerObservation


def marks(followers: int) -> tuple[int, ...]:
    """Return the numbers that the observation reaches.

    FIRST_OBSERVED is always among them.
    """
    return (FIRST_OBSERVED, *(number for number in MILESTONES if number <= followers))


def earliest(
    observations: Iterable[FollowerObservation],
) -> dict[int, FollowerObservation]:
    """Return the earliest observation that reaches each number."""
    found: dict[int, FollowerObservation] = {}
    for observation in observations:
        for mark in marks(observation.followers):
            if mark not in found or observation < found[mark]:
                found[mark] = observation
    return found


def passed(first: Mapping[int, FollowerObservation]) -> list[Milestone]:
    """Return the numbers reached after the first observation, in ascending order."""
    if FIRST_OBSERVED not in first:
        return []
    start = first[FIRST_OBSERVED]
    return [
        Milestone(mark, observation)
        for mark, observation in sorted(first.items())
        if mark != FIRST_OBSERVED and observation.observed_at > start.observed_at
    ]
