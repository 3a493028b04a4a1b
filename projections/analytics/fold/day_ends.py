"""Levels of videos at the ends of UTC days, from observations.

Day n begins n days after 1970. An observation exactly at its end, at midnight, still
belongs to it.
"""

from typing import NamedTuple

import numpy as np

from projections.analytics.fold.columns import Longs, Mask, Observations
from projections.analytics.fold.levels import Levels

_A_DAY = 86_400_000_000


class DayEnd(NamedTuple):
    """Levels at the end of a day, of all videos that were observed by then."""

    day: int
    levels: Levels


def days_of(instants: Longs) -> Longs:
    """Return the day of each instant, which is in microseconds since 1970."""
    return -(-instants // _A_DAY) - 1


def day_of(instant: int) -> int:
    """Return the day of an instant, which is in microseconds since 1970."""
    return -(-instant // _A_DAY) - 1


def beginning_of(day: int) -> int:
    """Return the last instant before a day."""
    return day * _A_DAY


def day_ends(opening: Levels, observations: Observations, days: Longs) -> list[DayEnd]:
    """Return the levels at the end of each day with a snapshot, in order.

    ``opening`` are the levels before the first snapshot. ``days`` is the day of each
    snapshot, in order of time.
    """
    some_days, row_of = np.unique(days, return_inverse=True)
    counters = len(opening.counts)
    video_numbers = np.union1d(opening.video_numbers, observations.video_numbers)
    shape = len(some_days) + 1, len(video_numbers)
    held = np.searchsorted(video_numbers, opening.video_numbers)
    places = np.searchsorted(video_numbers, observations.video_numbers)
    rows = row_of[observations.snapshots] + 1
    is_listed = np.zeros(shape, np.bool_)
    is_listed[0, held] = is_listed[rows, places] = True
    is_listed = np.logical_or.accumulate(is_listed)
    counts = np.zeros((counters, *shape), np.int64)
    unknown = np.zeros(shape, np.uint8)
    for number in range(counters):
        is_there = (observations.missing >> number & 1) == 0
        is_known = np.zeros(shape, np.bool_)
        is_known[0, held] = (opening.unknown >> number & 1) == 0
        counts[number, 0, held] = opening.counts[number]
        # The last of several observations on one day stays.
        at = rows[is_there], places[is_there]
        is_known[at] = True
        counts[number][at] = observations.counts[number][is_there]
        counts[number] = _carried_on(counts[number], is_known)
        unknown |= np.where(np.logical_or.accumulate(is_known), 0, 1 << number).astype(
            np.uint8
        )
    return [
        DayEnd(
            day,
            Levels(
                video_numbers[is_listed[row]],
                counts[:, row, is_listed[row]],
                unknown[row, is_listed[row]],
            ),
        )
        for row, day in enumerate(some_days.tolist(), start=1)
    ]


def _carried_on(counts: Longs, is_known: Mask) -> Longs:
    """Return the counts, each taken from the last row in which it is known."""
    rows = np.arange(len(counts))[:, np.newaxis]
    last = np.maximum.accumulate(np.where(is_known, rows, 0))
    return np.take_along_axis(counts, last, axis=0)
