"""Spark lines: the course of a number as a line as small as a word."""

from collections.abc import Sequence

from msgspec import Struct

WIDTH, HEIGHT = 96, 28
# So that the line is not cut off at the edges.
_MARGIN = 2


class Spark(Struct, frozen=True):
    """Lines through the known values, each as the points of a polyline.

    Where nothing is known there is a gap.
    """

    lines: tuple[str, ...]


def spark(values: Sequence[int | None], *, from_zero: bool = False) -> Spark | None:
    """Return the line of values at equal distances; None if too few are known.

    It fills the height from the least to the most of them, or from zero.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    if from_zero:
        low, high = min(low, 0), max(high, 0)
    step = (WIDTH - 2 * _MARGIN) / (len(values) - 1)
    lines: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            lines.append([])
            continue
        # A line that never moves runs along the middle, or along zero.
        share = (value - low) / (high - low) if high > low else 0 if from_zero else 0.5
        x = _MARGIN + number * step
        y = HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN)
        lines[-1].append(f"{x:.1f},{y:.1f}")
    return Spark(tuple(" ".join(_seen(line)) for line in lines if line))


def _seen(line: list[str]) -> list[str]:
    # A line of one point would have no length, and nobody would see it.
    return line * 2 if len(line) == 1 else line
