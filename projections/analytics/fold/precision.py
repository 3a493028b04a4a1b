"""Precision of profiles: the levels that rounded observations make, vectorised.

A profile has four counters. Their missing or unknown ones take the lower four bits of
a byte, so the upper four are free: bit 4 + n is set where counter n is rounded.
Counters of videos are never rounded. docs/analytics.md defines confirming and
sharpening.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from domain.analytics.precision import UNITS, is_rounded
from projections.analytics.fold.columns import Bits, Longs, Mask, Observations
from projections.analytics.fold.levels import Deltas, Levels, follow, overridden

FIRST_BIT = 4
_LOWER = np.uint8((1 << FIRST_BIT) - 1)


def rounded_bits(columns: Iterable[Sequence[int | None]]) -> Bits:
    """Return the bits of a profile that was observed rounded, one column a counter."""
    bits = [
        is_rounded("rounded", count) << number + FIRST_BIT
        for number, (count,) in enumerate(columns)
    ]
    return np.array([sum(bits)], np.uint8)


def rounded_bit(number: int) -> np.uint8:
    """Return the bit that says that a counter is rounded."""
    return np.uint8(1 << number + FIRST_BIT)


class Steps(NamedTuple):
    """The effects of one counter's observations on levels, by profile and then by time.

    ``rows`` are the indexes of the observations, without those that a later one at the
    same instant overrides. ``before`` is 0 where ``is_first``.
    """

    rows: Longs
    places: Longs
    levels: Longs
    is_level_rounded: Mask
    before: Longs
    is_first: Mask
    was_rounded: Mask
    is_observed_rounded: Mask

    @property
    def confirms(self) -> Mask:
        """Return the steps that agree with an exact level and leave it as it is."""
        return self.is_observed_rounded & ~self.is_level_rounded

    @property
    def sharpens(self) -> Mask:
        """Return the steps that make a rounded level exact: their moves are not new."""
        is_exact = self.was_rounded & ~self.is_level_rounded
        return is_exact & holds(self.before, self.levels)

    @property
    def is_change_rounded(self) -> Mask:
        """Return the steps from a rounded level or to one that are growth."""
        is_either = self.was_rounded | self.is_level_rounded
        moves = (self.levels != self.before) & ~self.is_first
        return is_either & moves & ~self.sharpens


def steps_of(
    levels: Levels, observations: Observations, instants: Longs, number: int
) -> Steps:
    """Return the steps of one counter's observations. The levels are not changed."""
    places = levels.places_of(observations.video_numbers)
    rows = np.argsort(places, kind="stable")
    rows = rows[(observations.missing[rows] >> number & 1) == 0]
    is_level = ~overridden(places[rows], instants[observations.snapshots[rows]])
    rows = rows[is_level]
    places = places[rows]
    # A level from before is treated as an observation before all others.
    held = np.unique(places)
    held = held[(levels.unknown[held] >> number & 1) == 0]
    amount = len(held)
    place = np.concatenate((held, places))
    order = np.argsort(place, kind="stable")
    place = place[order]
    bit = rounded_bit(number)
    counts = np.concatenate(
        (levels.counts[number][held], observations.counts[number][rows])
    )[order]
    is_observed_rounded = np.concatenate(
        ((levels.unknown[held] & bit) != 0, (observations.missing[rows] & bit) != 0)
    )[order]
    level, is_level_rounded = _levels(place, counts, is_observed_rounded)
    is_first = np.ones(len(place), np.bool_)
    is_first[1:] = place[1:] != place[:-1]
    is_new = order >= amount
    return Steps(
        rows,
        places,
        level[is_new],
        is_level_rounded[is_new],
        np.where(is_first, 0, _moved_on(level))[is_new],
        is_first[is_new],
        (~is_first & _moved_on(is_level_rounded))[is_new],
        is_observed_rounded[is_new],
    )


