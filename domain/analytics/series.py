"""Series: compute the points that are shown from the counts in each bucket."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from domain.analytics.buckets import Bucket
from domain.analytics.metrics import ENGAGEMENT, Question, RawMetric

DECIMALS = 6
Value = int | float | None


class CounterSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of one raw metric over some videos, in n buckets.

    ``levels`` and ``known`` have n + 1 entries, from the start of the first bucket to
    the end of the last: the sum of the levels at that time, and how many levels are
    known. ``bases`` is the sum of the baselines in each bucket, ``baselines`` is the
    number of them, and ``snapshots`` is the number of observations of the videos.
    """

    levels: Sequence[int]
    known: Sequence[int]
    bases: Sequence[int]
    baselines: Sequence[int]
    snapshots: Sequence[int]

    @property
    def size(self) -> int:
        return len(self.bases)

    def level(self, bucket: int) -> int | None:
        """Return the level at the end of a bucket; None if no level is known there."""
        return self.levels[bucket + 1] if self.known[bucket + 1] else None

    def level_before(self, bucket: int) -> int | None:
        """Return the level at the start of a bucket.

        None if no level is known there.
        """
        return self.levels[bucket] if self.known[bucket] else None

    def new(self, bucket: int) -> int | None:
        """Return the increase in a bucket; None if no level is known at its end."""
        if not self.known[bucket + 1]:
            return None
        return self.levels[bucket + 1] - self.levels[bucket] - self.bases[bucket]

    def whole(self) -> "CounterSeries":
        """Return the whole range as one bucket."""
        return CounterSeries(
            levels=(self.levels[0], self.levels[-1]),
            known=(self.known[0], self.known[-1]),
            bases=(sum(self.bases),),
            baselines=(sum(self.baselines),),
            snapshots=(sum(self.snapshots),),
        )

    def without(self, other: "CounterSeries") -> "CounterSeries":
        """Return the series without the videos of ``other``."""
        return CounterSeries(
            levels=_difference(self.levels, other.levels),
            known=_difference(self.known, other.known),
            bases=_difference(self.bases, other.bases),
            baselines=_difference(self.baselines, other.baselines),
            snapshots=_difference(self.snapshots, other.snapshots),
        )


SeriesByMetric = Mapping[RawMetric, CounterSeries]
"""The raw metrics that a question needs."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of a series: its first day and the value, null if it is unknown.

    ``partial``: the bucket is not over yet. ``baseline``: it has the first snapshot of
    something that existed before. ``observed``: it has at least one observation.
    """

    date: date
    value: Value
    partial: bool
    baseline: bool
    observed: bool


def points(
    question: Question,
    by_metric: SeriesByMetric,
    buckets: Sequence[Bucket],
    *,
    now: datetime,
) -> list[Point]:
    """Return a point for every bucket."""
    counters = list(by_metric.values())
    return [
        Point(
            date=bucket.date,
            value=value_of(question, by_metric, number, days=bucket.days),
            partial=bucket.end > now,
            baseline=any(counter.baselines[number] for counter in counters),
            observed=any(counter.snapshots[number] for counter in counters),
        )
        for number, bucket in enumerate(buckets)
    ]


def total(question: Question, by_metric: SeriesByMetric, *, days: int) -> Value:
    """Return the sum of what is new, the last level, or the rate of the whole range.

    ``days`` is the number of days of the range.
    """
    if question.mode == "cumulative":
        counter = by_metric[question.needs[0]]
        return counter.level(counter.size - 1)
    whole: dict[RawMetric, CounterSeries] = {
        metric: counter.whole() for metric, counter in by_metric.items()
    }
    return value_of(question, whole, 0, days=days)


def value_of(
    question: Question, by_metric: SeriesByMetric, bucket: int, *, days: int
) -> Value:
    """Return the value of one bucket of ``days`` days; None if it is unknown."""
    match question.mode:
        case "new":
            return by_metric[question.needs[0]].new(bucket)
        case "cumulative":
            return by_metric[question.needs[0]].level(bucket)
        case "rate":
            return _rate(question, by_metric, bucket, days=days)


def terms_of(
    question: Question, by_metric: SeriesByMetric, bucket: int, *, days: int
) -> tuple[int | None, int | None]:
    """Return the numerator and the denominator of a rate, without any factor."""
    match question.metric:
        case "engagement_rate_by_views":
            return _engagement(by_metric, bucket), by_metric["views"].new(bucket)
        case "engagement_rate_by_followers":
            return _engagement(by_metric, bucket), by_metric["followers"].level(bucket)
        case "posts_per_week":
            return by_metric["posts"].new(bucket), days
        case "avg_views_per_post":
            return by_metric["views"].new(bucket), by_metric["posts"].level(bucket)
        case _:
            counter = by_metric[question.needs[0]]
            before, after = counter.level_before(bucket), counter.level(bucket)
            if before is None or after is None:
                return None, before
            return after - before, before


def factor_of(question: Question) -> int:
    """Return the factor of a rate: 100 for percent, 7 for a week's days."""
    return _FACTORS.get(question.metric, 100)


def _rate(
    question: Question, by_metric: SeriesByMetric, bucket: int, *, days: int
) -> float | None:
    numerator, denominator = terms_of(question, by_metric, bucket, days=days)
    if numerator is None or not denominator:
        return None
    return round(factor_of(question) * numerator / denominator, DECIMALS)


def _engagement(by_metric: SeriesByMetric, bucket: int) -> int | None:
    """Return the sum of the new likes, comments, shares and saves.

    Many sources never report saves, so unknown saves count as 0. If one of the others
    is unknown, the sum would be too small and is unknown.
    """
    terms = {metric: by_metric[metric].new(bucket) for metric in ENGAGEMENT}
    found = [new for metric, new in terms.items() if metric != "saves"]
    if None in found:
        return None
    return sum(new for new in terms.values() if new is not None)


def _difference(ones: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(one - other for one, other in zip(ones, others, strict=True))


_FACTORS = {"posts_per_week": 7, "avg_views_per_post": 1}
