"""The videos behind a number: the largest series, and the rest together."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from domain.analytics.buckets import Bucket
from domain.analytics.metrics import Question, RawMetric
from domain.analytics.series import Account, Ledger, Value, total
from projections.analytics.queries.accumulate import chosen
from projections.analytics.queries.as_of import counted_then
from projections.analytics.queries.from_snapshots import (
    Counted,
    accounts_of_each,
    looked_at,
    owners_at_a_time,
)
from projections.analytics.queries.series import Thing, counted
from projections.analytics.rollup_deltas import VIDEOS
from projections.engine.reader import Reader

MOST_SERIES = 10


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One series of a breakdown; of ``thing`` None, everything not shown apart."""

    thing: Thing | None
    ledger: Ledger


class _Ranked(msgspec.Struct, frozen=True, kw_only=True):
    member: Counted
    total: Value


async def breakdown(
    reader: Reader,
    organization_id: UUID,
    asked: Question,
    of: UUID,
    buckets: Sequence[Bucket],
    *,
    whole: Ledger,
    at: int | None = None,
) -> list[Part]:
    """Return the videos with the largest totals, then the rest as one.

    ``whole`` is the ledger of the creator or project that they are of, ``at`` the
    position at which the log is taken to end.
    """
    members = (
        await counted(reader, organization_id, asked, of)
        if at is None
        else await counted_then(reader, organization_id, asked, of, at=at)
    )[VIDEOS]
    boundaries = [buckets[0].start, *(bucket.end for bucket in buckets)]
    days = sum(bucket.days for bucket in buckets)
    ends = [boundaries[0], boundaries[-1]]
    found: list[_Ranked] = []
    for some in owners_at_a_time(members):
        looked = await looked_at(
            reader, organization_id, VIDEOS, some, boundaries[-1], at=at
        )
        each = accounts_of_each(VIDEOS, looked, ends)
        found += [
            _Ranked(
                member=member,
                total=total(asked, chosen(ledger, asked.needs), days=days),
            )
            for member, ledger in zip(some, each, strict=True)
        ]
    ranked = _sorted(found)
    shown = [video.member for video in ranked[:MOST_SERIES]]
    looked = await looked_at(
        reader, organization_id, VIDEOS, shown, boundaries[-1], at=at
    )
    each = accounts_of_each(VIDEOS, looked, boundaries)
    parts: list[Part] = []
    rest: dict[RawMetric, Account] = {**whole}
    for video, accounts in zip(shown, each, strict=True):
        ledger = chosen(accounts, asked.needs)
        thing = Thing(id=video.id, label=video.label or str(video.id))
        parts.append(Part(thing=thing, ledger=ledger))
        rest = {metric: rest[metric].without(ledger[metric]) for metric in rest}
    if len(ranked) > len(shown):
        parts.append(Part(thing=None, ledger=rest))
    return parts


def _sorted(found: Iterable[_Ranked]) -> list[_Ranked]:
    """Return those with the largest totals first, those of unknown ones last."""
    return sorted(found, key=lambda v: (v.total is None, -(v.total or 0), v.member.id))
