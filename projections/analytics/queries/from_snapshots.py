"""Series from snapshots: of single videos, and as of a position.

Where the stored sums cannot answer, all observations of the videos are read and summed
by bucket.
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
from domain.analytics.series import CounterSeries
from projections.analytics.column_codec import unpack
from projections.analytics.columns import Longs, Mask, Observations
from projections.analytics.keys import instant_of
from projections.analytics.levels import Deltas, Levels, follow
from projections.analytics.precision import follow_profiles
from projections.analytics.queries.accumulate import (
    posts_of,
    precision_series,
    sum_of_series,
)
from projections.analytics.rollup_deltas import MetricGroup
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
    """A video or profile whose levels are read, with its number and its owner."""

    id: UUID
    owner: UUID
    number: int
    is_baseline: bool
    creator_id: UUID | None = None
    posted_at: datetime | None = None
    label: str | None = None
    tiktok_video_id: str | None = None

    @property
    def title(self) -> str | None:
        """Return the video's title; its label is its id where there is none."""
        return None if self.label == self.tiktok_video_id else self.label


class Source(msgspec.Struct, frozen=True):
    """The snapshot that an observation is from."""

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


async def series_of_members(
    reader: Reader,
    organization_id: UUID,
    metric_group: MetricGroup,
    members: Sequence[Counted],
    boundaries: Sequence[datetime],
    *,
    at: int | None = None,
) -> dict[RawMetric, CounterSeries]:
    """Return the counter series of the videos together, posts among them.

    The snapshots of a few owners are read at a time.
    """
    each: list[dict[RawMetric, CounterSeries]] = []
    size = len(boundaries) - 1
    for some in owners_at_a_time(members):
        loaded = await load_observations(
            reader, organization_id, metric_group, some, boundaries[-1], at=at
        )
        bounds = _instants(boundaries)
        groups = np.searchsorted(bounds, loaded.instants, side="left")
        deltas, precision = _deltas(
            metric_group, loaded, groups, loaded.instants, size=size + 1
        )
        each.append(
            _series_by_metric(
                metric_group,
                deltas.tolist(),
                [] if precision is None else precision.tolist(),
            )
        )
    found: dict[RawMetric, CounterSeries] = {
        metric: sum_of_series([one[metric] for one in each], buckets=size)
        for metric in metric_group.metrics
    }
    if metric_group.has_posts:
        snapshot_counts = found[metric_group.metrics[0]].snapshots
        posted = [member.posted_at for member in members]
        found["posts"] = posts_of(posted, boundaries, snapshot_counts)
    return found


def series_of_each_member(
    metric_group: MetricGroup,
    loaded: MemberObservations,
    boundaries: Sequence[datetime],
) -> list[dict[RawMetric, CounterSeries]]:
    """Return the series of each member, in their order: videos, which are exact."""
    size = len(boundaries)
    observations = loaded.observations
    bucket = np.searchsorted(_instants(boundaries), loaded.instants, side="left")
    groups = observations.video_numbers * size + bucket[observations.snapshots]
    alone = Observations(
        observations.video_numbers,
        np.arange(len(observations)),
        observations.counts,
        observations.missing,
    )
    deltas, _ = _deltas(
        metric_group,
        msgspec.structs.replace(loaded, observations=alone),
        groups,
        loaded.instants[observations.snapshots],
        size=size * len(loaded.members),
    )
    apart = deltas.reshape(len(deltas), len(loaded.members), size)
    return [
        _series_by_metric(metric_group, apart[:, number].tolist())
        for number in range(len(loaded.members))
    ]


def _deltas(
    metric_group: MetricGroup,
    loaded: MemberObservations,
    groups: Longs,
    instants: Longs,
    *,
    size: int,
) -> tuple[Deltas, Deltas | None]:
    video_numbers = np.arange(len(loaded.members))
    levels = Levels.nothing(video_numbers, counters=metric_group.counters)
    if metric_group.has_precision:
        return follow_profiles(
            levels, loaded.observations, groups, instants, size=size,
            is_baseline=loaded.is_baseline,
        )  # fmt: skip
    deltas = follow(
        levels, loaded.observations, groups, instants, size=size,
        is_baseline=loaded.is_baseline,
    )  # fmt: skip
    return deltas, None


def _series_by_metric(
    metric_group: MetricGroup,
    deltas: list[list[Any]],
    precision: Sequence[list[int]] = (),
) -> dict[RawMetric, CounterSeries]:
    """Return series from deltas by bucket. Bucket 0 is all time before the first."""
    found: dict[RawMetric, CounterSeries] = {}
    for number, metric in enumerate(metric_group.metrics):
        change, known, bases, baselines = deltas[1 + 4 * number : 5 + 4 * number]
        found[metric] = CounterSeries(
            levels=list(accumulate(change)),
            known=list(accumulate(known)),
            bases=bases[1:],
            baselines=baselines[1:],
            snapshots=deltas[0][1:],
            precision=precision_series(*precision[4 * number : 4 * number + 4])
            if precision
            else None,
        )
    return found


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
    """Return ids as two numbers each, which sort as PostgreSQL sorts ids."""
    return np.array([id_.bytes.hex() for id_ in ids], "U32")


def _instants(boundaries: Sequence[datetime]) -> Longs:
    return np.array([instant_of(boundary) for boundary in boundaries], np.int64)
