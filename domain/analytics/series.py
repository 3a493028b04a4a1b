"""Series: the points of a chart, computed from the counts in each bucket."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import accumulate

import msgspec

from domain.analytics.buckets import Bucket
from domain.analytics.metrics import ENGAGEMENT, Mode, Question, RawMetric

DECIMALS = 6
Value = int | float | None


def in_decimals(value: float) -> float:
    """Return a derived value for an answer: rounded, and a zero without a sign."""
    return round(value, DECIMALS) + 0.0


class PrecisionSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The precision of the levels of some profiles, over n buckets.

    ``rounded`` has n + 1 entries, from the start of the first bucket to the end of the
    last: the number of rounded levels at that time. The others have one entry for each
    bucket: ``sharpened`` is the sum of the changes by sharpenings, ``sharpenings`` the
    number of sharpenings, and ``changes`` the number of other changes from or to a
    rounded level.
    """

    rounded: Sequence[int]
    sharpened: Sequence[int]
    sharpenings: Sequence[int]
    changes: Sequence[int]

    @classmethod
    def of_deltas(
        cls,
        sharpened: Sequence[int],
        sharpenings: Sequence[int],
        rounded: Sequence[int],
        changes: Sequence[int],
    ) -> "PrecisionSeries | None":
        """Return the precision from deltas by bucket; bucket 0 is before all.

        It is None if all levels are exact.
        """
        return cls.unless_exact(
            list(accumulate(rounded)), sharpened[1:], sharpenings[1:], changes[1:]
        )

    @classmethod
    def of_gains(
        cls,
        sharpenings: Sequence[int],
        rounded: Sequence[int],
        changes: Sequence[int],
        *,
        is_member: Sequence[bool],
        mode: Mode,
    ) -> "PrecisionSeries | None":
        """Return the precision of the gains of one profile, from deltas by bucket.

        ``is_member`` tells whether it was a member at each end. A sum of gains, which
        is the mode ``cumulative``, is rounded from its first rounded gain on.
        """
        levels = [*accumulate(rounded)]
        if mode == "cumulative":
            levels = [a + b for a, b in zip(levels, accumulate(changes), strict=True)]
        else:
            levels = [a * is_in for a, is_in in zip(levels, is_member, strict=True)]
        nothing = [0] * len(sharpenings[1:])
        return cls.unless_exact(levels, nothing, sharpenings[1:], changes[1:])

    @classmethod
    def unless_exact(
        cls,
        rounded: Sequence[int],
        sharpened: Sequence[int],
        sharpenings: Sequence[int],
        changes: Sequence[int],
    ) -> "PrecisionSeries | None":
        """Return the precision of levels, None if all are exact."""
        if not any(map(any, (rounded, sharpenings, changes))):
            return None
        return cls(
            rounded=rounded,
            sharpened=sharpened,
            sharpenings=sharpenings,
            changes=changes,
        )

    def whole(self) -> "PrecisionSeries":
        """Return the same as one bucket."""
        return PrecisionSeries(
            rounded=(self.rounded[0], self.rounded[-1]),
            sharpened=(sum(self.sharpened),),
            sharpenings=(sum(self.sharpenings),),
            changes=(sum(self.changes),),
        )


