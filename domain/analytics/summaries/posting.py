"""The rules of posting: a creator's posts a week, and a silence that is unusual."""

from bisect import insort
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import msgspec

from domain.analytics.series import in_decimals

SHORTEST_SILENCE: Final = timedelta(days=7)
# A silence is unusual beyond this many of the creator's own median gaps.
USUAL_GAPS: Final = 2
_DAYS_A_WEEK = 7


class Silence(msgspec.Struct, frozen=True):
    """A creator stopped posting.

    No post followed the one at ``since`` until ``at``, the moment at which that became
    unusual. ``usual`` is the median time between the posts until then, and ``until``
    the time of the next post, None if there is none.
    """

    since: datetime
    at: datetime
    usual: timedelta
    until: datetime | None = None

    def holds_at(self, now: datetime) -> bool:
        """Tell whether the creator has stopped posting at a time."""
        return self.at < now and (self.until is None or now < self.until)


def silences(posts: Sequence[datetime]) -> Iterator[Silence]:
    """Yield the times at which a creator stopped posting, in their order.

    ``posts`` are the times of all known posts, rising. A creator stopped if no post
    came for longer than twice the median time between the posts so far, and for more
    than seven days. The last silence may lie in the future: it begins unless a post
    comes before. With one post there is no habit yet, and no silence.
    """
    gaps: list[timedelta] = []
    for (before, since), then in zip(pairwise(posts), [*posts[2:], None], strict=False):
        insort(gaps, since - before)
        usual = (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2
        at = since + max(USUAL_GAPS * usual, SHORTEST_SILENCE)
        if then is None or then > at:
            yield Silence(since, at, usual, then)


def posts_per_week(posts: int, *, days: int) -> float:
    """Return the posts of so many days as posts in seven days."""
    return in_decimals(_DAYS_A_WEEK * posts / days)
