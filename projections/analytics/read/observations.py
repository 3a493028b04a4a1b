"""Observations of counted videos and profiles, read from the stored snapshots."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

from domain.analytics.buckets import slot_of_post
from domain.analytics.membership import Spans, holds_slot
from projections.analytics.fold.columns import Longs, Mask, Observations
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.rollup_deltas import MetricGroup
from projections.analytics.store.column_codec import unpack
from projections.engine.reader import Reader

# The snapshots of so many owners are in memory at once.
_OWNERS_AT_ONCE = 4
_SNAPSHOTS = b"""
SELECT owner, observed_at, position, scrape_id, provider, recorded_at, counts
FROM analytics_snapshots
WHERE organization_id = %(organization)s AND metric_group = %(metric_group)s
AND owner = ANY(%(owners)s) AND observed_at <= %(end)s
AND (%(at)s::bigint IS NULL OR position <= %(at)s)
ORDER BY owner, observed_at, position
"""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A video or profile whose levels are read, with its number and its owner.

    ``spans`` are the times in which its gains count, None if always. ``counts_in`` is
    for creators that left numbers with another project: the times in which they count
    in this one, None if always. ``is_erased`` marks a video of an erased creator; only
    sums with others may be shown.
    """

    id: UUID
    owner: UUID
    number: int
    is_baseline: bool
    creator_id: UUID | None = None
    posted_at: datetime | None = None
    label: str | None = None
    tiktok_video_id: str | None = None
    spans: Spans | None = None
    counts_in: Spans | None = None
    is_erased: bool = False

    @property
    def gains_as_a_post(self) -> bool:
        """Tell whether it counts that the video was posted."""
        if self.spans is None:
            return True
        at = self.posted_at
        return at is not None and holds_slot(self.spans, slot_of_post(at))

    @property
    def title(self) -> str | None:
        """Return the video's title. Without a title its label is its id."""
        return None if self.label == self.tiktok_video_id else self.label


class Source(msgspec.Struct, frozen=True):
    """The snapshot of an observation."""

    observed_at: datetime
    position: int
    scrape_id: UUID
    provider: str
    recorded_at: datetime


class MemberObservations(msgspec.Struct, frozen=True):
    """The observations of some videos, owner by owner, in the order of the snapshots.

    An observation's video is its index in ``members``.
    """

    members: Sequence[Counted]
    sources: Sequence[Source]
    instants: Longs
    observations: Observations

    @property
    def is_dated(self) -> bool:
        return any(member.spans is not None for member in self.members)

    @property
    def spans(self) -> Sequence[Spans]:
        return [member.spans or () for member in self.members]

    @property
    def is_baseline(self) -> Mask:
        return np.array([member.is_baseline for member in self.members], np.bool_)


async def load_observations(
    reader: Reader,
    organization_id: UUID,
    metric_group: MetricGroup,
    members: Sequence[Counted],
    end: datetime,
    *,
    at: int | None = None,
) -> MemberObservations:
    """Return the observations of the videos at or before an instant.

    ``at`` is the position as of which the log is read, None for all of it.
    """
    owners = sorted({member.owner for member in members})
    rows = await reader.rows(
        organization_id,
        _SNAPSHOTS,
        {
            "organization": organization_id,
            "metric_group": metric_group.number,
            "owners": owners,
            "end": end,
            "at": at,
        },
    )
    observations = unpack([row[6] for row in rows], counters=metric_group.counters)
    owner_of_snapshot = np.searchsorted(
        _halves(owners), _halves([row[0] for row in rows])
    ).astype(np.int64)
    places = _places(
        owners,
        members,
        owner_of_snapshot[observations.snapshots],
        observations.video_numbers,
    )
    is_ours = places >= 0
    ours = observations.where(is_ours)
    return MemberObservations(
        members,
        [Source(*row[1:6]) for row in rows],
        np.array([instant_of(row[1]) for row in rows], np.int64),
        Observations(places[is_ours], ours.snapshots, ours.counts, ours.missing),
    )


def owners_at_a_time(members: Sequence[Counted]) -> Iterator[list[Counted]]:
    """Yield the members in portions of a few owners each."""
    by_owner = sorted(members, key=lambda member: member.owner)
    chunk: list[Counted] = []
    owners: set[UUID] = set()
    for member in by_owner:
        if member.owner not in owners and len(owners) == _OWNERS_AT_ONCE:
            yield chunk
            chunk, owners = [], set()
        chunk.append(member)
        owners.add(member.owner)
    if chunk:
        yield chunk


def _places(
    owners: Sequence[UUID],
    members: Sequence[Counted],
    owner_of: Longs,
    video_numbers: Longs,
) -> Longs:
    """Return for each observation the index of its member, -1 if it has none."""
    found = np.full(len(video_numbers), -1)
    by_owner: dict[UUID, list[tuple[int, int]]] = {owner: [] for owner in owners}
    for place, member in enumerate(members):
        by_owner[member.owner].append((member.number, place))
    starts = np.searchsorted(owner_of, np.arange(len(owners) + 1))
    for number, owner in enumerate(owners):
        chunk = slice(int(starts[number]), int(starts[number + 1]))
        known = sorted(by_owner[owner])
        numbers = np.array([one[0] for one in known], np.int64)
        places = np.array([one[1] for one in known], np.int64)
        at = np.searchsorted(numbers, video_numbers[chunk])
        at[at == len(numbers)] = 0
        found[chunk] = np.where(numbers[at] == video_numbers[chunk], places[at], -1)
    return found


def _halves(ids: Sequence[UUID]) -> npt.NDArray[Any]:
    """Return ids as two numbers each, in the sort order of PostgreSQL."""
    return np.array([id_.bytes.hex() for id_ in ids], "U32")
