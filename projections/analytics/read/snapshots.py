"""Series from snapshots: of single videos, and as of a position.

All observations of the videos are read and summed by bucket where the stored sums
cannot answer. Members of a campaign have gains while they were members: a level from
before a join is no gain, but its successor is measured against it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

from domain.analytics.membership import Spans, held_at
from domain.analytics.metrics import Mode, RawMetric
from domain.analytics.project_spans import EVER, parted, within
from domain.analytics.series import (
    CounterSeries,
    PrecisionSeries,
    SeriesByMetric,
    chosen,
)
from domain.analytics.sums import sum_of_series
from projections.analytics.fold.columns import Longs, Mask, Observations
from projections.analytics.fold.keys import instant_of, slots_of
from projections.analytics.fold.levels import Deltas, Levels, follow
from projections.analytics.fold.precision import follow_profiles
from projections.analytics.fold.rollup_deltas import MetricGroup
from projections.analytics.read.members import Counted
from projections.analytics.read.selection import Selection
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
        metric_group=metric_group.number,
        owners=owners,
        end=end,
        at=at,
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


async def series_of_members(
    reader: Reader,
    selection: Selection,
    members: Mapping[MetricGroup, Sequence[Counted]],
) -> SeriesByMetric:
    """Return the series of these videos and profiles together, posts among them.

    Single videos of erased creators have no series of their own.
    """
    found: dict[RawMetric, CounterSeries] = {}
    for group, every in members.items():
        is_single = selection.entity == "video"
        some = [one for one in every if not (is_single and one.is_erased)]
        found |= await _together(reader, selection, group, some)
    return chosen(found, selection.metrics)


async def _together(
    reader: Reader,
    selection: Selection,
    metric_group: MetricGroup,
    members: Sequence[Counted],
) -> dict[RawMetric, CounterSeries]:
    """Return the series of all metrics of a group.

    The snapshots of a few owners are read at a time.
    """
    each: list[SeriesByMetric] = []
    size, boundaries = selection.size, selection.boundaries
    always = [member for member in members if member.counts_in is None]
    for spans, some in _by_spans(members):
        ends = parted(boundaries, spans)
        parts = msgspec.structs.replace(selection, boundaries=ends)
        whole = await _together(reader, parts, metric_group, some)
        each.append(within(whole, ends, boundaries, spans))
    for some in owners_at_a_time(always):
        loaded = await load_observations(
            reader,
            selection.organization_id,
            metric_group,
            some,
            boundaries[-1],
            at=selection.at,
        )
        if loaded.is_dated:
            each += _gains_of_members(metric_group, loaded, boundaries, selection.mode)
            continue
        groups = np.searchsorted(_instants(boundaries), loaded.instants, side="left")
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
        posted = [member.posted_at for member in always if member.gains_as_a_post]
        posts = [_posts_of(posted, boundaries, snapshot_counts)]
        posts += [one["posts"] for one in each if "posts" in one]
        found["posts"] = msgspec.structs.replace(
            sum_of_series(posts, buckets=size), snapshots=snapshot_counts
        )
    return found


def series_of_each_member(
    metric_group: MetricGroup,
    loaded: MemberObservations,
    boundaries: Sequence[datetime],
) -> list[dict[RawMetric, CounterSeries]]:
    """Return the series of each member, in order. Counters of videos are exact."""
    spans = [member.counts_in for member in loaded.members]
    if any(each is not None for each in spans):
        ends = parted(boundaries, *(each for each in spans if each is not None))
        always = [_always(member) for member in loaded.members]
        whole = series_of_each_member(
            metric_group, msgspec.structs.replace(loaded, members=always), ends
        )
        return [
            {**within(one, ends, boundaries, EVER if each is None else each)}
            for one, each in zip(whole, spans, strict=True)
        ]
    if loaded.is_dated:
        return _gains_of_members(metric_group, loaded, boundaries, "new", each=True)
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


def _by_spans(members: Sequence[Counted]) -> Iterator[tuple[Spans, list[Counted]]]:
    """Yield the spans of members that left numbers elsewhere, with these members."""
    by_spans: defaultdict[tuple[tuple[int, int], ...], list[Counted]]
    by_spans = defaultdict(list)
    for member in members:
        if member.counts_in is not None:
            by_spans[tuple(member.counts_in)].append(_always(member))
    yield from by_spans.items()


def _always(member: Counted) -> Counted:
    return msgspec.structs.replace(member, counts_in=None)


def _gains_of_members(
    metric_group: MetricGroup,
    loaded: MemberObservations,
    boundaries: Sequence[datetime],
    mode: Mode,
    *,
    each: bool = False,
) -> list[dict[RawMetric, CounterSeries]]:
    """Return gains of members in their spans, of videos together unless ``each``."""
    size = len(boundaries)
    is_apart = each or metric_group.has_precision
    placed_ = placed(
        loaded.spans, loaded.observations, loaded.instants, _instants(boundaries)
    )
    groups = 2 * placed_.buckets + placed_.is_gain
    if is_apart:
        groups += 2 * size * placed_.observations.video_numbers
    apart = len(loaded.members) if is_apart else 1
    deltas, precision = _deltas(
        metric_group,
        msgspec.structs.replace(loaded, observations=placed_.observations),
        groups,
        placed_.instants,
        size=2 * size * apart,
    )
    deltas = deltas.reshape(-1, apart, size, 2)
    if precision is not None:
        precision = precision.reshape(-1, apart, size, 2)
    return [
        {
            metric: gains_of(
                deltas[[0, *range(1 + 4 * number, 5 + 4 * number)], one],
                None
                if precision is None
                else precision[4 * number : 4 * number + 4, one],
                loaded.spans[one],
                boundaries,
                mode,
            )
            for number, metric in enumerate(metric_group.metrics)
        }
        for one in range(apart)
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
    return {
        metric: CounterSeries.of_deltas(
            deltas[0],
            *deltas[1 + 4 * number : 5 + 4 * number],
            precision=PrecisionSeries.of_deltas(*precision[4 * number : 4 * number + 4])
            if precision
            else None,
        )
        for number, metric in enumerate(metric_group.metrics)
    }


def _posts_of(
    posted_at: Iterable[datetime | None],
    boundaries: Sequence[datetime],
    snapshots: Sequence[int],
) -> CounterSeries:
    """Return the series of the number of posts among these videos.

    A post at a boundary belongs to the bucket that begins there.
    """
    times = sorted(posted for posted in posted_at if posted is not None)
    return CounterSeries.of_posts(
        [bisect_left(times, end) for end in boundaries], snapshots
    )


def _instants(boundaries: Sequence[datetime]) -> Longs:
    return np.array([instant_of(boundary) for boundary in boundaries], np.int64)


_A_SLOT = 900_000_000


class PlacedObservations(NamedTuple):
    """Observations one by one, with the bucket in which each takes effect.

    An observation that ``is_gain`` takes effect at its own time, any other at the join
    after it. Observations after the last leave, and before a join after the range, are
    left out.
    """

    observations: Observations
    instants: Longs
    buckets: Longs
    is_gain: Mask


def placed(
    spans: Sequence[Spans], observations: Observations, instants: Longs, bounds: Longs
) -> PlacedObservations:
    """Return the observations by bucket.

    ``spans`` are by video number. ``instants`` are by snapshot, ``bounds`` the ends of
    the buckets, both in microseconds.
    """
    at = instants[observations.snapshots]
    next_join, is_gain, is_left = _against(spans, observations.video_numbers, at)
    buckets = np.searchsorted(bounds, np.where(is_gain, at, next_join), side="left")
    is_used = ~is_left & (buckets < len(bounds))
    used = observations.where(is_used)
    alone = Observations(
        used.video_numbers, np.arange(len(used)), used.counts, used.missing
    )
    return PlacedObservations(alone, at[is_used], buckets[is_used], is_gain[is_used])


def gains_among(
    spans: Sequence[Spans], observations: Observations, instants: Longs
) -> Mask:
    """Return the observations that fell into a span of their video."""
    at = instants[observations.snapshots]
    return _against(spans, observations.video_numbers, at)[1]


def gains_of(
    deltas: npt.NDArray[Any],
    precision: npt.NDArray[Any] | None,
    spans: Spans,
    boundaries: Sequence[datetime],
    mode: Mode,
) -> CounterSeries:
    """Return the series of one counter from its deltas.

    The first row is the number of observations. The other axes are buckets, 0 being
    before the first, and gain or not.
    """
    snapshots, change, known, bases, baselines = deltas
    gained = change[:, 1] - bases[:, 1]
    precise = None
    if precision is not None:
        sharpened, sharpenings, rounded, changes = precision
        gained = gained - sharpened[:, 1]
        precise = PrecisionSeries.of_gains(
            sharpenings[:, 1].tolist(),
            rounded.sum(axis=1).tolist(),
            changes[:, 1].tolist(),
            is_member=held_at(spans, boundaries),
            mode=mode,
        )
    return CounterSeries.of_deltas(
        snapshots[:, 1].tolist(),
        gained.tolist(),
        known.sum(axis=1).tolist(),
        [0] * len(boundaries),
        baselines[:, 1].tolist(),
        precision=precise,
    )


def _against(
    spans: Sequence[Spans], video_numbers: Longs, instants: Longs
) -> tuple[Longs, Mask, Mask]:
    """Return by observation the next join, if it is a gain, and if no join follows."""
    slots = slots_of(instants)
    next_join = np.zeros(len(slots), np.int64)
    is_gain, is_left = np.zeros(len(slots), np.bool_), np.ones(len(slots), np.bool_)
    order = np.argsort(video_numbers, kind="stable")
    starts = np.searchsorted(video_numbers[order], np.arange(len(spans) + 1))
    for number, its_spans in enumerate(spans):
        own = order[starts[number] : starts[number + 1]]
        if not len(own) or not its_spans:
            continue
        firsts, lasts = np.array(its_spans, np.int64).T
        which = np.searchsorted(lasts, slots[own], side="left")
        is_left[own] = which == len(lasts)
        first = firsts[np.minimum(which, len(lasts) - 1)]
        is_gain[own] = ~is_left[own] & (slots[own] > first)
        next_join[own] = first * _A_SLOT + 1
    return next_join, is_gain, is_left
