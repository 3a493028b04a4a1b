"""Single levels, read from looks: of videos one by one, and of the past.

Where sums cannot answer, everything that was seen of the things is read, and moves the
sums of buckets instead of those of quarters of an hour.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

from domain.analytics.metrics import RawMetric
from domain.analytics.series import Account
from projections.analytics.column_codec import unpack
from projections.analytics.columns import Longs, Mask, Observations
from projections.analytics.keys import instant_of
from projections.analytics.levels import Levels, Moved, follow
from projections.analytics.queries.accumulate import posts_of, together
from projections.analytics.rollup_deltas import Family
from projections.engine.reader import Reader

# So many owners' looks are held at once.
_OWNERS_AT_ONCE = 4
_LOOKS = b"""
SELECT owner, observed_at, position, scrape_id, provider, recorded_at, seen
FROM analytics_looks
WHERE organization_id = %(organization)s AND family = %(family)s
AND owner = ANY(%(owners)s) AND observed_at <= %(end)s
AND (%(at)s::bigint IS NULL OR position <= %(at)s)
ORDER BY owner, observed_at, position
"""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A video or profile whose levels are read: its number, and in whose looks."""

    id: UUID
    owner: UUID
    number: int
    is_baseline: bool
    posted_at: datetime | None = None
    label: str | None = None
    tiktok_video_id: str | None = None


class Source(msgspec.Struct, frozen=True):
    """The look that observations are from."""

    observed_at: datetime
    position: int
    scrape_id: UUID
    provider: str
    recorded_at: datetime


class Looked(msgspec.Struct, frozen=True):
    """What was seen of some things, in the order of looks, owner by owner.

    The observations' things are places among ``members``.
    """

    members: Sequence[Counted]
    sources: Sequence[Source]
    instants: Longs
    told: Observations

    @property
    def is_baseline(self) -> Mask:
        return np.array([member.is_baseline for member in self.members], np.bool_)


async def looked_at(
    reader: Reader,
    organization_id: UUID,
    family: Family,
    members: Sequence[Counted],
    end: datetime,
    *,
    at: int | None = None,
) -> Looked:
    """Return what was seen of the things at or before an instant.

    ``at`` is the position at which the log is taken to end.
    """
    owners = sorted({member.owner for member in members})
    rows = await reader.rows(
        organization_id,
        _LOOKS,
        {
            "organization": organization_id,
            "family": family.number,
            "owners": owners,
            "end": end,
            "at": at,
        },
    )
    told = unpack([row[6] for row in rows], counters=family.counters)
    owner_of_look = np.searchsorted(
        _halves(owners), _halves([row[0] for row in rows])
    ).astype(np.int64)
    places = _places(owners, members, owner_of_look[told.looks], told.things)
    is_ours = places >= 0
    ours = told.where(is_ours)
    return Looked(
        members,
        [Source(*row[1:6]) for row in rows],
        np.array([instant_of(row[1]) for row in rows], np.int64),
        Observations(places[is_ours], ours.looks, ours.counts, ours.missing),
    )


async def accounts_of(
    reader: Reader,
    organization_id: UUID,
    family: Family,
    members: Sequence[Counted],
    boundaries: Sequence[datetime],
    *,
    at: int | None = None,
) -> dict[RawMetric, Account]:
    """Return the accounts of the things together, posts among them.

    Things of many owners are read some owners at a time.
    """
    each: list[dict[RawMetric, Account]] = []
    size = len(boundaries) - 1
    for some in owners_at_a_time(members):
        looked = await looked_at(
            reader, organization_id, family, some, boundaries[-1], at=at
        )
        bounds = _instants(boundaries)
        groups = np.searchsorted(bounds, looked.instants, side="left")
        moved = _moved(family, looked, groups, looked.instants, size=size + 1)
        each.append(_accounts(family, moved.tolist()))
    found: dict[RawMetric, Account] = {
        metric: together([one[metric] for one in each], buckets=size)
        for metric in family.metrics
    }
    if family.has_posts:
        looked_how_often = found[family.metrics[0]].snapshots
        posted = [member.posted_at for member in members]
        found["posts"] = posts_of(posted, boundaries, looked_how_often)
    return found


def accounts_of_each(
    family: Family, looked: Looked, boundaries: Sequence[datetime]
) -> list[dict[RawMetric, Account]]:
    """Return the accounts of each thing, in the order of the members."""
    size = len(boundaries)
    told = looked.told
    bucket = np.searchsorted(_instants(boundaries), looked.instants, side="left")
    groups = told.things * size + bucket[told.looks]
    alone = Observations(told.things, np.arange(len(told)), told.counts, told.missing)
    moved = _moved(
        family,
        msgspec.structs.replace(looked, told=alone),
        groups,
        looked.instants[told.looks],
        size=size * len(looked.members),
    )
    apart = moved.reshape(len(moved), len(looked.members), size)
    return [
        _accounts(family, apart[:, number].tolist())
        for number in range(len(looked.members))
    ]


def _moved(
    family: Family, looked: Looked, groups: Longs, instants: Longs, *, size: int
) -> Moved:
    things = np.arange(len(looked.members))
    levels = Levels.nothing(things, counters=family.counters)
    return follow(
        levels, looked.told, groups, instants, size=size,
        is_baseline=looked.is_baseline,
    )  # fmt: skip


def _accounts(family: Family, moved: list[list[Any]]) -> dict[RawMetric, Account]:
    """Return the accounts of what moved by bucket, 0 being what was before all."""
    found: dict[RawMetric, Account] = {}
    for number, metric in enumerate(family.metrics):
        change, known, bases, baselines = moved[1 + 4 * number : 5 + 4 * number]
        found[metric] = Account(
            levels=list(accumulate(change)),
            known=list(accumulate(known)),
            bases=bases[1:],
            baselines=baselines[1:],
            snapshots=moved[0][1:],
        )
    return found


def owners_at_a_time(members: Sequence[Counted]) -> Iterator[list[Counted]]:
    """Yield the members of some owners at a time."""
    by_owner = sorted(members, key=lambda member: member.owner)
    part: list[Counted] = []
    owners: set[UUID] = set()
    for member in by_owner:
        if member.owner not in owners and len(owners) == _OWNERS_AT_ONCE:
            yield part
            part, owners = [], set()
        part.append(member)
        owners.add(member.owner)
    if part:
        yield part


def _places(
    owners: Sequence[UUID],
    members: Sequence[Counted],
    owner_of: Longs,
    things: Longs,
) -> Longs:
    """Return which member each thing of an owner is; -1 where none."""
    found = np.full(len(things), -1)
    by_owner: dict[UUID, list[tuple[int, int]]] = {owner: [] for owner in owners}
    for place, member in enumerate(members):
        by_owner[member.owner].append((member.number, place))
    starts = np.searchsorted(owner_of, np.arange(len(owners) + 1))
    for number, owner in enumerate(owners):
        part = slice(int(starts[number]), int(starts[number + 1]))
        known = sorted(by_owner[owner])
        numbers = np.array([one[0] for one in known], np.int64)
        places = np.array([one[1] for one in known], np.int64)
        at = np.searchsorted(numbers, things[part])
        at[at == len(numbers)] = 0
        found[part] = np.where(numbers[at] == things[part], places[at], -1)
    return found


def _halves(ids: Sequence[UUID]) -> npt.NDArray[Any]:
    """Return ids in a form that sorts as PostgreSQL sorts them."""
    return np.array([id_.bytes.hex() for id_ in ids], "U32")


def _instants(boundaries: Sequence[datetime]) -> Longs:
    return np.array([instant_of(boundary) for boundary in boundaries], np.int64)
