"""Precision: the counts that a rounded counter may be, and which changes are growth."""

from typing import Final, NamedTuple, TypeGuard

from domain.messages import Precision

# From so many on a site shows a counter in steps of so many: 12.3K, 3.8M, 1.2B.
UNITS: Final = (
    (1_000_000_000, 100_000_000),
    (1_000_000, 100_000),
    (10_000, 100),
)


class Level(NamedTuple):
    """A counter as it is known; ``is_rounded`` if another count may be meant."""

    value: int | None
    is_rounded: bool


def is_known(count: int | None) -> TypeGuard[int]:
    """Tell whether an observed counter says how many there are.

    A negative one does not: a counter of 32 bits has overflown at the source.
    """
    return count is not None and count >= 0


def unit_of(count: int) -> int:
    """Return the step in which a site shows a counter of this size, 1 for each one."""
    return next((unit for least, unit in UNITS if count >= least), 1)


def is_rounded(precision: Precision | None, count: int | None) -> bool:
    """Tell whether an observed counter is rounded, so that it may be another count.

    Small ones are shown to the last digit, whatever their source does to large ones.
    """
    return precision == "rounded" and count is not None and unit_of(count) > 1


def stands_for(rounded: int, count: int) -> bool:
    """Tell whether a rounded counter may be this count.

    The interval is open: what is a whole unit away would have been shown otherwise.
    """
    return abs(count - rounded) < unit_of(rounded)


def next_level(level: Level, count: int | None, precision: Precision | None) -> Level:
    """Return the level after a newer observation of the counter.

    A rounded one that may be the exact level confirms it.
    """
    if not is_known(count):
        return level
    if not is_rounded(precision, count):
        return Level(count, is_rounded=False)
    if level.value is None or level.is_rounded or not stands_for(count, level.value):
        return Level(count, is_rounded=True)
    return level
