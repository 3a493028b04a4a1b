"""Cumulative sums of creators at the ends of days, from the deltas of rollups.

Day n begins n days after 1970. The sums at its end include all quarter-hours up to
there. ``_new`` is the level without baselines and without sharpenings, so the new
counts of any days are one difference.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from domain.analytics.metrics import VIDEO_METRICS
from projections.analytics.fold.columns import Longs
from projections.analytics.fold.keys import CreatorKey
from projections.analytics.fold.levels import Deltas
from projections.analytics.fold.rollup_deltas import (
    PRECISION,
    PROFILES,
    VIDEOS,
    MetricGroup,
    RollupDeltas,
)

SLOTS_A_DAY = 96
_SAFE = 2**62


class DaySums(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of tables: sums at the ends of days, and after the last day.

    ``expressions`` make the columns from a row of rollups.
    """

    metric_group: MetricGroup
    columns: Sequence[str]
    expressions: Sequence[str]

    @property
    def group(self) -> int:
        return self.metric_group.number

    @property
    def days(self) -> str:
        return f"analytics_{self.metric_group.name}_days"

    @property
    def totals(self) -> str:
        return f"analytics_{self.metric_group.name}_totals"

    @property
    def rollups(self) -> str:
        """Return the tables of the expressions, as a part of FROM."""
        table = self.metric_group.rollup_table
        if not self.metric_group.has_precision:
            return table
        return f"{table} LEFT JOIN {PRECISION.table} USING (organization_id, id, slot)"


VIDEO_SUMS = DaySums(
    metric_group=VIDEOS,
    columns=[
        column
        for metric in VIDEO_METRICS
        for column in (metric, f"{metric}_new", f"{metric}_known")
    ],
    expressions=[
        expression
        for metric in VIDEO_METRICS
        for expression in (metric, f"{metric} - {metric}_base", f"{metric}_known")
    ],
)
# Lists show no other counter of profiles than followers.
PROFILE_SUMS = DaySums(
    metric_group=PROFILES,
    columns=[
        *("followers", "followers_new", "followers_known"),
        *("followers_sharpenings", "followers_rounded", "followers_changes"),
    ],
    expressions=[
        "followers",
        "followers - followers_base - coalesce(followers_sharpened, 0)",
        "followers_known",
        "coalesce(followers_sharpenings, 0)",
        "coalesce(followers_rounded, 0)",
        "coalesce(followers_changes, 0)",
    ],
)
DAY_SUMS = (VIDEO_SUMS, PROFILE_SUMS)


class SlotMoves(msgspec.Struct, frozen=True):
    """The moves of a creator's sums: a column a slot, a row for each column of a table.

    ``observed`` is the change of the number of observations in each slot.
    """

    slots: Longs
    observed: Deltas
    moves: Deltas


class CreatorSums(msgspec.Struct, frozen=True):
    """The sums after a creator's last day, and its first and last observed day."""

    first_day: int
    last_day: int
    values: Sequence[int]


def moves_of(rollups: RollupDeltas) -> dict[CreatorKey, SlotMoves]:
    """Return the moves of the sums of creators, without their posts."""
    levels = _by_creator(rollups)
    if rollups.precision is None:
        moves = {key: _of_videos(*each) for key, each in levels.items()}
    else:
        precision = _by_creator(rollups.precision)
        nothing = np.empty(0, np.int64), np.zeros((PRECISION.height, 0), np.int64)
        no_levels = nothing[0], np.zeros((rollups.rollup.height, 0), np.int64)
        moves = {
            key: _of_profiles(*levels.get(key, no_levels), *precision.get(key, nothing))
            for key in levels | precision
        }
    return {key: each for key, each in moves.items() if len(each.slots)}


def _by_creator(rollups: RollupDeltas) -> dict[CreatorKey, tuple[Longs, Deltas]]:
    return {
        (each.organization_id, each.subject): (each.slots, roomy(each.deltas))
        for each in rollups.by_subject(only_creators=True)
    }


def _of_videos(slots: Longs, deltas: Deltas) -> SlotMoves:
    level, known, base = (deltas[first:-1:4] for first in (1, 2, 3))
    moves = np.stack((level, level - base, known), axis=1)
    return _where_any(slots, deltas[0], moves.reshape(-1, len(slots)))


def _of_profiles(
    slots: Longs, deltas: Deltas, precision_slots: Longs, precision: Deltas
) -> SlotMoves:
    both = np.union1d(slots, precision_slots)
    snapshots, level, known, base = _spread(deltas[:4], slots, both)
    sharpened, *marks = _spread(precision[:4], precision_slots, both)
    moves = np.stack((level, level - base - sharpened, known, *marks))
    return _where_any(both, snapshots, moves)


def _where_any(slots: Longs, observed: Deltas, moves: Deltas) -> SlotMoves:
    is_any = (moves != 0).any(axis=0) | (observed != 0)
    return SlotMoves(slots[is_any], observed[is_any], moves[:, is_any])


def _spread(deltas: Deltas, slots: Longs, among: Longs) -> Deltas:
    found = np.zeros((len(deltas), len(among)), deltas.dtype)
    found[:, np.searchsorted(among, slots)] = deltas
    return found


def roomy(deltas: Deltas) -> Deltas:
    """Return the numbers in a type in which the sum of them all cannot overflow."""
    if deltas.dtype == object or not deltas.size:
        return deltas
    most = max(int(deltas.max()), -int(deltas.min()))
    return deltas if 4 * most * deltas.shape[1] < _SAFE else deltas.astype(object)


def sums_after(
    before: CreatorSums | None, days: Longs, moves: Deltas
) -> tuple[CreatorSums, tuple[Longs, Deltas]]:
    """Return the sums after these moves, and those at the end of each day before."""
    begins = np.ones(len(days), np.bool_)
    begins[1:] = days[1:] != days[:-1]
    days = days[begins]
    moves = np.add.reduceat(moves, np.flatnonzero(begins), axis=1)
    first = int(days[0])
    if before is not None:
        # The totals are the sums at the end of the last day, which may not be over.
        opening = np.array(before.values, object)[:, np.newaxis]
        days = np.concatenate(([before.last_day], days))
        moves = np.concatenate((opening, moves), axis=1)
        first = before.first_day
    if moves.dtype == object:
        moves = roomy(_narrow(moves))
    ends = np.cumsum(moves, axis=1)
    last = int(days[-1])
    dense = np.arange(int(days[0]), last)
    at = np.searchsorted(days, dense, side="right") - 1
    after = CreatorSums(first, last, ends[:, -1].tolist())
    return after, (dense, ends[:, at])


def _narrow(numbers: Deltas) -> Deltas:
    """Return numbers as 64 bits each, if all fit."""
    try:
        return numbers.astype(np.int64)
    except OverflowError:
        return numbers
