"""The rules of posting: a creator's posts a week, and a silence that is unusual."""

from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

from domain.analytics.series import in_decimals

SHORTEST_SILENCE: Final = timedelta(days=7)
# A silence is unusual beyond this many of the creator's own median gaps.
USUAL_GAPS: Final = 2
_DAYS_A_WEEK = 7


def has_stopped_posting(posts: list[datetime], *, now: datetime) -> bool:
    """Tell whether a creator who posted at these times stopped.

    No post came for more than seven days, and for longer than twice the median time
    between two posts. A creator with one post has no habit, and has not stopped.
    """
    ordered = sorted(posts)
    gaps = [(then - before).total_seconds() for before, then in pairwise(ordered)]
    if not gaps:
        return False
    usual = timedelta(seconds=median(gaps))
    return now - ordered[-1] > max(SHORTEST_SILENCE, USUAL_GAPS * usual)


def posts_per_week(posts: int, *, days: int) -> float:
    """Return the posts of so many days as posts in seven days."""
    return in_decimals(_DAYS_A_WEEK * posts / days)
