"""Distributions: percentiles between ranks, and buckets of 1, 2 and 5 x 10^n."""

from fractions import Fraction
from math import floor, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analytics.summaries.distribution import (
    LevelBucket,
    distribution,
    percentile,
)

LEVELS = st.lists(st.none() | st.integers(0, 2_000) | st.integers(-3, 2**63 - 1))


@pytest.mark.parametrize(
    ("numbers", "percent", "expected"),
    (
        ([], 50, None),
        ([7], 99, 7.0),
        ([1, 2, 3, 4], 50, 2.5),
        ([1, 2, 3, 4], 25, 1.75),
        ([0, 10], 10, 1.0),
        ([1, 1, 1, 9], 99, 8.76),
        ([5, 6, 7], 50, 6.0),
    ),
)
def test_a_percentile_lies_between_the_closest_ranks(
    numbers: list[int], percent: int, expected: float | None
):
    assert percentile(numbers, percent) == expected


def test_buckets_are_half_open_and_leave_no_gap():
    found = distribution([0, 1, 1, 2, 4, 100, None])

    assert found.buckets == [
        LevelBucket(0, 1, 1),
        LevelBucket(1, 2, 2),
        LevelBucket(2, 5, 2),
        LevelBucket(5, 10, 0),
        LevelBucket(10, 20, 0),
        LevelBucket(20, 50, 0),
        LevelBucket(50, 100, 0),
        LevelBucket(100, 200, 1),
    ]
    assert (found.count, found.unknown_count) == (6, 1)
    assert found.mean == 18.0


def test_without_a_known_level_nothing_is_known():
    found = distribution([None, None])

    assert (found.buckets, found.count, found.unknown_count) == ([], 0, 2)
    assert (found.mean, found.p10, found.p50, found.p99) == (None,) * 4


@given(LEVELS)
def test_it_is_the_plain_count(levels: list[int | None]):
    found = distribution(levels)

    known = sorted(level for level in levels if level is not None)
    assert found.count == len(known) == sum(bucket.count for bucket in found.buckets)
    assert found.unknown_count == levels.count(None)
    for bucket in found.buckets:
        inside = [k for k in known if bucket.from_ <= max(k, 0) < bucket.to]
        assert bucket.count == len(inside)
        assert str(bucket.to).rstrip("0") in {"1", "2", "5"}
    for before, after in zip(found.buckets, found.buckets[1:], strict=False):
        assert before.to == after.from_
    if known:
        assert found.buckets[0].count
        assert found.buckets[-1].count
        assert found.mean is not None
        assert isclose(found.mean, Fraction(sum(known), len(known)), abs_tol=1e-6)
        for name in ("p10", "p25", "p50", "p75", "p90", "p99"):
            rank = Fraction(int(name[1:]), 100) * (len(known) - 1)
            low = floor(rank)
            high = min(low + 1, len(known) - 1)
            between = known[low] + (known[high] - known[low]) * (rank - low)
            assert isclose(getattr(found, name), between, abs_tol=1e-6)
