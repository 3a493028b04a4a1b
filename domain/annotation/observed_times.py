"""Observed times of a project: when its creators were observed, for how long none was.

Everything follows from the observations alone, in the order of the log, so that it is
the same however late or often it is computed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from domain.messages import JobType
from domain.organization.plans import DEFAULT_PLANS, NO_LIMITS
from domain.scrape.intervals import DEFAULT_HOURS, hours_between

# So many of the shortest intervals may pass without an observation.
_INTERVALS = 2
# A provider that comes back within this time was never away.
_AWAY = timedelta(days=7)


class Gap(NamedTuple):
    """From one observation to the next one: too long."""

    start: datetime
    end: datetime


class ObservedTimes(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a project's observations.

    ``last`` is the time of the newest. ``is_resuming`` says that for a while no creator
    was tracked, and none was observed since. ``providers`` has the time of each
    provider's newest.
    """

    last: datetime | None = None
    is_resuming: bool = False
    gaps: tuple[Gap, ...] = ()
    providers: dict[str, datetime] = {}


def longest_gap(plan: str, chosen: Mapping[JobType, int | None]) -> timedelta:
    """Return how long it may take until some creator of a project is observed again.

    ``chosen`` are the organization's hours between two scheduled runs of a kind. Of the
    plan's limits those that come with Goatherd count, because the log has no others.
    """
    limits = DEFAULT_PLANS.get(plan, NO_LIMITS)
    shortest = min(
        hours_between(kind, chosen=chosen.get(kind), limits=limits)
        for kind in DEFAULT_HOURS
    )
    return timedelta(hours=_INTERVALS * shortest)


def seen(
    known: ObservedTimes, at: datetime, *, provider: str | None, longest: timedelta
) -> ObservedTimes:
    """Return what is known after an observation; ``provider`` is None for an import.

    What is imported from before the first scrape makes no gap, because nobody tried to
    observe anything then, but it closes a gap that it lies in. Gaps stay the same
    object unless they change.
    """
    if provider is None and not known.providers:
        return known
    providers = known.providers
    if provider is not None:
        newest = max(at, providers.get(provider, at))
        providers = {**providers, provider: newest}
    last = known.last
    if last is not None and at <= last:
        gaps = _divided(known.gaps, at, longest=longest)
        return replace(known, gaps=gaps, providers=providers)
    gaps = known.gaps
    if last is not None and not known.is_resuming:
        gaps = (*gaps, *new) if (new := _too_long(last, at, longest=longest)) else gaps
    return ObservedTimes(last=at, gaps=gaps, providers=providers)


def provider_before(known: ObservedTimes, at: datetime, provider: str) -> str | None:
    """Return the provider that this one follows, None if it is no other one.

    Providers that take turns, each within a week, follow each other once only.
    """
    if not known.providers:
        return None
    newest = max(known.providers, key=lambda name: (known.providers[name], name))
    if newest == provider or at <= known.providers[newest]:
        return None
    before = known.providers.get(provider)
    return newest if before is None or at - before > _AWAY else None


def _divided(
    gaps: tuple[Gap, ...], at: datetime, *, longest: timedelta
) -> tuple[Gap, ...]:
    """Return the gaps after an observation in one of them, or in none."""
    for number, gap in enumerate(gaps):
        if gap.start < at < gap.end:
            parts = [
                *_too_long(gap.start, at, longest=longest),
                *_too_long(at, gap.end, longest=longest),
            ]
            return (*gaps[:number], *parts, *gaps[number + 1 :])
    return gaps


def _too_long(start: datetime, end: datetime, *, longest: timedelta) -> list[Gap]:
    return [Gap(start, end)] if end - start > longest else []
