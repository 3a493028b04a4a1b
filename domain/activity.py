"""Activity: the kinds of things that happened, and the rules for those that follow.

A milestone follows from numbers, and the end of a habit of posting from times. Neither
needs a clock, so a replay of the log finds the same ones at the same times.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal, get_args
from uuid import UUID

import msgspec

from domain.analytics.summaries.posting import SHORTEST_SILENCE, USUAL_GAPS

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


class Silence(msgspec.Struct, frozen=True):
    """A creator stopped posting.

    No post followed the one at ``since`` until ``at``, the moment at which that became
    unusual. ``usual`` is the median time between the posts until then.
    """

    since: datetime
    at: datetime
    usual: timedelta


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


def silences(posts: Sequence[datetime]) -> Iterator[Silence]:
    """Yield the times at which a creator stopped posting, in their order.

    ``posts`` are the times of all posts, rising. A creator stopped if no post came for
    longer than twice the median time between the posts so far, and for at least seven
    days. The last silence may lie in the future: it begins unless a post comes before.
    With one post there is no habit yet, and no silence.
    """
    gaps: list[timedelta] = []
    for (before, since), then in zip(pairwise(posts), [*posts[2:], None], strict=False):
        insort(gaps, since - before)
        usual = (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2
        at = since + max(USUAL_GAPS * usual, SHORTEST_SILENCE)
        if then is None or then > at:
            yield Silence(since, at, usual)
