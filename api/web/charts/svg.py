"""Inline SVGs: charts without a script, and sparklines of lists."""

from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

WIDTH, HEIGHT = 600, 120
_MARGIN = 4
# The part of a bucket's width that its bar takes.
_BAR = 0.7

PlottedValues = Sequence[int | float | None]


class SvgMark(Struct, frozen=True):
    """A line that marks an event; ``kind`` is its class, ``text`` its title."""

    path: str
    kind: str
    text: str


class InlineSvg(Struct, frozen=True, kw_only=True):
    """A path for each series, in a box of ``WIDTH`` by ``HEIGHT``."""

    paths: list[str]
    is_bars: bool
    marks: list[SvgMark] = []

    @property
    def box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"


def inline_svg(
    lines: Sequence[PlottedValues],
    *,
    is_bars: bool = False,
    breaks: Sequence[Sequence[int]] | None = None,
    marks: Sequence[tuple[int, str, str]] = (),
) -> InlineSvg:
    """Return the drawing of some series over the same buckets.

    Bars begin at 0; lines fill the height between the least value and the largest.
    ``breaks`` are the points of each series that are not joined to the point before.
    ``marks`` have the number of their bucket, their kind and their text.
    """
    known = [value for values in lines for value in values if value is not None]
    least, most = (min(known), max(known)) if known else (0, 0)
    if is_bars:
        least, most = min(least, 0), max(most, 0)
    scale = _Scale(least=least, most=most)
    if is_bars:
        paths = [_bars(values, scale) for values in lines]
    else:
        paths = [
            _line(values, scale, breaks[number] if breaks else ())
            for number, values in enumerate(lines)
        ]
    amount = max((len(values) for values in lines), default=0)
    drawn = [
        SvgMark(_mark(bucket, kind, amount=amount, is_bars=is_bars), kind, text)
        for bucket, kind, text in marks
    ]
    return InlineSvg(paths=paths, is_bars=is_bars, marks=drawn)


class _Scale(Struct, frozen=True, kw_only=True):
    least: float
    most: float

    def y(self, value: float) -> float:
        height = HEIGHT - 2 * _MARGIN
        if self.most == self.least:
            return HEIGHT / 2 if value else HEIGHT - _MARGIN
        fraction = (value - self.least) / (self.most - self.least)
        return round(HEIGHT - _MARGIN - fraction * height, 1)


def _line(values: PlottedValues, scale: _Scale, breaks: Sequence[int]) -> str:
    step = WIDTH / max(len(values) - 1, 1)
    parts: list[str] = []
    pen = "M"
    for number, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        if number in breaks:
            pen = "M"
        parts.append(f"{pen}{number * step:.1f} {scale.y(value)}")
        # A single point is drawn as a dot, by the round ends of its line.
        if pen == "M":
            parts.append("h0")
        pen = "L"
    return "".join(parts)


def _mark(bucket: int, kind: str, *, amount: int, is_bars: bool) -> str:
    """Return a line over the whole height, or for posts a short line at the bottom."""
    if is_bars:
        x = (bucket + 0.5) * WIDTH / max(amount, 1)
    else:
        x = bucket * WIDTH / max(amount - 1, 1)
    return f"M{x:.1f} {HEIGHT}V{HEIGHT - 2 * _MARGIN if kind == 'post' else 0}"


def _bars(values: PlottedValues, scale: _Scale) -> str:
    step = WIDTH / max(len(values), 1)
    ground = scale.y(0)
    return "".join(
        f"M{(number + (1 - _BAR) / 2) * step:.1f} {ground}"
        f"V{scale.y(value)}h{step * _BAR:.1f}V{ground}z"
        for number, value in enumerate(values)
        if value is not None
    )


SPARKLINE_WIDTH, SPARKLINE_HEIGHT = 96, 28
# The margin keeps the edges from cutting off the line.
_SPARKLINE_MARGIN = 2


class Sparkline(Struct, frozen=True):
    """Lines through the known values, each as the points of a polyline.

    Unknown values leave a gap.
    """

    lines: tuple[str, ...]


def sparkline(values: PlottedValues, *, from_zero: bool = False) -> Sparkline | None:
    """Return the line of values at equal distances; None if too few are known.

    The line fills the height from the least value to the largest, or from zero.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    if from_zero:
        low, high = min(low, 0), max(high, 0)
    bottom = SPARKLINE_HEIGHT - _SPARKLINE_MARGIN
    height = SPARKLINE_HEIGHT - 2 * _SPARKLINE_MARGIN
    # Equal values run along the middle, or along zero.
    spread, even = high - low, bottom - (0 if from_zero else 0.5) * height
    lines: list[list[str]] = [[]]
    for x, value in zip(_places(len(values)), values, strict=True):
        if value is None:
            lines.append([])
            continue
        y = bottom - (value - low) / spread * height if spread else even
        lines[-1].append(f"{x},{y:.1f}")
    return Sparkline(tuple(" ".join(_visible(line)) for line in lines if line))


@lru_cache
def _places(amount: int) -> tuple[str, ...]:
    """Return the places of so many points along the line."""
    step = (SPARKLINE_WIDTH - 2 * _SPARKLINE_MARGIN) / (amount - 1)
    return tuple(f"{_SPARKLINE_MARGIN + n * step:.1f}" for n in range(amount))


def _visible(line: list[str]) -> list[str]:
    # A line of one point has no length and would be invisible.
    return line * 2 if len(line) == 1 else line
