"""Milestones: round numbers of followers, and when a creator was first seen past one.

They follow from what was observed, whatever order it came in. A creator that was past a
number when it was first looked at never passed it before our eyes.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

FIRST_SEEN: Final = 0
MILESTONES: Final = tuple(lead * 10**zeros for zeros in range(3, 10) for lead in (1, 5))


class FollowerObservation(msgspec.Struct, frozen=True, order=True, gc=False):
    """A number of followers, seen at a time and told at a position of the log."""

    observed_at: datetime
    position: int
    followers: int


class Milestone(msgspec.Struct, frozen=True, gc=False):
    """The first sighting at or past a number, after one below it."""

    number: int
    observation: FollowerObservation


def marks(followers: int) -> tuple[int, ...]:
    """Return what a sighting may be the first of: of any, and of each number passed."""
    return (FIRST_SEEN, *(number for number in MILESTONES if number <= followers))


def earliest(
    observations: Iterable[FollowerObservation],
) -> dict[int, FollowerObservation]:
    """Return the earliest sighting of each mark."""
    found: dict[int, FollowerObservation] = {}
    for observation in observations:
        for mark in marks(observation.followers):
            if mark not in found or observation < found[mark]:
                found[mark] = observation
    return found


def passed(first: Mapping[int, FollowerObservation]) -> list[Milestone]:
    """Return the milestones that the earliest sightings amount to, smallest first."""
    if FIRST_SEEN not in first:
        return []
    start = first[FIRST_SEEN]
    return [
        Milestone(mark, observation)
        for mark, observation in sorted(first.items())
        if mark != FIRST_SEEN and observation.observed_at > start.observed_at
    ]