class CounterSeries(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of one raw metric over some videos, in n buckets.

    ``levels`` and ``known`` have n + 1 entries, from the start of the first bucket to
    the end of the last: the sum of the levels at that time, and the number of known
    levels. ``bases`` is the sum of the baselines in each bucket, ``baselines`` is the
    number of them, and ``snapshots`` is the number of observations of the videos.
    ``precision`` is None if all levels are exact, as the counters of videos always are.
    ``are_ranges`` says that each bucket is asked for as a whole, and not as a point of
    a chart. The increase is then unknown where nothing was observed but baselines.
    """

    levels: Sequence[int]
    known: Sequence[int]
    bases: Sequence[int]
    baselines: Sequence[int]
    snapshots: Sequence[int]
    precision: PrecisionSeries | None = None
    are_ranges: bool = False

    @classmethod
    def of_deltas(
        cls,
        snapshots: Sequence[int],
        changes: Sequence[int],
        known: Sequence[int],
        bases: Sequence[int],
        baselines: Sequence[int],
        *,
        precision: PrecisionSeries | None = None,
    ) -> "CounterSeries":
        """Return the series from deltas by bucket; bucket 0 is all time before."""
        return cls(
            levels=list(accumulate(changes)),
            known=list(accumulate(known)),
            bases=bases[1:],
            baselines=baselines[1:],
            snapshots=snapshots[1:],
            precision=precision,
        )

    @classmethod
    def of_posts(
        cls, levels: Sequence[int], snapshots: Sequence[int]
    ) -> "CounterSeries":
        """Return the series of the number of posts, which is always known."""
        nothing = [0] * len(snapshots)
        return cls(
            levels=levels,
            known=[1] * len(levels),
            bases=nothing,
            baselines=nothing,
            snapshots=snapshots,
        )

    @property
    def size(self) -> int:
        return len(self.bases)

    def level(self, bucket: int) -> int | None:
        """Return the level at the end of a bucket; None if no level is known there."""
        return self.levels[bucket + 1] if self.known[bucket + 1] else None

    def level_before(self, bucket: int) -> int | None:
        """Return the level at the start of a bucket; None if none is known there."""
        return self.levels[bucket] if self.known[bucket] else None

    def new(self, bucket: int) -> int | None:
        """Return the increase in a bucket; None if no level is known at its end.

        It is None for a range, too, in which everything was observed once, as a
        baseline.
        """
        if not self.known[bucket + 1] or (self.are_ranges and self._begins_in(bucket)):
            return None
        grown = self.levels[bucket + 1] - self.levels[bucket] - self.bases[bucket]
        return grown - self.sharpened(bucket)

    def _begins_in(self, bucket: int) -> bool:
        """Tell whether all that is known at a bucket's end are baselines inside of it.

        There are as many observations then as baselines, so none can be compared.
        """
        amount = self.baselines[bucket]
        return not self.known[bucket] and (
            amount == self.known[bucket + 1] == self.snapshots[bucket]
        )

    def every_level(self) -> list[int | None]:
        ends = zip(self.levels[1:], self.known[1:], strict=True)
        return [level if known else None for level, known in ends]

    def every_new(self) -> list[int | None]:
        if self.precision is not None:
            return [self.new(bucket) for bucket in range(self.size)]
        columns = zip(
            self.levels, self.levels[1:], self.known[1:], self.bases, strict=False
        )
        return [
            end - start - base if known else None for start, end, known, base in columns
        ]

    def sharpened(self, bucket: int) -> int:
        """Return the part of a bucket's change that is precision, not growth."""
        return 0 if self.precision is None else self.precision.sharpened[bucket]

    def is_sharpened(self, bucket: int) -> bool:
        """Tell whether an exact observation sharpened a rounded level in a bucket."""
        return self.precision is not None and self.precision.sharpenings[bucket] > 0

    def is_level_rounded(self, bucket: int) -> bool:
        return self.precision is not None and self.precision.rounded[bucket + 1] > 0

    def is_level_before_rounded(self, bucket: int) -> bool:
        return self.precision is not None and self.precision.rounded[bucket] > 0

    def is_new_rounded(self, bucket: int) -> bool:
        """Tell whether the increase in a bucket depends on rounded levels."""
        return self.is_level_rounded(bucket) or (
            self.precision is not None and self.precision.changes[bucket] > 0
        )

    def whole(self) -> "CounterSeries":
        """Return the whole range as one bucket."""
        return CounterSeries(
            levels=(self.levels[0], self.levels[-1]),
            known=(self.known[0], self.known[-1]),
            bases=(sum(self.bases),),
            baselines=(sum(self.baselines),),
            snapshots=(sum(self.snapshots),),
            precision=None if self.precision is None else self.precision.whole(),
        )


SeriesByMetric = Mapping[RawMetric, CounterSeries]
"""The raw metrics that a question needs."""


def chosen(by_metric: SeriesByMetric, needs: Iterable[RawMetric]) -> SeriesByMetric:
    """Return the counter series of these metrics, in their order."""
    return {metric: by_metric[metric] for metric in needs if metric in by_metric}


def as_ranges(by_metric: SeriesByMetric) -> SeriesByMetric:
    """Return the same series, of which each bucket is a range of its own."""
    return {
        metric: msgspec.structs.replace(counter, are_ranges=True)
        for metric, counter in by_metric.items()
    }


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of a series: its first day and the value, null if it is unknown.

    ``partial`` says that the bucket is not over yet. ``baseline`` says that it has the
    first snapshot of something that existed before. ``observed`` says that it has at
    least one observation. ``rounded`` says that the value depends on a rounded level.
    ``sharpened`` says that a rounded level became exact in the bucket, which changed
    the level without growth. ``cut`` says that the range begins or ends inside of this
    week or month, so that the bucket is only a part of it.
    """

    date: date
    value: Value
    partial: bool
    baseline: bool
    observed: bool
    rounded: bool
    sharpened: bool
    cut: bool


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a whole range, with the marks of a point."""

    value: Value
    rounded: bool
    sharpened: bool


def points(
    question: Question,
    by_metric: SeriesByMetric,
    buckets: Sequence[Bucket],
    *,
    now: datetime,
) -> list[Point]:
    counters = list(by_metric.values())
    # Most numbers are exact, so the marks of single points are not needed.
    is_exact = all(counter.precision is None for counter in counters)
    values = _values(question, by_metric, buckets)
    baselines = zip(*(counter.baselines for counter in counters), strict=True)
    snapshots = zip(*(counter.snapshots for counter in counters), strict=True)
    return [
        Point(
            date=bucket.date,
            value=value,
            partial=bucket.end > now,
            baseline=any(begun),
            observed=any(observed),
            rounded=not is_exact
            and is_rounded(question, by_metric, number, days=bucket.days),
            sharpened=not is_exact and is_sharpened(by_metric, number),
            cut=bucket.is_cut,
        )
        for number, (bucket, value, begun, observed) in enumerate(
            zip(buckets, values, baselines, snapshots, strict=True)
        )
    ]


def _values(
    question: Question, by_metric: SeriesByMetric, buckets: Sequence[Bucket]
) -> list[Value]:
    """Return the value of each bucket, as ``value_of`` does."""
    if question.mode == "rate":
        return [
            _rate(question, by_metric, number, days=bucket.days)
            for number, bucket in enumerate(buckets)
        ]
    counter = by_metric[question.needs[0]]
    return [*(counter.every_new() if question.mode == "new" else counter.every_level())]


def total(question: Question, by_metric: SeriesByMetric, *, days: int) -> Total:
    """Return the sum of what is new, the last level, or the rate of the whole range.

    ``days`` is the number of days of the range.
    """
    whole: SeriesByMetric = {
        metric: counter.whole() for metric, counter in by_metric.items()
    }
    if not question.is_dated:
        # A gain from before a member joined is known to be none of the campaign.
        whole = as_ranges(whole)
    return Total(
        value=value_of(question, whole, 0, days=days),
        rounded=is_rounded(question, whole, 0, days=days),
        sharpened=is_sharpened(whole, 0),
    )


def is_rounded(
    question: Question, by_metric: SeriesByMetric, bucket: int, *, days: int
) -> bool:
    """Tell whether the value of one bucket is known and depends on a rounded level."""
    if value_of(question, by_metric, bucket, days=days) is None:
        return False
    counter = by_metric[question.needs[-1]]
    if question.mode == "cumulative":
        return counter.is_level_rounded(bucket)
    if question.metric == "engagement_rate_by_followers":
        return by_metric["followers"].is_level_rounded(bucket)
    if question.metric == "growth_rate_pop":
        before = counter.is_level_before_rounded(bucket)
        return before or counter.is_new_rounded(bucket)
    return counter.is_new_rounded(bucket)


def is_sharpened(by_metric: SeriesByMetric, bucket: int) -> bool:
    """Tell whether a rounded level became exact in one bucket."""
    return any(counter.is_sharpened(bucket) for counter in by_metric.values())


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
            return after - before - counter.sharpened(bucket), before


def factor_of(question: Question) -> int:
    """Return the factor of a rate: 100 for percent, 7 for the days of a week."""
    return _FACTORS.get(question.metric, 100)


def _rate(
    question: Question, by_metric: SeriesByMetric, bucket: int, *, days: int
) -> float | None:
    numerator, denominator = terms_of(question, by_metric, bucket, days=days)
    if numerator is None or not denominator:
        return None
    return in_decimals(factor_of(question) * numerator / denominator)


def _engagement(by_metric: SeriesByMetric, bucket: int) -> int | None:
    """Return the sum of the new likes, comments, shares and saves.

    Many sources never report saves, so unknown saves count as 0. If another of the
    counters is unknown, the sum would be too small, so it is unknown.
    """
    terms = {metric: by_metric[metric].new(bucket) for metric in ENGAGEMENT}
    found = [new for metric, new in terms.items() if metric != "saves"]
    if None in found:
        return None
    return sum(new for new in terms.values() if new is not None)


_FACTORS = {"posts_per_week": 7, "avg_views_per_post": 1}
