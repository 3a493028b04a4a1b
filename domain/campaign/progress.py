"""A campaign's progress: what it has reached of its target, and whether it is on pace.

The statuses are those of goals. Between start and ``target_at`` the elapsed fraction f
is counted by the second, and what is reached now projects to reached / f. Without a
start, the mean growth of a day is carried on for the days that are left.
"""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

import msgspec

ProgressStatus = Literal["on_track", "behind_pace", "at_risk", "completed", "missed"]

# From this share of the target on, a projection is behind its pace, and below at risk.
_BEHIND = Fraction(7, 10)
# Before this share of the time has passed, nothing is said of the pace.
_EARLY = Fraction(1, 10)
_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


class CampaignProgress(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign has reached of its target.

    ``reached`` is in views, and ``percentage`` the whole percents of the target.
    ``required_per_day`` is how many views a day it needs until ``target_at``, rounded
    up, and 0 once it has them; ``projected_at_target`` what it will have then. Both are
    null without ``target_at`` and after it, and a projection also where nothing is
    known to project by. Without ``target_at`` the status is ``completed`` or null.
    """

    target_views: int
    target_at: datetime | None
    reached: int
    percentage: int
    required_per_day: int | None
    projected_at_target: int | None
    status: ProgressStatus | None


def progress_of(
    *,
    target_views: int,
    target_at: datetime | None,
    reached: int,
    now: datetime,
    starts_at: datetime | None = None,
    growth_per_day: Fraction | None = None,
) -> CampaignProgress:
    """Return the progress of a campaign that has ``reached`` so many views.

    ``starts_at`` is when ``reached`` began to be counted, None if it is all that its
    videos ever had; then ``growth_per_day`` is the mean of the last days, None if it is
    unknown.
    """
    projected = required = None
    is_done = reached >= target_views
    status: ProgressStatus | None = "completed" if is_done else None
    if target_at is not None and now < target_at:
        left = Fraction((target_at - now) // _TICK, _DAY // _TICK)
        required = max(0, -((reached - target_views) // left))
        fraction = _elapsed(starts_at, now, target_at)
        if fraction is not None and fraction > 0:
            projected = int(reached / fraction)
        elif starts_at is None and growth_per_day is not None:
            projected = reached + int(growth_per_day * left)
        if not is_done:
            is_early = fraction is not None and fraction < _EARLY
            status = _running(projected, target_views, is_early=is_early)
    elif target_at is not None and not is_done:
        status = "missed"
    return CampaignProgress(
        target_views=target_views,
        target_at=target_at,
        reached=reached,
        percentage=reached * 100 // target_views,
        required_per_day=required,
        projected_at_target=projected,
        status=status,
    )


def _elapsed(
    starts_at: datetime | None, now: datetime, target_at: datetime
) -> Fraction | None:
    """Return the share of the time that has passed; None without a start before it."""
    if starts_at is None or starts_at >= target_at:
        return None
    passed, whole = (now - starts_at) // _TICK, (target_at - starts_at) // _TICK
    return max(Fraction(0), Fraction(passed, whole))


def _running(
    projected: int | None, target: int, *, is_early: bool
) -> ProgressStatus | None:
    if is_early:
        return "on_track"
    if projected is None:
        return None
    if projected >= target:
        return "on_track"
    return "behind_pace" if projected >= _BEHIND * target else "at_risk"