def follow_profiles(
    levels: Levels,
    observations: Observations,
    groups: Longs,
    instants: Longs,
    *,
    size: int,
    is_counted: Mask | None = None,
    is_baseline: Mask,
) -> tuple[Deltas, Deltas | None]:
    """Do as ``follow`` does, and return the deltas of precision by group as well.

    They have four rows a counter: the sum by which sharpenings moved the levels, the
    number of sharpenings, the change of the number of rounded levels, and the number of
    other changes from a rounded level or to one. They are None if all is exact.
    """
    counters = len(levels.counts)
    precision: Deltas | None = None
    if (observations.missing > _LOWER).any() or (levels.unknown > _LOWER).any():
        precision = np.zeros((4 * counters, size), np.int64)
        counts, rounded = observations.counts.copy(), levels.unknown & ~_LOWER
        for number in range(counters):
            steps = steps_of(levels, observations, instants, number)
            counts[number][steps.rows] = steps.levels
            rounded = _with_bits(rounded, steps, rounded_bit(number))
            _add(
                precision[4 * number : 4 * number + 4],
                steps,
                groups[observations.snapshots[steps.rows]],
                is_counted,
            )
        observations = Observations(
            observations.video_numbers,
            observations.snapshots,
            counts,
            observations.missing & _LOWER,
            same_videos=observations.same_videos,
        )
        levels.unknown &= _LOWER
        deltas = follow(
            levels, observations, groups, instants, size=size, is_counted=is_counted,
            is_baseline=is_baseline,
        )  # fmt: skip
        levels.unknown |= rounded
        return deltas, precision
    deltas = follow(
        levels, observations, groups, instants, size=size, is_counted=is_counted,
        is_baseline=is_baseline,
    )  # fmt: skip
    return deltas, None


def _levels(places: Longs, counts: Longs, is_rounded: Mask) -> tuple[Longs, Mask]:
    """Return the level after each observation, and which levels are rounded."""
    index = np.arange(len(places))
    begins = np.ones(len(places), np.bool_)
    begins[1:] = places[1:] != places[:-1]
    begin = np.maximum.accumulate(np.where(begins, index, 0))
    # The last exact count, and the last rounded one that cannot stand for it.
    exact = np.maximum.accumulate(np.where(is_rounded, -1, index))
    has_exact = exact >= begin
    known = counts[np.where(has_exact, exact, 0)]
    differs = is_rounded & ~(has_exact & holds(counts, known))
    is_level_rounded = is_rounded & (
        np.maximum.accumulate(np.where(differs, index, -1)) > exact
    )
    return np.where(is_rounded & ~is_level_rounded, known, counts), is_level_rounded


def holds(rounded: Longs, counts: Longs) -> Mask:
    """Return the places where a rounded counter may stand for the count."""
    unit = np.ones(len(rounded), np.int64)
    for least, step in reversed(UNITS):
        unit[rounded >= least] = step
    # Counters may be as large as 64 bits allow; no rounded one is small.
    return (counts > rounded - unit) & (counts - unit < rounded)


def _with_bits(rounded: Bits, steps: Steps, bit: np.uint8) -> Bits:
    closes = np.ones(len(steps.places), np.bool_)
    closes[:-1] = steps.places[1:] != steps.places[:-1]
    closed = steps.places[closes]
    found = rounded.copy()
    found[closed] = np.where(
        steps.is_level_rounded[closes], found[closed] | bit, found[closed] & ~bit
    )
    return found


def _add(deltas: Deltas, steps: Steps, groups: Longs, is_counted: Mask | None) -> None:
    counted = True if is_counted is None else is_counted[steps.places]
    sharpens = steps.sharpens & counted
    at = groups[sharpens]
    np.add.at(deltas[0], at, (steps.levels - steps.before)[sharpens])
    np.add.at(deltas[1], at, 1)
    became = steps.is_level_rounded.astype(np.int64) - steps.was_rounded
    np.add.at(deltas[2], groups, np.where(counted, became, 0))
    np.add.at(deltas[3], groups[steps.is_change_rounded & counted], 1)


def _moved_on(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the value one place before each."""
    return np.concatenate((values[:1], values[:-1]))
