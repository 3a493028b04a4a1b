"""Observed times of a project: when its creators were observed, and the gaps between.

They follow from the observations alone, in the order of the log, so that they are the
same however late or often they are computed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from domain.messages import JobType
from domain.organization.plans import DEFAULT_PLANS, NO_LIMITS
from domain.scrape.intervals import DEFAULT_HOURS, hours_between

# A gap is longer than this many of the shortest intervals between scheduled runs.
_INTERVALS = 2
# A provider that is back within this time was never away.
_AWAY = timedelta(days=7)


class Gap(NamedTuple):
    """The time between two observations that lie too far apart."""

    start: datetime
    end: datetime


class ObservedTimes(msgspec.Struct, frozen=True, kw_only=True):
    """The observations of a project, as far as gaps and providers depend on them.

    ``last`` is the time of the newest observation. ``is_resuming`` says that no creator
    was tracked for a while, and that none was observed since. ``providers`` has the
    time of each provider's newest observation.
    """

    last: datetime | None = None
    is_resuming: bool = False
    gaps: tuple[Gap, ...] = ()
    providers: dict[str, datetime] = {}


def longest_gap(plan: str, chosen: Mapping[JobType, int | None]) -> timedelta:
    """Return how much time two observations of a project may lie apart without a gap.

    ``chosen`` are the organization's hours between two scheduled runs of a kind. The
    plan's limits are those that come with Goatherd, because the log has no others.
    """
    limits = DEFAULT_PLANS.get(plan, NO_LIMITS)
    shortest = min(
        hours_between(kind, chosen=chosen.get(kind), limits=limits)
        for kind in DEFAULT_HOURS
    )
    return timedelta(hours=_INTERVALS * shortest)


def with_observation(
    known: ObservedTimes, at: datetime, *, provider: str | None, longest: timedelta
) -> ObservedTimes:
    """Return the observed times after an observation; an import has no ``provider``.

    Imported observations from before the first scrape make no gap, because nobody tried
    to observe anything then, but an import inside a gap divides it. ``gaps`` stays the
    same object unless a gap changes.
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
    """Return the provider that this one replaces, None if it replaces none.

    Providers that take turns, each within a week, replace each other only once.
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
    """Return the gaps after an observation that may lie in one of them."""
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
