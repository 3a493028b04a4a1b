"""Targets: the progress of a campaign towards a number of views."""

from datetime import datetime, timedelta, tzinfo
from typing import Literal

from msgspec import Struct

from domain.analytics.series import DECIMALS
from domain.messages import TargetScope

TargetStatus = Literal["on_track", "behind_pace", "at_risk", "completed", "missed"]

_A_DAY = timedelta(days=1)
_TOO_EARLY = 0.1
_BEHIND = 0.7
GROWTH_DAYS = 7


class Progress(Struct, frozen=True, kw_only=True):
    """The progress of a campaign towards ``target_views`` until ``target_at``.

    ``reached`` is the counted number, by ``target_scope``: the views gained from the
    campaign's first day to its last one, all views of the videos posted in these days,
    or all views of all time; null if nothing is known. ``percentage`` is ``reached`` in
    percent of the target, rounded down. ``projected_at_target`` adds, for each whole
    day that is left, a seventh of the growth in the last 7 days. ``required_per_day``
    is the growth that each of those days needs. Both are null without an end, after the
    end, and if they are unknown. ``status`` is completed once the target is reached.
    Until the end it is on_track if the projection reaches the target or if less than a
    tenth of the time is over, behind_pace if the projection reaches 70 % of the target,
    and at_risk otherwise; after the end it is missed. It is null without a target or an
    end, and if the numbers behind it are unknown.
    """

    target_scope: TargetScope
    target_views: int | None
    target_at: datetime | None
    reached: int | None
    percentage: int | None
    required_per_day: float | None
    projected_at_target: int | None
    status: TargetStatus | None


def progress(
    *,
    scope: TargetScope,
    target_views: int | None,
    target_at: datetime | None,
    reached: int | None,
    growth: int | None,
    began_at: datetime,
    ends_at: datetime | None,
    now: datetime,
    zone: tzinfo,
) -> Progress:
    """Return the progress; ``growth`` is the growth of the level in the last 7 days.

    ``ends_at`` is the end of the campaign's last day, None without one. The clock of
    ``zone`` counts whole days.
    """
    left = _whole_days_left(target_at, ends_at, now, zone, scope=scope)
    is_over = target_at is not None and now >= target_at
    projected = None
    required = None
    if left is not None and not is_over and reached is not None:
        if growth is not None:
            projected = reached + round(growth / GROWTH_DAYS * left)
        if target_views is not None and left:
            required = round(max(target_views - reached, 0) / left, DECIMALS)
    status = None
    if target_views is not None and reached is not None:
        status = _status(
            target_views,
            reached,
            projected,
            is_open=target_at is None,
            is_early=target_at is not None
            and now - began_at < _TOO_EARLY * (target_at - began_at),
            is_over=is_over,
        )
    return Progress(
        target_scope=scope,
        target_views=target_views,
        target_at=target_at,
        reached=reached,
        percentage=None
        if not target_views or reached is None
        else 100 * reached // target_views,
        required_per_day=required,
        projected_at_target=projected,
        status=status,
    )


def _whole_days_left(
    target_at: datetime | None,
    ends_at: datetime | None,
    now: datetime,
    zone: tzinfo,
    *,
    scope: TargetScope,
) -> int | None:
    """Return the whole days until the target; None if the target has no time."""
    if target_at is None:
        return None
    end = target_at
    if scope == "gained" and ends_at is not None:
        # The campaign gains nothing after its last day.
        end = min(end, ends_at)
    shown_end, shown_now = (
        instant.astimezone(zone).replace(tzinfo=None) for instant in (end, now)
    )
    return max((shown_end - shown_now) // _A_DAY, 0)


def _status(
    target: int,
    reached: int,
    projected: int | None,
    *,
    is_open: bool,
    is_early: bool,
    is_over: bool,
) -> TargetStatus | None:
    if reached >= target:
        return "completed"
    if is_open:
        return None
    if is_over:
        return "missed"
    if is_early:
        return "on_track"
    if projected is None:
        return None
    if projected >= target:
        return "on_track"
    return "behind_pace" if projected >= _BEHIND * target else "at_risk"
