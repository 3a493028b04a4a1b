"""Sketches: a chart's lines as the path of an SVG, for what no script has drawn."""

from collections.abc import Sequence

from msgspec import Struct

WIDTH, HEIGHT = 600, 120
_MARGIN = 4
# Of a bucket's width, what its bar takes.
_BAR = 0.7

Values = Sequence[int | float | None]


class Sketch(Struct, frozen=True, kw_only=True):
    """One path for each series, in a box of ``WIDTH`` by ``HEIGHT``."""

    paths: list[str]
    is_bars: bool

    @property
    def box(self) -> str:
        return f"0 0 {WIDTH} {HEIGHT}"


def sketched(lines: Sequence[Values], *, is_bars: bool = False) -> Sketch:
    """Return the sketch of some series over the same buckets.

    Bars stand on 0; lines fill the height between the least value and the largest.
    """
    known = [value for values in lines for value in values if value is not None]
    least, most = (min(known), max(known)) if known else (0, 0)
    if is_bars:
        least, most = min(least, 0), max(most, 0)
    scale = _Scale(least=least, most=most)
    draw = _bars if is_bars else _line
    return Sketch(paths=[draw(values, scale) for values in lines], is_bars=is_bars)


class _Scale(Struct, frozen=True, kw_only=True):
    least: float
    most: float

    def y(self, value: float) -> float:
        height = HEIGHT - 2 * _MARGIN
        if self.most == self.least:
            return HEIGHT / 2 if value else HEIGHT - _MARGIN
        share = (value - self.least) / (self.most - self.least)
        return round(HEIGHT - _MARGIN - share * height, 1)


def _line(values: Values, scale: _Scale) -> str:
    step = WIDTH / max(len(values) - 1, 1)
    parts: list[str] = []
    pen = "M"
    for number, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{number * step:.1f} {scale.y(value)}")
        # A point that stands alone is a dot, by the round ends of its line.
        if pen == "M":
            parts.append("h0")
        pen = "L"
    return "".join(parts)


def _bars(values: Values, scale: _Scale) -> str:
    step = WIDTH / max(len(values), 1)
    ground = scale.y(0)
    return "".join(
        f"M{(number + (1 - _BAR) / 2) * step:.1f} {ground}"
        f"V{scale.y(value)}h{step * _BAR:.1f}V{ground}z"
        for number, value in enumerate(values)
        if value is not None
    )
