"""Axes of charts: the round numbers next to a drawing."""

import math
from collections.abc import Sequence
from typing import Final

# Units of a step between two labels, times a power of ten.
_STEPS: Final = (1, 2, 5, 10)
_TINY: Final = 1e-9


def round_labels(
    least: float, most: float, *, is_percent: bool = False, amount: int = 5
) -> Sequence[float]:
    """Return round numbers with equal steps that have all values between them.

    They differ in the three digits that are written, and there are at least two, about
    ``amount`` of them. ``roundLabels`` in drawing.js returns the same.
    """
    size = max(abs(least), abs(most), _TINY)
    if least == most:
        least, most = least - size * 0.1, most + size * 0.1
    written = (0.1 if size < 10 else 1.0) if is_percent else 1.0
    finest = max(written, 10.0 ** (math.floor(math.log10(size)) - 2))
    between = max((most - least) / amount, finest)
    power = 10.0 ** math.floor(math.log10(between) + _TINY)
    step = next(
        each * power for each in _STEPS if each * power >= between * (1 - _TINY)
    )
    first, last = math.floor(least / step + _TINY), math.ceil(most / step - _TINY)
    # A fraction such as 3 * 0.1 is not the number that it stands for.
    return [
        float(f"{(first + number) * step:.12g}")
        for number in range(max(2, last - first + 1))
    ]
