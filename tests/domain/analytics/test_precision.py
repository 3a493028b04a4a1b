"""Precision: for which counts a rounded counter stands."""

import pytest

from domain.analytics.precision import (
    Level,
    is_rounded,
    next_level,
    stands_for,
    unit_of,
)
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


EXACT, ROUNDED = Level(3_894_656, is_rounded=False), Level(3_800_000, is_rounded=True)


@pytest.mark.parametrize(
    ("level", "precision", "count", "after"),
    (
        (EXACT, "rounded", None, EXACT),
        (EXACT, "rounded", 3_800_000, EXACT),
        (EXACT, "rounded", 3_700_000, Level(3_700_000, is_rounded=True)),
        (EXACT, "exact", 3_894_657, Level(3_894_657, is_rounded=False)),
        (ROUNDED, "exact", 3_894_656, EXACT),
        (ROUNDED, "rounded", 3_900_000, Level(3_900_000, is_rounded=True)),
        (Level(None, is_rounded=False), "rounded", 3_800_000, ROUNDED),
        (Level(None, is_rounded=False), None, 3_894_656, EXACT),
    ),
)
def test_a_rounded_counter_that_may_be_the_exact_level_changes_no_level(
    level: Level, precision: Precision | None, count: int | None, after: Level
):
    assert next_level(level, count, precision) == after
