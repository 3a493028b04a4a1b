"""Snapshots of owners: the counts of one owner's videos that one scrape observed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
import numpy as np

from projections.analytics.fold.columns import Longs, Observations, ObservedCounts
from projections.analytics.fold.keys import OwnerKey, SnapshotTime, instant_of


class OwnerSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot's counts of one owner's videos.

    ``creator_id`` is the creator that was scraped, who need not be the owner.
    """

    organization_id: UUID
    metric_group: int
    owner: UUID
    observed_at: datetime
    position: int
    creator_id: UUID | None
    scrape_id: UUID
    provider: str
    recorded_at: datetime
    observed: ObservedCounts

    @property
    def key(self) -> OwnerKey:
        return self.organization_id, self.metric_group, self.owner

    @property
    def is_kept(self) -> bool:
        """Tell whether it is stored: it has counts, or its owner was scraped."""
        return len(self.observed) > 0 or self.creator_id == self.owner

    @property
    def time(self) -> SnapshotTime:
        return instant_of(self.observed_at), self.position


class StoredSnapshots(Protocol):
    """The stored snapshots of one owner, which the fold of a late one needs."""

    def since(self, instant: int) -> list[OwnerSnapshot]:
        """Return the snapshots from an instant on, in order of time."""
        ...

    def before(self, instant: int) -> Iterator[Sequence[OwnerSnapshot]]:
        """Yield the snapshots before an instant in pages, the newest first."""
        ...


def observations_of(
    snapshots: Sequence[OwnerSnapshot], *, counters: int
) -> Observations:
    """Return the observations of the snapshots, in their order."""
    if not snapshots:
        return Observations.nothing(counters=counters)
    sizes = [len(snapshot.observed) for snapshot in snapshots]
    first = snapshots[0].observed.video_numbers
    is_same = all(
        snapshot.observed.video_numbers is first
        or np.array_equal(snapshot.observed.video_numbers, first)
        for snapshot in snapshots
    )
    return Observations(
        np.concatenate([snapshot.observed.video_numbers for snapshot in snapshots]),
        np.repeat(np.arange(len(snapshots)), sizes),
        np.concatenate([snapshot.observed.counts for snapshot in snapshots], axis=1),
        np.concatenate([snapshot.observed.missing for snapshot in snapshots]),
        same_videos=len(first) if is_same else 0,
    )


def merged_by_time(snapshots: Sequence[OwnerSnapshot]) -> list[OwnerSnapshot]:
    """Return one owner's snapshots in time order, one for each position."""
    found: dict[SnapshotTime, OwnerSnapshot] = {}
    for snapshot in snapshots:
        held = found.get(snapshot.time)
        found[snapshot.time] = (
            snapshot
            if held is None
            else msgspec.structs.replace(
                held, observed=held.observed.and_(snapshot.observed)
            )
        )
    return [found[time] for time in sorted(found)]


def instants_of(snapshots: Sequence[OwnerSnapshot]) -> Longs:
    """Return the instant of each snapshot, in microseconds since 1970."""
    return np.array(
        [instant_of(snapshot.observed_at) for snapshot in snapshots], np.int64
    )
