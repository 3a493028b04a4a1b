"""Targets: the progress of a campaign towards views, posts and engagement."""

from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from domain.analytics.series import DECIMALS, in_decimals
from domain.messages import TargetScope

TargetStatus = Literal["on_track", "behind_pace", "at_risk", "completed", "missed"]
CampaignPhase = Literal["upcoming", "running", "ended"]
BEHIND: Final[frozenset[TargetStatus]] = frozenset({"behind_pace", "at_risk"})

_A_DAY = timedelta(days=1)
_TOO_EARLY = 0.1
_BEHIND = 0.7
GROWTH_DAYS = 7


class TargetCount(NamedTuple):
    """The number that is counted, and what the level grew by in the last 7 days.

    Both are None where they are unknown.
    """

    reached: int | None
    growth: int | None


NOTHING_KNOWN: Final = TargetCount(None, None)


class TargetCounts(NamedTuple):
    """The views, posts and engagements that are counted for a campaign.

    Engagements are likes, comments, shares and saves together.
    """

    views: TargetCount
    posts: TargetCount = NOTHING_KNOWN
    engagement: TargetCount = NOTHING_KNOWN


class TargetProgress(Struct, frozen=True, kw_only=True):
    """The progress towards one number; each field means the same as for views.

    ``target`` is the number to reach, null without one. ``reached`` is counted anyway.
    """

    target: int | None
    reached: int | None
    percentage: int | None
    required_per_day: float | None
    projected_at_target: int | None
    status: TargetStatus | None


class Progress(Struct, frozen=True, kw_only=True):
    """The progress of a campaign towards ``target_views`` until ``target_at``.

    ``reached`` is the counted number, by ``target_scope``: the views gained from the
    campaign's first day to its last one, all views of the videos posted in these days,
    or all views of all time; null if nothing is known. ``percentage`` is ``reached`` in
    percent of the target, rounded down. ``projected_at_target`` adds, for each whole
    day that is left, a seventh of the growth in the last 7 days, and is rounded to a
    whole number, halves to the even one. ``required_per_day`` is the growth that each
    of those days needs. Both are null without a target or an end, after the end, and if
    they are unknown. ``status`` is completed once the target is reached.
    Until the end it is on_track if the projection reaches the target or if less than a
    tenth of the time is over, behind_pace if the projection reaches 70 % of the target,
    and at_risk otherwise; after the end it is missed. It is null without a target or an
    end, and if the numbers behind it are unknown.

    ``posts`` are the videos posted in the campaign's days, or ever with ``lifetime``.
    ``engagement`` is the sum of likes, comments, shares and saves of the same videos
    and days as the views. ``effective_cpm_minor`` is the cost of 1,000 of the views in
    ``reached``, in the smallest unit of the currency, null without a cost or a view.
    """

    target_scope: TargetScope
    target_views: int | None
    target_at: datetime | None
    reached: int | None
    percentage: int | None
    required_per_day: float | None
    projected_at_target: int | None
    status: TargetStatus | None
    posts: TargetProgress
    engagement: TargetProgress
    cost_minor: int | None
    currency: str | None
    effective_cpm_minor: float | None


def phase_of(first: date | None, last: date | None, *, today: date) -> CampaignPhase:
    """Return where today is in the days of a campaign; None is an open end."""
    if first is not None and today < first:
        return "upcoming"
    return "ended" if last is not None and last < today else "running"


def has_status(progress: Progress, status: TargetStatus) -> bool:
    """Return whether a target of the campaign, of any kind, has the status."""
    targets = (progress, progress.posts, progress.engagement)
    return any(one.status == status for one in targets)


def is_behind(progress: Progress) -> bool:
    """Tell whether the campaign will miss one of its targets at its present pace."""
    return any(has_status(progress, status) for status in BEHIND)


def progress(
    *,
    scope: TargetScope,
    counts: TargetCounts,
    target_views: int | None,
    target_posts: int | None = None,
    target_engagement: int | None = None,
    target_at: datetime | None,
    cost_minor: int | None = None,
    currency: str | None = None,
    began_at: datetime,
    ends_at: datetime | None,
    now: datetime,
    zone: tzinfo,
) -> Progress:
    """Return the progress of a campaign.

    ``ends_at`` is the end of the campaign's last day, None without one. The clock of
    ``zone`` counts whole days.
    """
    is_early = target_at is not None and now - began_at < _TOO_EARLY * (
        target_at - began_at
    )

    def towards(
        target: int | None, count: TargetCount, *, ends_with_days: bool
    ) -> TargetProgress:
        end = target_at
        if end is not None and ends_with_days and ends_at is not None:
            # Nothing is added after the campaign's last day.
            end = min(end, ends_at)
        return _towards(
            target,
            count,
            days_left=None if end is None else _whole_days_left(end, now, zone),
            is_open=target_at is None,
            is_early=is_early,
            is_over=target_at is not None and now >= target_at,
        )

    views = towards(target_views, counts.views, ends_with_days=scope == "gained")
    reached = views.reached
    cpm = None
    if cost_minor is not None and reached is not None and reached > 0:
        cpm = in_decimals(1_000 * cost_minor / reached)
    return Progress(
        target_scope=scope,
        target_views=target_views,
        target_at=target_at,
        reached=reached,
        percentage=views.percentage,
        required_per_day=views.required_per_day,
        projected_at_target=views.projected_at_target,
        status=views.status,
        posts=towards(target_posts, counts.posts, ends_with_days=scope != "lifetime"),
        engagement=towards(
            target_engagement, counts.engagement, ends_with_days=scope == "gained"
        ),
        cost_minor=cost_minor,
        currency=currency,
        effective_cpm_minor=cpm,
    )


def _towards(
    target: int | None,
    count: TargetCount,
    *,
    days_left: int | None,
    is_open: bool,
    is_early: bool,
    is_over: bool,
) -> TargetProgress:
    reached, growth = count
    projected = None
    required = None
    status = None
    if target is not None and reached is not None:
        if days_left is not None and not is_over:
            if growth is not None:
                # Exact, however large the growth is.
                projected = reached + round(Fraction(growth * days_left, GROWTH_DAYS))
            if days_left:
                required = round(max(target - reached, 0) / days_left, DECIMALS)
        status = _status(
            target,
            reached,
            projected,
            is_open=is_open,
            is_early=is_early,
            is_over=is_over,
        )
    return TargetProgress(
        target=target,
        reached=reached,
        percentage=None if not target or reached is None else 100 * reached // target,
        required_per_day=required,
        projected_at_target=projected,
        status=status,
    )


def _whole_days_left(end: datetime, now: datetime, zone: tzinfo) -> int:
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
