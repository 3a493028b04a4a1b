"""Recent days of many creators, counted back from their newest levels.

Stored sums are deltas, so a level is the sum of all deltas from the beginning. For a
few days of many creators, most of the deltas read would be older. So the newest levels
are read from the owner states, and the deltas since the first day are subtracted.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from domain.analytics.buckets import Bucket, slot_of
from domain.analytics.metrics import ProfileMetric, VideoMetric
from domain.analytics.series import CounterSeries, PrecisionSeries
from projections.analytics.fold.rollup_deltas import (
    PRECISION,
    PROFILES,
    VIDEOS,
    MetricGroup,
)
from projections.analytics.read.accumulate import precision_or_none
from projections.analytics.store.owner_states import CountedLevel, counted_level
from projections.engine.reader import Reader

BucketDelta = tuple[int, int, int, int, int, int]
"""A bucket from 1 on, or the one after the last, and what moved in it: snapshots, the
sum of the levels, how many are known, the baselines, summed and counted."""
PrecisionDelta = tuple[int, int, int, int, int]
"""The same of precision: what was sharpened, summed and counted, how many levels are
rounded, and the other changes of rounded levels."""


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """The series of one creator over the days."""

    views: CounterSeries
    followers: CounterSeries


_KNOWN = b"""
SELECT (SELECT time_zone FROM organizations o
        WHERE o.organization_id = %(organization)s),
       ARRAY(SELECT id FROM analytics_subjects s
             WHERE s.organization_id = %(organization)s AND id = ANY(%(ids)s)
             AND kind = 'creator')
"""
# One statement, so that owner states and deltas are read at one moment.
_RECENT = """
SELECT requested.id, state, deltas, {precision}
FROM unnest(%(ids)s::uuid[]) AS requested (id)
LEFT JOIN analytics_owner_states h
    ON h.organization_id = %(organization)s AND metric_group = {metric_group}
    AND owner = requested.id
LEFT JOIN (
    SELECT id, json_agg(json_build_array(
        bucket, snapshots, delta, known, base, baselines
    ))::text AS deltas
    FROM (
        SELECT id, width_bucket(slot, %(bounds)s::int[]) AS bucket,
               sum(snapshots) AS snapshots, sum({metric}) AS delta,
               sum({metric}_known) AS known, sum({metric}_base) AS base,
               sum({metric}_baselines) AS baselines
        FROM {rollups} WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
        AND slot >= %(first)s GROUP BY id, bucket
    ) AS by_bucket GROUP BY id
) AS delta ON delta.id = requested.id
"""
_PRECISION = f"""
LEFT JOIN (
    SELECT id, json_agg(json_build_array(
        bucket, sharpened, sharpenings, rounded, changes
    ))::text AS precision
    FROM (
        SELECT id, width_bucket(slot, %(bounds)s::int[]) AS bucket,
               sum({{metric}}_sharpened) AS sharpened,
               sum({{metric}}_sharpenings) AS sharpenings,
               sum({{metric}}_rounded) AS rounded, sum({{metric}}_changes) AS changes
        FROM {PRECISION.table}
        WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
        AND slot >= %(first)s GROUP BY id, bucket
    ) AS by_bucket GROUP BY id
) AS precision ON precision.id = requested.id
"""
_DELTAS = msgspec.json.Decoder(list[BucketDelta])
_PRECISION_DELTAS = msgspec.json.Decoder(list[PrecisionDelta])


async def known_creators(
    reader: Reader, organization_id: UUID, ids: Sequence[UUID]
) -> tuple[set[UUID], str]:
    """Return which of these the organization has, and its time zone."""
    params = {"organization": organization_id, "ids": list(ids)}
    ((zone, found),) = await reader.rows(organization_id, _KNOWN, params)
    return {*found}, zone or "UTC"


async def recent(
    reader: Reader,
    organization_id: UUID,
    ids: Sequence[UUID],
    buckets: Sequence[Bucket],
) -> dict[UUID, Recent]:
    """Return the counter series of these creators over buckets that end with slots.

    They equal those of ``series_by_entity``.
    """
    found: dict[UUID, list[CounterSeries]] = defaultdict(list)
    metric_groups: list[tuple[MetricGroup, VideoMetric | ProfileMetric]] = [
        (VIDEOS, "views"),
        (PROFILES, "followers"),
    ]
    bounds = [slot_of(buckets[0].start) + 1]
    bounds += [slot_of(bucket.end) + 1 for bucket in buckets]
    params = {
        "organization": organization_id,
        "ids": list(ids),
        "bounds": bounds,
        "first": bounds[0],
    }
    for metric_group, metric in metric_groups:
        has_precision = metric_group.has_precision
        query = (_RECENT + _PRECISION if has_precision else _RECENT).format(
            metric_group=metric_group.number,
            metric=metric,
            rollups=metric_group.rollup_table,
            precision="precision" if has_precision else "NULL",
        )
        counter = metric_group.metrics.index(metric)
        for id_, state, deltas, precision in await reader.rows(
            organization_id, query.encode(), params
        ):
            level = CountedLevel()
            if state is not None:
                level = counted_level(state, counter, metric_group=metric_group)
            decoded = _DELTAS.decode(deltas) if deltas is not None else []
            series = _backwards(level, decoded, buckets=len(buckets))
            if precision is not None or level.rounded:
                moves = _PRECISION_DELTAS.decode(precision or "[]")
                series = msgspec.structs.replace(
                    series,
                    precision=_precision(level.rounded, moves, buckets=len(buckets)),
                )
            found[id_].append(series)
    return {
        id_: Recent(views=views, followers=followers)
        for id_, (views, followers) in found.items()
    }


def _backwards(
    now: CountedLevel, deltas: Iterable[BucketDelta], *, buckets: int
) -> CounterSeries:
    """Return the series, counted back from the newest level."""
    changes, knowns = [0] * (buckets + 1), [0] * (buckets + 1)
    bases, baselines = [0] * (buckets + 1), [0] * (buckets + 1)
    observed = [0] * (buckets + 1)
    for bucket, snapshots, delta, became_known, base, new_baselines in deltas:
        at = bucket - 1
        observed[at], changes[at], knowns[at] = snapshots, delta, became_known
        bases[at], baselines[at] = base, new_baselines
    # The entry after the last bucket holds observations dated later than its end.
    levels, are_known = [now.level], [now.known]
    for at in reversed(range(buckets + 1)):
        levels.append(levels[-1] - changes[at])
        are_known.append(are_known[-1] - knowns[at])
    return CounterSeries(
        levels=levels[:0:-1],
        known=are_known[:0:-1],
        bases=bases[:-1],
        baselines=baselines[:-1],
        snapshots=observed[:-1],
    )


def _precision(
    now: int, deltas: Iterable[PrecisionDelta], *, buckets: int
) -> PrecisionSeries | None:
    """Return how precise the levels were, counted back from how many are rounded."""
    sharpened, sharpenings = [0] * (buckets + 1), [0] * (buckets + 1)
    rounded, changes = [0] * (buckets + 1), [0] * (buckets + 1)
    for bucket, *of_bucket in deltas:
        at = bucket - 1
        sharpened[at], sharpenings[at], rounded[at], changes[at] = of_bucket
    are_rounded = [now]
    for at in reversed(range(buckets + 1)):
        are_rounded.append(are_rounded[-1] - rounded[at])
    return precision_or_none(
        are_rounded[:0:-1], sharpened[:-1], sharpenings[:-1], changes[:-1]
    )
