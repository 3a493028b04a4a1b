"""The rest of a whole without some of its parts, such as its largest creators."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from domain.analytics.metrics import RawMetric
from domain.analytics.series import CounterSeries, PrecisionSeries, SeriesByMetric


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
) -> PrecisionSeries:
    return PrecisionSeries(
        rounded=_difference(whole.rounded, part.rounded),
        sharpened=_difference(whole.sharpened, part.sharpened),
        sharpenings=_difference(whole.sharpenings, part.sharpenings),
        changes=_difference(whole.changes, part.changes),
    )


def _difference(ones: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(one - other for one, other in zip(ones, others, strict=True))
