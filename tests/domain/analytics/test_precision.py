"""Precision: for which counts a rounded counter stands."""

import pytest

from domain.analytics.precision import is_rounded, stands_for, unit_of
from domain.messages import Precision


@pytest.mark.parametrize(
    ("count", "unit"),
    (
        *((-20_000, 1), (0, 1), (9_999, 1)),
        *((10_000, 100), (999_999, 100)),
        *((1_000_000, 100_000), (999_999_999, 100_000)),
        *((1_000_000_000, 100_000_000), (2**63 - 1, 100_000_000)),
    ),
)
def test_a_site_shows_larger_counters_in_larger_steps(count: int, unit: int):
    assert unit_of(count) == unit


@pytest.mark.parametrize(
    ("rounded", "count", "holds"),
    (
        *((3_800_000, 3_894_656, True), (3_800_000, 3_700_001, True)),
        *((3_800_000, 3_900_000, False), (3_800_000, 3_700_000, False)),
        *((12_300, 12_399, True), (12_300, 12_400, False)),
        *((9_999, 9_999, True), (9_999, 10_000, False)),
    ),
)
def test_a_rounded_counter_stands_for_what_lies_less_than_a_unit_away(
    rounded: int, count: int, *, holds: bool
):
    assert stands_for(rounded, count) == holds


@pytest.mark.parametrize(
    ("precision", "count", "expected"),
    (
        *(("rounded", 10_000, True), ("rounded", 9_999, False)),
        *(("rounded", None, False), ("exact", 10_000, False), (None, 10_000, False)),
    ),
)
def test_a_small_counter_is_exact_in_a_rounded_observation_as_well(
    precision: Precision | None, count: int | None, *, expected: bool
):
    assert is_rounded(precision, count) == expected
