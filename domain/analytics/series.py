"""Series: from what was counted in each bucket to the points that are shown."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec

from domain.analytics.buckets import Bucket
from domain.analytics.metrics import ENGAGEMENT, Question, RawMetric

DECIMALS = 6
Value = int | float | None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One raw metric of some things together, over n buckets.

    ``levels`` and ``known`` have n + 1 entries, from the start of the first bucket to
    the end of the last: the sum of the levels there, and how many are known.
    ``bases`` is the sum of the baselines in each bucket, ``baselines`` how many there
    are, ``snapshots`` how many times the things were looked at.
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
        """Return the level at a bucket's end; None if nothing is known there."""
        return self.levels[bucket + 1] if self.known[bucket + 1] else None

    def level_before(self, bucket: int) -> int | None:
        """Return the level at a bucket's start; None if nothing is known there."""
        return self.levels[bucket] if self.known[bucket] else None

    def new(self, bucket: int) -> int | None:
        """Return what was added in a bucket; None if no level is known at its end."""
        if not self.known[bucket + 1]:
            return None
        return self.levels[bucket + 1] - self.levels[bucket] - self.bases[bucket]

    def whole(self) -> "Account":
        """Return the same as one bucket."""
        return Account(
            levels=(self.levels[0], self.levels[-1]),
            known=(self.known[0], self.known[-1]),
            bases=(sum(self.bases),),
            baselines=(sum(self.baselines),),
            snapshots=(sum(self.snapshots),),
        )

    def without(self, other: "Account") -> "Account":
        """Return what is left when some of the things are taken away."""
        return Account(
            levels=_difference(self.levels, other.levels),
            known=_difference(self.known, other.known),
            bases=_difference(self.bases, other.bases),
            baselines=_difference(self.baselines, other.baselines),
            snapshots=_difference(self.snapshots, other.snapshots),
        )


Ledger = Mapping[RawMetric, Account]
"""The raw metrics that a question needs."""


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of a series: its first day and the value, null where it is unknown.

    ``partial``: the bucket is not over yet. ``baseline``: a first look at something
    older fell into it. ``observed``: something was looked at in it.
    """

    date: date
    value: Value
    partial: bool
    baseline: bool
    observed: bool


def points(
    asked: Question, ledger: Ledger, buckets: Sequence[Bucket], *, now: datetime
) -> list[Point]:
    """Return a point for every bucket."""
    accounts = list(ledger.values())
    return [
        Point(
            date=bucket.date,
            value=value_of(asked, ledger, number, days=bucket.days),
            partial=bucket.end > now,
            baseline=any(account.baselines[number] for account in accounts),
            observed=any(account.snapshots[number] for account in accounts),
        )
        for number, bucket in enumerate(buckets)
    ]


def total(asked: Question, ledger: Ledger, *, days: int) -> Value:
    """Return the sum of what is new, the last level, or the rate of the whole range.

    ``days`` is how many days the range has.
    """
    if asked.mode == "cumulative":
        account = ledger[asked.needs[0]]
        return account.level(account.size - 1)
    whole: dict[RawMetric, Account] = {
        metric: account.whole() for metric, account in ledger.items()
    }
    return value_of(asked, whole, 0, days=days)


def value_of(asked: Question, ledger: Ledger, bucket: int, *, days: int) -> Value:
    """Return the value of one bucket, of that many days; None if it is unknown."""
    match asked.mode:
        case "new":
            return ledger[asked.needs[0]].new(bucket)
        case "cumulative":
            return ledger[asked.needs[0]].level(bucket)
        case "rate":
            return _rate(asked, ledger, bucket, days=days)


def parts_of(
    asked: Question, ledger: Ledger, bucket: int, *, days: int
) -> tuple[int | None, int | None]:
    """Return the numerator and the denominator of a rate, before any factor."""
    match asked.metric:
        case "engagement_rate_by_views":
            return _engagement(ledger, bucket), ledger["views"].new(bucket)
        case "engagement_rate_by_followers":
            return _engagement(ledger, bucket), ledger["followers"].level(bucket)
        case "posts_per_week":
            return ledger["posts"].new(bucket), days
        case "avg_views_per_post":
            return ledger["views"].new(bucket), ledger["posts"].level(bucket)
        case _:
            account = ledger[asked.needs[0]]
            before, after = account.level_before(bucket), account.level(bucket)
            if before is None or after is None:
                return None, before
            return after - before, before


def factor_of(asked: Question) -> int:
    """Return what a rate is multiplied by: 100 for percent, 7 for a week's days."""
    return _FACTORS.get(asked.metric, 100)


def _rate(asked: Question, ledger: Ledger, bucket: int, *, days: int) -> float | None:
    numerator, denominator = parts_of(asked, ledger, bucket, days=days)
    if numerator is None or not denominator:
        return None
    return round(factor_of(asked) * numerator / denominator, DECIMALS)


def _engagement(ledger: Ledger, bucket: int) -> int | None:
    """Return the new likes, comments, shares and saves together.

    Many sources never tell saves, so unknown ones add nothing. Without one of the
    others the sum would be too small, and is unknown.
    """
    parts = {metric: ledger[metric].new(bucket) for metric in ENGAGEMENT}
    found = [new for metric, new in parts.items() if metric != "saves"]
    if None in found:
        return None
    return sum(new for new in parts.values() if new is not None)


def _difference(ones: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(one - other for one, other in zip(ones, others, strict=True))


_FACTORS = {"posts_per_week": 7, "avg_views_per_post": 1}
