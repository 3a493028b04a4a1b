"""Precision in columns: the same answers as the domain gives one by one."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from domain.analytics.precision import UNITS, stands_for, unit_of
from projections.analytics.fold.precision import holds

LARGEST = 2**63 - 1
ROUNDED = st.integers(10_000, LARGEST) | st.sampled_from([least for least, _ in UNITS])
NEAR = st.sampled_from([0, 1, -1]) | st.integers(-100_000_001, 100_000_001)


@given(pairs=st.lists(st.tuples(ROUNDED, NEAR), max_size=9))
@example(pairs=[(LARGEST, 0), (LARGEST, -1), (10_000, -100), (3_800_000, 94_656)])
def test_many_at_once_stand_for_what_each_does(pairs: list[tuple[int, int]]):
    rounded = [one for one, _ in pairs]
    counts = [min(one + near, LARGEST) for one, near in pairs]

    found = holds(np.array(rounded, np.int64), np.array(counts, np.int64))

    assert found.tolist() == [*map(stands_for, rounded, counts)]


@given(rounded=ROUNDED, count=st.integers(-LARGEST - 1, LARGEST))
def test_however_far_away_a_count_is_nothing_overflows(rounded: int, count: int):
    (found,) = holds(np.array([rounded], np.int64), np.array([count], np.int64))

    assert found == stands_for(rounded, count)


def test_a_unit_divides_where_the_next_one_begins():
    assert [least % unit_of(least) for least, _ in UNITS] == [0, 0, 0]
