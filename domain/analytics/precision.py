"""Precision: the counts that a rounded counter may be, and which changes are growth."""

from typing import Final

from domain.messages import Precision

# From so many on a site shows a counter in steps of so many: 12.3K, 3.8M, 1.2B.
UNITS: Final = (
    (1_000_000_000, 100_000_000),
    (1_000_000, 100_000),
    (10_000, 100),
)


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
