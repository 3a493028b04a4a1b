"""Gains of members of a campaign while they were members, as counter series.

A level from before a join is no gain, but its successor is measured against it. In each
series the level is the sum of all gains, and there are no baselines.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from domain.analytics.buckets import slot_of
from domain.analytics.membership import Spans, holds_slot
from domain.analytics.metrics import Mode
from domain.analytics.series import CounterSeries, PrecisionSeries
from projections.analytics.fold.columns import Longs, Mask, Observations
from projections.analytics.fold.keys import slots_of
from projections.analytics.read.accumulate import precision_or_none

_A_SLOT = 900_000_000


class PlacedObservations(NamedTuple):
    """Observations one by one, with the bucket in which each takes effect.

    An observation that ``is_gain`` takes effect at its own time, any other at the join
    after it. Observations after the last leave, and before a join after the range, are
    left out.
    """

    observations: Observations
    instants: Longs
    buckets: Longs
    is_gain: Mask


def placed(
    spans: Sequence[Spans], observations: Observations, instants: Longs, bounds: Longs
) -> PlacedObservations:
    """Return the observations by bucket.

    ``spans`` are by video number. ``instants`` are by snapshot, ``bounds`` the ends of
    the buckets, both in microseconds.
    """
    at = instants[observations.snapshots]
    next_join, is_gain, is_left = _against(spans, observations.video_numbers, at)
    buckets = np.searchsorted(bounds, np.where(is_gain, at, next_join), side="left")
    is_used = ~is_left & (buckets < len(bounds))
    used = observations.where(is_used)
    alone = Observations(
        used.video_numbers, np.arange(len(used)), used.counts, used.missing
    )
    return PlacedObservations(alone, at[is_used], buckets[is_used], is_gain[is_used])


def gains_among(
    spans: Sequence[Spans], observations: Observations, instants: Longs
) -> Mask:
    """Return the observations that fell into a span of their video."""
    at = instants[observations.snapshots]
    return _against(spans, observations.video_numbers, at)[1]


def gains_of(
    deltas: npt.NDArray[Any],
    precision: npt.NDArray[Any] | None,
    spans: Spans,
    boundaries: Sequence[datetime],
    mode: Mode,
) -> CounterSeries:
    """Return the series of one counter from its deltas.

    The first row is the number of observations. The other axes are buckets, 0 being
    before the first, and gain or not.
    """
    snapshots, change, known, bases, baselines = deltas
    gained = change[:, 1] - bases[:, 1]
    precise = None
    if precision is not None:
        sharpened, sharpenings, rounded, changes = precision
        gained = gained - sharpened[:, 1]
        precise = gained_precision(
            sharpenings[:, 1].tolist(),
            rounded.sum(axis=1).tolist(),
            changes[:, 1].tolist(),
            spans,
            boundaries,
            mode,
        )
    size = len(boundaries) - 1
    return CounterSeries(
        levels=list(accumulate(gained.tolist())),
        known=list(accumulate(known.sum(axis=1).tolist())),
        bases=[0] * size,
        baselines=baselines[1:, 1].tolist(),
        snapshots=snapshots[1:, 1].tolist(),
        precision=precise,
    )


def gained_precision(
    sharpenings: Sequence[int],
    rounded: Sequence[int],
    changes: Sequence[int],
    spans: Spans,
    boundaries: Sequence[datetime],
    mode: Mode,
) -> PrecisionSeries | None:
    """Return the precision of the gains of one profile, from deltas by bucket.

    A sum of gains is rounded from its first rounded gain on.
    """
    levels = list(accumulate(rounded))
    if mode == "cumulative":
        before = accumulate(changes)
        levels = [a + b for a, b in zip(levels, before, strict=True)]
    else:
        slots = map(slot_of, boundaries)
        levels = [
            level if holds_slot(spans, slot) else 0
            for level, slot in zip(levels, slots, strict=True)
        ]
    nothing = [0] * len(sharpenings[1:])
    return precision_or_none(levels, nothing, sharpenings[1:], changes[1:])


def _against(
    spans: Sequence[Spans], video_numbers: Longs, instants: Longs
) -> tuple[Longs, Mask, Mask]:
    """Return by observation the next join, if it is a gain, and if no join follows."""
    slots = slots_of(instants)
    next_join = np.zeros(len(slots), np.int64)
    is_gain, is_left = np.zeros(len(slots), np.bool_), np.ones(len(slots), np.bool_)
    order = np.argsort(video_numbers, kind="stable")
    starts = np.searchsorted(video_numbers[order], np.arange(len(spans) + 1))
    for number, its_spans in enumerate(spans):
        own = order[starts[number] : starts[number + 1]]
        if not len(own) or not its_spans:
            continue
        firsts, lasts = np.array(its_spans, np.int64).T
        which = np.searchsorted(lasts, slots[own], side="left")
        is_left[own] = which == len(lasts)
        first = firsts[np.minimum(which, len(lasts) - 1)]
        is_gain[own] = ~is_left[own] & (slots[own] > first)
        next_join[own] = first * _A_SLOT + 1
    return next_join, is_gain, is_left
