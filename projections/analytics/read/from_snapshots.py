"""Series from snapshots: of single videos, and as of a position.

All observations of the videos are read and summed by bucket where the stored sums
cannot answer.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np

from domain.analytics.membership import Spans
from domain.analytics.metrics import Mode, RawMetric
from domain.analytics.project_spans import EVER, parted, within
from domain.analytics.series import CounterSeries, SeriesByMetric
from projections.analytics.fold.columns import Longs, Observations
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.levels import Deltas, Levels, follow
from projections.analytics.fold.precision import follow_profiles
from projections.analytics.fold.rollup_deltas import MetricGroup
from projections.analytics.read.accumulate import (
    chosen,
    posts_of,
    precision_series,
    sum_of_series,
)
from projections.analytics.read.gains import gains_of, placed
from projections.analytics.read.observations import (
    Counted,
    MemberObservations,
    load_observations,
    owners_at_a_time,
)
from projections.analytics.read.selection import Selection
from projections.engine.reader import Reader


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
        posts = [posts_of(posted, boundaries, snapshot_counts)]
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


def _instants(boundaries: Sequence[datetime]) -> Longs:
    return np.array([instant_of(boundary) for boundary in boundaries], np.int64)
