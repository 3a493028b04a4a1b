"""Targets: how far a campaign is on its way to a number of views."""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from domain.analytics.series import DECIMALS

TargetStatus = Literal["on_track", "behind_pace", "at_risk", "completed", "missed"]

_A_DAY = timedelta(days=1)
_TOO_EARLY = 0.1
_BEHIND = 0.7
GROWTH_DAYS = 7


class Progress(Struct, frozen=True, kw_only=True):
    """How far a campaign is on its way to ``target_views`` until ``target_at``.

    ``reached`` is its views now, null if nothing is known, and ``percentage`` that in
    percent of the target, rounded down. ``projected_at_target`` adds the mean daily
    growth of the last 7 days for each day that is left, and ``required_per_day`` is
    what must be added on each of them; both are null without an end, and when it is
    over. Until the end ``status`` is on_track if the projection reaches the target or
    if less than a tenth of the time is over, behind_pace if it reaches 70 % of it, else
    at_risk; then it is completed or missed. It is null without a target, and without an
    end as long as the target is not reached.
    """

    target_views: int | None
    target_at: datetime | None
    reached: int | None
    percentage: int | None
    required_per_day: float | None
    projected_at_target: int | None
    status: TargetStatus | None


def progress(
    *,
    target_views: int | None,
    target_at: datetime | None,
    reached: int | None,
    recent_growth: int | None,
    began_at: datetime,
    now: datetime,
) -> Progress:
    """Return the progress; ``recent_growth`` is what the last 7 days added."""
    views = reached or 0
    left = None if target_at is None else max((target_at - now) / _A_DAY, 0.0)
    projected = None
    required = None
    if left:
        projected = views + round((recent_growth or 0) / GROWTH_DAYS * left)
        if target_views is not None:
            required = round(max(target_views - views, 0) / left, DECIMALS)
    status = None
    if target_views is not None:
        status = _status(
            target_views,
            views,
            projected,
            is_early=target_at is not None
            and now - began_at < _TOO_EARLY * (target_at - began_at),
            is_over=left == 0.0,
        )
    return Progress(
        target_views=target_views,
        target_at=target_at,
        reached=reached,
        percentage=None if not target_views else 100 * views // target_views,
        required_per_day=required,
        projected_at_target=projected,
        status=status,
    )


def _status(
    target: int, views: int, projected: int | None, *, is_early: bool, is_over: bool
) -> TargetStatus | None:
    if is_over:
        return "completed" if views >= target else "missed"
    if projected is None:
        return "completed" if views >= target else None
    if projected >= target or is_early:
        return "on_track"
    return "behind_pace" if projected >= _BEHIND * target else "at_risk"
