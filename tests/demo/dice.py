"""Chance that falls the same way on every Python and every machine.

``random`` promises only that ``Random.random`` keeps its sequence, and the C library's
``exp`` and ``pow`` differ in their last bit between platforms. So everything here is
made of that one method and of arithmetic that IEEE 754 settles.
"""

from collections.abc import MutableSequence
from random import Random
from typing import TypeVar

_Item = TypeVar("_Item")


class Dice:
    def __init__(self, seed: int) -> None:
        self._draw = Random(seed).random  # noqa: S311 - repeatable is the point

    def chance(self, probability: float) -> bool:
        return self._draw() < probability

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._draw()

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return low + int((high - low + 1) * self._draw())

    def wake_up(self) -> float:
        """Return a draw from nearly a normal distribution, of mean 0 and deviation 1.

        The sum is a loop because ``sum`` of floats is computed otherwise since 3.12.
        """
        total = -6.0
        for _ in range(12):
            total += self._draw()
        return total

    def around(self, median: float, *, spread: float) -> float:
        """Return a draw from nearly a log-normal distribution."""
        return median * exp(spread * self.wake_up())

    def shuffle(self, items: MutableSequence[_Item]) -> None:
        for last in range(len(items) - 1, 0, -1):
            other = self.whole(0, last)
            items[last], items[other] = items[other], items[last]


def exp(power: float) -> float:
    """Return e to the power, right to half a percent between -6 and 6."""
    result = 1.0 + power / 4096.0
    for _ in range(12):
        result *= result
    return result
