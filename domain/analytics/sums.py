"""Sums of series: of several together, and of a whole without some of its parts."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from domain.analytics.metrics import RawMetric
from domain.analytics.series import CounterSeries, PrecisionSeries, SeriesByMetric


def together(some: Sequence[SeriesByMetric], *, buckets: int) -> SeriesByMetric:
    """Return the sums of several series by metric; all have the same metrics."""
    return {
        metric: sum_of_series([each[metric] for each in some], buckets=buckets)
        for metric in some[0]
    }


def sum_of_series(series: Sequence[CounterSeries], *, buckets: int) -> CounterSeries:
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


def rest_of(whole: SeriesByMetric, parts: Iterable[SeriesByMetric]) -> SeriesByMetric:
    """Return the series of everything in the whole that is in none of its parts."""
    rest: dict[RawMetric, CounterSeries] = {**whole}
    for part in parts:
        rest = {metric: _without(rest[metric], part[metric]) for metric in rest}
    if "posts" in rest:
        # The number of posts is always known, even if it is 0.
        rest["posts"] = replace(rest["posts"], known=whole["posts"].known)
    return rest


def _without(whole: CounterSeries, part: CounterSeries) -> CounterSeries:
    precision = whole.precision
    if precision is not None and part.precision is not None:
        precision = _without_precision(precision, part.precision)
    return CounterSeries(
        levels=_difference(whole.levels, part.levels),
        known=_difference(whole.known, part.known),
        bases=_difference(whole.bases, part.bases),
        baselines=_difference(whole.baselines, part.baselines),
        snapshots=_difference(whole.snapshots, part.snapshots),
        precision=precision,
    )


def _without_precision(
    whole: PrecisionSeries, part: PrecisionSeries
) -> PrecisionSeries | None:
    """Return the precision of the rest, None if all of it is exact."""
    left = PrecisionSeries(
        rounded=_difference(whole.rounded, part.rounded),
        sharpened=_difference(whole.sharpened, part.sharpened),
        sharpenings=_difference(whole.sharpenings, part.sharpenings),
        changes=_difference(whole.changes, part.changes),
    )
    marks = (left.rounded, left.sharpened, left.sharpenings, left.changes)
    return left if any(map(any, marks)) else None


def _difference(ones: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(one - other for one, other in zip(ones, others, strict=True))
