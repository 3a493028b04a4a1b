"""Charts as SVG: the days of a period, next to those of the period before.

The same drawing is in pages, which colour it by its classes, and in mails and on paper,
which show the colours of its attributes. It has no text of strangers.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final
from xml.sax.saxutils import escape

from msgspec import Struct

from domain.analytics.axis import round_labels
from domain.analytics.series import Value
from domain.written import (
    UNKNOWN,
    day,
    number,
    percent,
    percent_shortly,
    short,
    with_about,
)

# The colours of tokens.css on paper.
INK: Final = "#1d56c2"
_PAPER, _GRID, _LABEL, _BEFORE = "#ffffff", "#dfe2ea", "#566074", "#566074"

# Inter's signs are at most so many times as wide as the font's size.
_LETTER = 0.66
_LABEL_GAP, _TOP, _RIGHT = 8.0, 10.0, 6.0
_MOST_DAYS_WITH_DOTS = 14
# A value of the period before that is so many times larger leaves the drawing.
_FLATTENS = 3
# The part of a day's width that its bar takes.
_BAR, _WIDEST_BAR = 0.62, 44.0
_ROUNDED_CORNER = 3.0


class Plot(Struct, frozen=True, kw_only=True):
    """The values of days in order, None where nothing is known.

    ``before`` are those of the period before, drawn from the first day on. ``rounded``
    are the indexes of values that depend on rounded levels.
    """

    title: str
    days: Sequence[date]
    values: Sequence[Value]
    before: Sequence[Value] = ()
    rounded: Sequence[int] = ()
    is_percent: bool = False

    @property
    def is_known(self) -> bool:
        return any(value is not None for value in self.values)

    @property
    def summary(self) -> str:
        """Return in words what the drawing shows, for people who do not see it."""
        places = enumerate(self.values)
        known = [(value, place) for place, value in places if value is not None]
        if not known:
            return "Nothing is known about these days."
        least, most = (
            f"{self.marked(value, place)} on {day(self.days[place])}"
            for value, place in (min(known), max(known))
        )
        text = f"The highest value is {most}, the lowest {least}."
        unknown = len(self.values) - len(known)
        return f"{text} Unknown days: {unknown}." if unknown else text

    def written(self, value: Value) -> str:
        """Return a value in full."""
        if value is None:
            return UNKNOWN
        return percent(value) if self.is_percent else number(value)

    def marked(self, value: Value, place: int) -> str:
        """Return the value of a day in full, with the mark of a rounded one."""
        return with_about(self.written(value), is_rounded=place in self.rounded)

    def shortly(self, value: Value) -> str:
        """Return a value in few digits, such as the label of a line of the grid."""
        return percent_shortly(value) if self.is_percent else short(value)


class DrawingSize(Struct, frozen=True, kw_only=True):
    """The size of a drawing and of its letters, in pixels."""

    width: float
    height: float
    text: float


WIDE: Final = DrawingSize(width=560, height=200, text=12)
"""The size of pages and paper."""
NARROW: Final = DrawingSize(width=320, height=190, text=12)
"""The size of phones."""
OF_MAILS: Final = DrawingSize(width=440, height=172, text=13)
"""A mail shrinks it to about 320 pixels on phones, where its letters are still read."""


def chart_svg(
    plot: Plot, size: DrawingSize = WIDE, *, ink: str = INK, name: str = ""
) -> str:
    """Return the drawing of a plot: bars for counts, a line for percentages.

    ``name`` is the beginning of ids that are unique on a page; without it the drawing
    has no ids, and says nothing to people who do not see it.
    """
    frame = _Frame.of(plot, size)
    if plot.is_percent:
        drawn = _line(plot.values, frame, css="line")
    else:
        drawn = _bars(plot, frame)
    before = _line(plot.before, frame, css="before") if plot.before else ""
    about = 'aria-hidden="true"'
    words = ""
    if name:
        about = f'role="img" aria-labelledby="{name}-title {name}-words"'
        words = (
            f'<title id="{name}-title">{escape(plot.title)}</title>'
            f'<desc id="{name}-words">{escape(plot.summary)}</desc>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="report-chart" {about} '
        f'viewBox="0 0 {size.width:g} {size.height:g}" width="{size.width:g}" '
        f'height="{size.height:g}" color="{ink}" font-family="Inter, sans-serif" '
        f'font-size="{size.text:g}">{words}{"".join(_grid(plot, frame))}'
        f"{''.join(_dates(plot, frame))}{drawn}{before}</svg>"
    )


class _Frame(Struct, frozen=True, kw_only=True):
    """The place of values and days in a drawing."""

    size: DrawingSize
    labels: Sequence[float]
    left: float
    days: int

    @classmethod
    def of(cls, plot: Plot, size: DrawingSize) -> "_Frame":
        known = [value for value in plot.values if value is not None]
        least, most = (min(known), max(known)) if known else (0, 0)
        for value in plot.before:
            # An outlier of the period before may not flatten this one.
            if value is not None and (
                not known or abs(value) <= _FLATTENS * max(abs(least), abs(most))
            ):
                least, most = min(least, value), max(most, value)
        if not plot.is_percent:
            # Bars begin at zero.
            least, most = min(least, 0), max(most, 0, 1 if not least else 0)
        labels = round_labels(least, most, is_percent=plot.is_percent, amount=4)
        longest = max(len(plot.shortly(label)) for label in labels)
        return cls(
            size=size,
            labels=labels,
            left=longest * size.text * _LETTER + _LABEL_GAP,
            days=max(len(plot.days), len(plot.before)),
        )

    @property
    def right(self) -> float:
        return self.size.width - _RIGHT

    @property
    def ground(self) -> float:
        return self.size.height - self.size.text * 1.9

    @property
    def step(self) -> float:
        return (self.right - self.left) / max(self.days, 1)

    def x(self, number: float) -> float:
        return self.left + (number + 0.5) * self.step

    def y(self, value: float) -> float:
        least, most = self.labels[0], self.labels[-1]
        fraction = (value - least) / (most - least)
        return self.ground - fraction * (self.ground - _TOP)


def _grid(plot: Plot, frame: _Frame) -> Iterator[str]:
    text = frame.size.text
    for label in frame.labels:
        y = frame.y(label)
        is_zero = label == 0 and not plot.is_percent
        yield (
            f'<path class="{"zero" if is_zero else "grid"}" '
            f'd="M{frame.left:.1f} {y:.1f}H{frame.right:.1f}" '
            f'stroke="{_LABEL if is_zero else _GRID}" stroke-width="1" fill="none"/>'
            f'<text class="axis" x="{frame.left - _LABEL_GAP:.1f}" '
            f'y="{y + text * 0.36:.1f}" text-anchor="end" fill="{_LABEL}">'
            f"{escape(plot.shortly(label))}</text>"
        )


def _dates(plot: Plot, frame: _Frame) -> Iterator[str]:
    """Write as many days as fit, in equal distances."""
    width = 6.5 * frame.size.text * _LETTER
    every = max(1, math.ceil(width / frame.step))
    for place, on in enumerate(plot.days):
        at = frame.x(place)
        if place % every == 0 and (not place or at < frame.size.width - width / 3):
            yield (
                f'<text class="axis" x="{at:.1f}" '
                f'y="{frame.size.height - frame.size.text * 0.4:.1f}" '
                f'text-anchor="middle" fill="{_LABEL}">{on.day} {on:%b}</text>'
            )


def _bars(plot: Plot, frame: _Frame) -> str:
    width = min(frame.step * _BAR, _WIDEST_BAR)
    bars: list[str] = []
    for place, (value, on) in enumerate(zip(plot.values, plot.days, strict=True)):
        if value is None:
            continue
        is_rounded = place in plot.rounded
        written = plot.marked(value, place)
        opacity = ' fill-opacity="0.5"' if is_rounded else ""
        bars.append(
            f'<path class="bar{" rounded" if is_rounded else ""}" fill="currentColor"'
            f'{opacity} d="{_bar(frame, frame.x(place) - width / 2, width, value)}">'
            f"<title>{day(on)}: {written}</title></path>"
        )
    return "".join(bars)


def _bar(frame: _Frame, x: float, width: float, value: float) -> str:
    """Return a bar from zero, whose far corners are round."""
    zero, end = frame.y(0), frame.y(value)
    height = abs(zero - end)
    if height < 1:
        # A day with nothing differs from one that is not known.
        return f"M{x:.1f} {zero - 1:.1f}h{width:.1f}v1h-{width:.1f}z"
    r = min(_ROUNDED_CORNER, height, width / 2)
    way = r if end < zero else -r
    return (
        f"M{x:.1f} {zero:.1f}V{end + way:.1f}q0 {-way:.1f} {r:.1f} {-way:.1f}"
        f"h{width - 2 * r:.1f}q{r:.1f} 0 {r:.1f} {way:.1f}V{zero:.1f}z"
    )


def _line(values: Sequence[Value], frame: _Frame, *, css: str) -> str:
    """Return a line with gaps where nothing is known, and dots on few days."""
    path: list[str] = []
    pen = "M"
    for place, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{frame.x(place):.1f} {frame.y(value):.1f}")
        # A lone point is a dot, by the round ends of its line.
        if pen == "M":
            path.append("h0")
        pen = "L"
    is_before = css == "before"
    line = "".join(path)
    style = (
        f'stroke="{_BEFORE}" stroke-width="1.5" stroke-dasharray="4 3"'
        if is_before
        else 'stroke="currentColor" stroke-width="2.5"'
    )
    ends = 'fill="none" stroke-linecap="round" stroke-linejoin="round"'
    drawn = f'<path class="{css}" d="{line}" {style} {ends}/>'
    if is_before:
        # It crosses bars, which are as dark as it is.
        halo = f'stroke="{_PAPER}" stroke-width="4"'
        width, height = frame.size.width, frame.ground
        return (
            f'<svg width="{width:g}" height="{height:.1f}" overflow="hidden" '
            f'viewBox="0 0 {width:g} {height:.1f}">'
            f'<path class="halo" d="{line}" {halo} {ends}/>{drawn}</svg>'
        )
    if len(values) > _MOST_DAYS_WITH_DOTS:
        return drawn
    return drawn + "".join(
        f'<circle class="dot" cx="{frame.x(place):.1f}" cy="{frame.y(value):.1f}" '
        'r="3.5" fill="currentColor"/>'
        for place, value in enumerate(values)
        if value is not None
    )
