"""Ledgers: what a question needs, put together from sums or from single levels."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.analytics.metrics import RawMetric
from domain.analytics.series import Account


def account_of_sums(
    rows: Iterable[Sequence[Any]], *, buckets: int, first: int, snapshots: int
) -> Account:
    """Return an account from moves of sums by bucket, 0 being what was before all.

    In each row ``first`` is the column of the sum, followed by known, base and
    baselines, and ``snapshots`` the column of those.
    """
    levels, known = [0] * (buckets + 1), [0] * (buckets + 1)
    bases, baselines = [0] * buckets, [0] * buckets
    looked = [0] * buckets
    for row in rows:
        bucket = row[0]
        levels[bucket] = int(row[first])
        known[bucket] = int(row[first + 1])
        if bucket:
            bases[bucket - 1] = int(row[first + 2])
            baselines[bucket - 1] = int(row[first + 3])
            looked[bucket - 1] = int(row[snapshots])
    for bucket in range(buckets):
        levels[bucket + 1] += levels[bucket]
        known[bucket + 1] += known[bucket]
    return Account(
        levels=levels,
        known=known,
        bases=bases,
        baselines=baselines,
        snapshots=looked,
    )


def account_of_posts(
    rows: Iterable[Sequence[Any]], *, buckets: int, posts: int, snapshots: int
) -> Account:
    """Return the account of how many videos were posted, which is always known."""
    levels, looked = [0] * (buckets + 1), [0] * buckets
    for row in rows:
        bucket = row[0]
        levels[bucket] = int(row[posts])
        if bucket:
            looked[bucket - 1] = int(row[snapshots])
    for bucket in range(buckets):
        levels[bucket + 1] += levels[bucket]
    return _posts(levels, looked)


def posts_of(
    posted_at: Iterable[datetime | None],
    boundaries: Sequence[datetime],
    snapshots: Sequence[int],
) -> Account:
    """Return the account of how many of the videos were posted."""
    times = sorted(posted for posted in posted_at if posted is not None)
    return _posts([bisect_right(times, end) for end in boundaries], snapshots)


def together(accounts: Sequence[Account], *, buckets: int) -> Account:
    """Return what several things have together."""

    def summed(name: str, length: int) -> list[int]:
        columns: list[Sequence[int]] = [getattr(one, name) for one in accounts]
        if not columns:
            return [0] * length
        return [sum(numbers) for numbers in zip(*columns, strict=True)]

    return Account(
        levels=summed("levels", buckets + 1),
        known=summed("known", buckets + 1),
        bases=summed("bases", buckets),
        baselines=summed("baselines", buckets),
        snapshots=summed("snapshots", buckets),
    )


def chosen(
    accounts: Mapping[RawMetric, Account], needs: Iterable[RawMetric]
) -> dict[RawMetric, Account]:
    """Return the accounts of these metrics, in their order."""
    return {metric: accounts[metric] for metric in needs if metric in accounts}


def _posts(levels: Sequence[int], snapshots: Sequence[int]) -> Account:
    buckets = len(snapshots)
    return Account(
        levels=levels,
        known=[1] * (buckets + 1),
        bases=[0] * buckets,
        baselines=[0] * buckets,
        snapshots=snapshots,
    )
