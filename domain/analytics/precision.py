"""Precision: the true counts behind rounded counters, and growth between them."""

from typing import Final, NamedTuple, TypeGuard

from domain.messages import Precision

# Pairs of a count and a unit: counters from this count on are shown in whole units,
# such as 12.3K, 3.8M and 1.2B.
UNITS: Final = (
    (1_000_000_000, 100_000_000),
    (1_000_000, 100_000),
    (10_000, 100),
)


class Level(NamedTuple):
    """A counter as far as it is known; ``is_rounded`` if the true count may differ."""

    value: int | None
    is_rounded: bool


def is_known(count: int | None) -> TypeGuard[int]:
    """Tell whether an observed counter is a number.

    A negative one is not: a counter of 32 bits has overflown at the source.
    """
    return count is not None and count >= 0


def unit_of(count: int) -> int:
    """Return the unit in which a site shows a counter of this size, 1 if exactly."""
    return next((unit for least, unit in UNITS if count >= least), 1)


def is_rounded(precision: Precision | None, count: int | None) -> bool:
    """Tell whether an observed counter is rounded, so that the true count may differ.

    Small counters are exact in every source.
    """
    return precision == "rounded" and count is not None and unit_of(count) > 1


def stands_for(rounded: int, count: int) -> bool:
    """Tell whether this count may be the true one behind a rounded counter.

    The interval is open: a count that is a whole unit away would be shown differently.
    """
    return abs(count - rounded) < unit_of(rounded)


def next_level(level: Level, count: int | None, precision: Precision | None) -> Level:
    """Return the level after a newer observation of the counter.

    A rounded observation that is compatible with an exact level leaves it as it is.
    """
    if not is_known(count):
        return level
    if not is_rounded(precision, count):
        return Level(count, is_rounded=False)
    if level.value is None or level.is_rounded or not stands_for(count, level.value):
        return Level(count, is_rounded=True)
    return level
