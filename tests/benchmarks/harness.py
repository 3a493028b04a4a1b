"""The harness: interleaved rounds, their results, and one Markdown table."""

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Self

import msgspec
import psutil

ROUNDS = 5

# A bar: its words, and true if the measured number keeps it.
Bar = tuple[str, bool]


class Rounds(msgspec.Struct, frozen=True):
    """One number a round, always in the same unit."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def over(self, floor: Self) -> "Rounds":
        """Return the ratio to another's number in each round."""
        pairs = zip(self.values, floor.values, strict=True)
        return Rounds(tuple(ours / theirs for ours, theirs in pairs))

    def written(self, unit: str = "") -> str:
        """Return the median, the spread and the unit, as the table shows them."""
        spread = f"{_short(min(self.values))} to {_short(max(self.values))}"
        return f"{_short(self.median)} ({spread}){f' {unit}' if unit else ''}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table; ``how`` describes the measurement below it."""

    what: str
    ours: str
    floor: str = ""
    ratio: str = ""
    bar: Bar | None = None
    how: str = ""

    def cells(self) -> tuple[str, ...]:
        words, met = self.bar or ("", True)
        mark = "" if self.bar is None else "yes" if met else "**no**"
        return self.what, self.ours, self.floor, self.ratio, words, mark


class Report:
    """Everything that was measured in this session, in the order it came."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.servers: list[str] = []

    def add(self, *rows: Row) -> None:
        self.rows += rows

    def compare(
        self,
        what: str,
        *,
        ours: Rounds,
        floor: Rounds,
        unit: str,
        at_least: float,
        how: str,
    ) -> None:
        """Add a row whose bar is a ratio to a floor of the same run."""
        ratio = ours.over(floor)
        self.add(
            Row(
                what=what,
                ours=ours.written(unit),
                floor=floor.written(unit),
                ratio=ratio.written(),
                bar=(f"at least {at_least:g}", ratio.median >= at_least),
                how=how,
            )
        )

    def markdown(self) -> str:
        """Return the machine, the table, and how each row was measured."""
        heads = ("Work", "Goatherd", "Floor", "Ratio", "Bar", "Met")
        table = [heads, ("---",) * len(heads), *(row.cells() for row in self.rows)]
        lines = [f"| {' | '.join(cells)} |" for cells in table]
        notes = dict.fromkeys(row.how for row in self.rows if row.how)
        return "\n".join(
            [
                *(f"{machine()}, {', '.join(self.servers)}.", ""),
                "Each number is the median of its rounds (least to most).",
                *("", *lines, ""),
                *(f"- {note}" for note in notes),
            ]
        )


def interleaved(*ways: Callable[[], float], rounds: int = ROUNDS) -> list[Rounds]:
    """Run every way in turn, once to warm up and then once a round.

    Each returns a number; the answer holds those of the rounds, way by way.
    """
    for way in ways:
        way()
    turns = [[way() for way in ways] for _ in range(rounds)]
    return [Rounds(values) for values in zip(*turns, strict=True)]


def seconds(work: Callable[[], object]) -> float:
    """Return how long ``work`` took."""
    began = perf_counter()
    work()
    return perf_counter() - began


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that ``percent`` of all do not exceed."""
    ordered = sorted(values)
    rank = max(0, min(len(ordered) - 1, -int(-len(ordered) * percent // 100) - 1))
    return ordered[rank]


def machine() -> str:
    memory = psutil.virtual_memory().total / 1_024**3
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"{memory:.0f} GB of memory, {platform.python_implementation()} "
        f"{platform.python_version()}"
    )


def _short(value: float) -> str:
    """Return three figures, and thousands in full."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if value >= 10 else 2}f}"
