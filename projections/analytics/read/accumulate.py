"""Builds counter series from rows of rollups, and sums series."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

import msgspec

from domain.analytics.metrics import RawMetric
from domain.analytics.series import CounterSeries, PrecisionSeries, SeriesByMetric


def series_from_rollups(
    columns: Sequence[Sequence[Any]],
    *,
    buckets: int,
    first: int,
    snapshots: int,
    precision: int | None = None,
) -> CounterSeries:
    """Return a series from rollups by bucket. Bucket 0 is all time before the first.

    ``columns`` begin with that of the buckets. ``first`` is the index of the column of
    the sum; the columns of known levels, base and baselines follow it. ``snapshots`` is
    the index of the number of snapshots. ``precision`` is the index of the sum of
    sharpenings; the columns of their number, of rounded levels and of changes follow
    it, null in a row without any.
    """
    at = columns[0]
    of_metric = [
        _by_bucket(at, values, buckets) for values in columns[first : first + 4]
    ]
    levels, known, bases, baselines = of_metric
    marks = None
    if precision is not None:
        parts = columns[precision : precision + 4]
        # Hardly any number is rounded.
        if any(map(any, parts)):
            marks = precision_series(*(_by_bucket(at, part, buckets) for part in parts))
    return CounterSeries(
        levels=list(accumulate(levels)),
        known=list(accumulate(known)),
        bases=bases[1:],
        baselines=baselines[1:],
        snapshots=_by_bucket(at, columns[snapshots], buckets)[1:],
        precision=marks,
    )


def _by_bucket(at: Sequence[int], values: Sequence[Any], buckets: int) -> list[int]:
    """Return the sums of values by bucket, in which null is 0."""
    sums = [0] * (buckets + 1)
    for bucket, value in zip(at, values, strict=True):
        if value:
            sums[bucket] += int(value)
    return sums


def precision_series(
    sharpened: Sequence[int],
    sharpenings: Sequence[int],
    rounded: Sequence[int],
    changes: Sequence[int],
) -> PrecisionSeries | None:
    """Return the precision of levels from deltas by bucket; bucket 0 is before all.

    It is None if all levels are exact.
    """
    return precision_or_none(
        list(accumulate(rounded)), sharpened[1:], sharpenings[1:], changes[1:]
    )


def precision_or_none(
    rounded: Sequence[int],
    sharpened: Sequence[int],
    sharpenings: Sequence[int],
    changes: Sequence[int],
) -> PrecisionSeries | None:
    """Return the precision of levels, None if all are exact."""
    if not any(map(any, (rounded, sharpenings, changes))):
        return None
    return PrecisionSeries(
        rounded=rounded, sharpened=sharpened, sharpenings=sharpenings, changes=changes
    )


def posts_from_rollups(
    columns: Sequence[Sequence[Any]], *, buckets: int, posts: int, snapshots: int
) -> CounterSeries:
    """Return the series of the number of posts, which is always known."""
    at = columns[0]
    return _posts(
        list(accumulate(_by_bucket(at, columns[posts], buckets))),
        _by_bucket(at, columns[snapshots], buckets)[1:],
    )


def posts_of(
    posted_at: Iterable[datetime | None],
    boundaries: Sequence[datetime],
    snapshots: Sequence[int],
) -> CounterSeries:
    """Return the counter series of the number of posts among these videos.

    A post at a boundary belongs to the bucket that begins there.
    """
    times = sorted(posted for posted in posted_at if posted is not None)
    return _posts([bisect_left(times, end) for end in boundaries], snapshots)


def sum_of_series(series: Sequence[CounterSeries], *, buckets: int) -> CounterSeries:
    """Return the sum of several series."""

    def summed(of: Sequence[Any], name: str, length: int) -> list[int]:
        columns: list[Sequence[int]] = [getattr(one, name) for one in of]
        if not columns:
            return [0] * length
        return [sum(numbers) for numbers in zip(*columns, strict=True)]

    rounded = [one.precision for one in series if one.precision is not None]
    precision = PrecisionSeries(
        rounded=summed(rounded, "rounded", buckets + 1),
        sharpened=summed(rounded, "sharpened", buckets),
        sharpenings=summed(rounded, "sharpenings", buckets),
        changes=summed(rounded, "changes", buckets),
    )
    return CounterSeries(
        levels=summed(series, "levels", buckets + 1),
        known=summed(series, "known", buckets + 1),
        bases=summed(series, "bases", buckets),
        baselines=summed(series, "baselines", buckets),
        snapshots=summed(series, "snapshots", buckets),
        precision=precision if rounded else None,
    )


def without_part(whole: SeriesByMetric, part: SeriesByMetric) -> SeriesByMetric:
    """Return sums without one of their parts, which has the same metrics."""
    found: dict[RawMetric, CounterSeries] = {}
    for metric, series in whole.items():
        left = sum_of_series([series, _negative(part[metric])], buckets=series.size)
        marks = left.precision
        found[metric] = msgspec.structs.replace(
            left,
            # The number of posts is known in every part and in the sum.
            known=series.known if metric == "posts" else left.known,
            precision=marks
            and precision_or_none(
                marks.rounded, marks.sharpened, marks.sharpenings, marks.changes
            ),
        )
    return found


def chosen(
    by_metric: Mapping[RawMetric, CounterSeries], needs: Iterable[RawMetric]
) -> dict[RawMetric, CounterSeries]:
    """Return the counter series of these metrics, in their order."""
    return {metric: by_metric[metric] for metric in needs if metric in by_metric}


def _negative(series: CounterSeries) -> CounterSeries:
    def negated(values: Sequence[int]) -> list[int]:
        return [-value for value in values]

    marks = series.precision
    return CounterSeries(
        levels=negated(series.levels),
        known=negated(series.known),
        bases=negated(series.bases),
        baselines=negated(series.baselines),
        snapshots=negated(series.snapshots),
        precision=marks
        and PrecisionSeries(
            rounded=negated(marks.rounded),
            sharpened=negated(marks.sharpened),
            sharpenings=negated(marks.sharpenings),
            changes=negated(marks.changes),
        ),
    )


def _posts(levels: Sequence[int], snapshots: Sequence[int]) -> CounterSeries:
    buckets = len(snapshots)
    return CounterSeries(
        levels=levels,
        known=[1] * (buckets + 1),
        bases=[0] * buckets,
        baselines=[0] * buckets,
        snapshots=snapshots,
    )
