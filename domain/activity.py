"""Activity: the kinds of things that happened, and the rules for those that follow.

A milestone follows from numbers, and the end of a habit of posting from times. Neither
needs a clock, so a replay of the log finds the same ones at the same times.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

import msgspec

ActivityKind = Literal[
    "posted",
    "took_off",
    "milestone",
    "renamed",
    "added",
    "moved",
    "removed",
    "stopped_posting",
    "failing",
    "recovered",
    "campaign_started",
    "campaign_target_reached",
    "campaign_target_missed",
    "note",
    "reviewed",
    "erased",
]
KINDS: Final[tuple[ActivityKind, ...]] = get_args(ActivityKind)

FOLLOWER_MILESTONES: Final = (
    *(1_000, 10_000, 50_000, 100_000, 500_000),
    *(1_000_000, 5_000_000, 10_000_000),
)
VIEW_MILESTONES: Final = (
    *(10_000, 50_000, 100_000, 250_000, 500_000),
    *(1_000_000, 5_000_000, 10_000_000),
)


class ObservedSoFar(msgspec.Struct, frozen=True, gc=False):
    """The time of a creator's newest observation, and the first import of any."""

    newest: datetime | None
    first_import: UUID | None

    def then(
        self, at: datetime, *, run: UUID, request: UUID | None, is_imported: bool
    ) -> tuple["ObservedSoFar", bool]:
        """Return the state after an observation, and whether that was history.

        Imported history is everything of a creator's first import, and every imported
        observation that is older than the newest known one. ``request`` is the same for
        all runs of an import, None if the import has a single ``run``.
        """
        first, is_history = self.first_import, False
        if is_imported:
            first = first or request or run
            is_older = self.newest is not None and at < self.newest
            is_history = is_older or first in {request, run}
        newest = at if self.newest is None else max(self.newest, at)
        return ObservedSoFar(newest, first), is_history


def reached(number: int, milestones: Sequence[int]) -> int:
    """Return how many of the rising milestones the number has reached."""
    return bisect_right(milestones, number)
