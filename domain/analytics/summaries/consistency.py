"""Posting consistency: the regularity with which a creator posted in recent weeks."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import pstdev
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain.analytics.buckets import midnight
from domain.analytics.series import DECIMALS

WEEKS = 12
_A_DAY = timedelta(days=1)
_A_WEEK = timedelta(days=7)


class PostingWeeks(Struct, frozen=True, kw_only=True):
    """The last whole weeks before an instant.

    ``bounds`` are the beginnings of the weeks and the end of the last one. A week is
    the time from its beginning on, until before its end. ``end`` is the instant.
    """

    bounds: tuple[datetime, ...]
    end: datetime


class PostingConsistency(Struct, frozen=True, kw_only=True):
    """The regularity with which counted videos were posted.

    ``share_of_weeks`` is the share of the last 12 whole weeks with a post, 0 to 1, and
    ``posts_per_week`` the mean of those weeks. ``longest_gap_days`` is the longest time
    in days between two posts in those weeks, or from the last post to their end, at
    most as long as the weeks are; null without any post. ``gap_standard_deviation`` is
    that of the times between the posts in the weeks, in days and of the whole
    population; null with fewer than 3 posts. ``last_post_at`` may lie before the weeks
    or after them.
    """

    share_of_weeks: float
    posts_per_week: float
    longest_gap_days: float | None
    gap_standard_deviation: float | None
    last_post_at: datetime | None


def weeks_before(last: date, zone: ZoneInfo, *, now: datetime) -> PostingWeeks:
    """Return the last 12 weeks from Monday that are over at the end of a day.

    ``now`` replaces the end of a day that is not over yet.
    """
    end = min(midnight(last + _A_DAY, zone), now)
    day = end.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    bounds = [midnight(monday - _A_WEEK * n, zone) for n in range(WEEKS, -1, -1)]
    return PostingWeeks(bounds=tuple(bounds), end=end)


def consistency(posted: Sequence[datetime], weeks: PostingWeeks) -> PostingConsistency:
    """Return the consistency of videos posted at these times, in ascending order."""
    until = posted[: bisect_left(posted, weeks.end)]
    bounds = [bisect_left(until, bound) for bound in weeks.bounds]
    in_each = [after - before for before, after in pairwise(bounds)]
    judged = until[bounds[0] : bounds[-1]]
    gaps = [(after - before) / _A_DAY for before, after in pairwise(judged)]
    begin, end = weeks.bounds[0], weeks.bounds[-1]
    since = [(end - max([begin, *judged])) / _A_DAY] if until else []
    return PostingConsistency(
        share_of_weeks=round(sum(map(bool, in_each)) / WEEKS, DECIMALS),
        posts_per_week=round(sum(in_each) / WEEKS, DECIMALS),
        longest_gap_days=round(max([*gaps, *since]), DECIMALS) if since else None,
        gap_standard_deviation=round(pstdev(gaps), DECIMALS) if len(gaps) > 1 else None,
        last_post_at=until[-1] if until else None,
    )
