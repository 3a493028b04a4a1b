"""Builds counter series from rows of rollups, and sums series."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.analytics.metrics import RawMetric
from domain.analytics.series import CounterSeries


def series_from_rollups(
    rows: Iterable[Sequence[Any]], *, buckets: int, first: int, snapshots: int
) -> CounterSeries:
    """Return a series from rollups by bucket. Bucket 0 is all time before the first.

    ``first`` is the index of the sum's column, which those of known, base and
    baselines follow; ``snapshots`` is the index of the number of snapshots.
    """
    levels, known = [0] * (buckets + 1), [0] * (buckets + 1)
    bases, baselines = [0] * buckets, [0] * buckets
    observed = [0] * buckets
    for row in rows:
        bucket = row[0]
        levels[bucket] = int(row[first])
        known[bucket] = int(row[first + 1])
        if bucket:
            bases[bucket - 1] = int(row[first + 2])
            baselines[bucket - 1] = int(row[first + 3])
            observed[bucket - 1] = int(row[snapshots])
    for bucket in range(buckets):
        levels[bucket + 1] += levels[bucket]
        known[bucket + 1] += known[bucket]
    return CounterSeries(
        levels=levels,
        known=known,
        bases=bases,
        baselines=baselines,
        snapshots=observed,
    )


def posts_from_rollups(
    rows: Iterable[Sequence[Any]], *, buckets: int, posts: int, snapshots: int
) -> CounterSeries:
    """Return the series of the number of posts, which is always known."""
    levels, observed = [0] * (buckets + 1), [0] * buckets
    for row in rows:
        bucket = row[0]
        levels[bucket] = int(row[posts])
        if bucket:
            observed[bucket - 1] = int(row[snapshots])
    for bucket in range(buckets):
        levels[bucket + 1] += levels[bucket]
    return _posts(levels, observed)


def posts_of(
    posted_at: Iterable[datetime | None],
    boundaries: Sequence[datetime],
    snapshots: Sequence[int],
) -> CounterSeries:
    """Return the counter series of the number of these videos that were posted."""
    times = sorted(posted for posted in posted_at if posted is not None)
    return _posts([bisect_right(times, end) for end in boundaries], snapshots)


def sum_of_series(series: Sequence[CounterSeries], *, buckets: int) -> CounterSeries:
    """Return the sum of several videos' series."""

    def summed(name: str, length: int) -> list[int]:
        columns: list[Sequence[int]] = [getattr(one, name) for one in series]
        if not columns:
            return [0] * length
        return [sum(numbers) for numbers in zip(*columns, strict=True)]

    return CounterSeries(
        levels=summed("levels", buckets + 1),
        known=summed("known", buckets + 1),
        bases=summed("bases", buckets),
        baselines=summed("baselines", buckets),
        snapshots=summed("snapshots", buckets),
    )


def chosen(
    by_metric: Mapping[RawMetric, CounterSeries], needs: Iterable[RawMetric]
) -> dict[RawMetric, CounterSeries]:
    """Return the counter series of these metrics, in their order."""
    return {metric: by_metric[metric] for metric in needs if metric in by_metric}


def _posts(levels: Sequence[int], snapshots: Sequence[int]) -> CounterSeries:
    buckets = len(snapshots)
    return CounterSeries(
        levels=levels,
        known=[1] * (buckets + 1),
        bases=[0] * buckets,
        baselines=[0] * buckets,
        snapshots=snapshots,
    )
