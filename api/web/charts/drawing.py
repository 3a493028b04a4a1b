"""The data from which the script draws a chart: lines and marks."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from msgspec import Struct

from domain.analytics.buckets import Granularity

MarkKind = Literal["post", "note", "system"]
# The switch of marks in addresses.
MarksOrNone = Literal["off", ""]
# Another scale is offered if the largest values of lines differ by a larger factor.
FAR_APART = 20


class ChartLine(Struct, frozen=True, kw_only=True, rename="camel"):
    """A series of a drawing.

    ``series`` is the number of its colour, from 1. ``dates`` are the days at which its
    points are drawn, and ``of`` are the buckets of the points: a prior period is drawn
    over the current one. The marks, from ``partial`` on, are indexes of points.
    """

    label: str
    series: int
    is_prior: bool
    dates: list[date]
    of: list[date]
    values: list[int | float | None]
    partial: list[int]
    baseline: list[int]
    rounded: list[int]
    sharpened: list[int]
    cut: list[int]


class ChartMark(Struct, frozen=True, kw_only=True, rename="camel"):
    """An event on a day, which a chart marks and describes.

    ``kind`` is ``post`` for posted videos, ``note`` for the note of a user, ``system``
    for an event of the log.
    """

    date: date
    text: str
    kind: MarkKind


class Drawing(Struct, frozen=True, kw_only=True, rename="camel"):
    """The data from which the script draws a chart.

    ``is_flow``: the values belong to buckets and are not levels at their ends, so that
    an unfinished bucket says little. ``is_far_apart``: other scales are offered, since
    a line would be flat next to another. ``born`` is the day from which its points are
    ages in days, where they are no dates.
    """

    granularity: Granularity
    unit: str
    noun: str
    is_bars: bool
    is_flow: bool
    is_far_apart: bool
    lines: list[ChartLine]
    marks: list[ChartMark]
    born: date | None = None


def are_far_apart(lines: Sequence[Sequence[int | float | None]]) -> bool:
    """Return whether one of the lines would be flat next to another."""
    known = ([abs(value) for value in line if value] for line in lines)
    largest = [max(values) for values in known if values]
    return len(largest) > 1 and max(largest) > FAR_APART * min(largest)
