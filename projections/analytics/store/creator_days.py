"""Tables analytics_{video,profile}_totals and _days: creators' sums by day.

Observations that come in time order go on from the totals. Where one comes late, or a
video begins or stops to count, the days from there on are summed up anew from the
rollups, which are stored before.
"""

from collections.abc import Mapping
from uuid import UUID

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.fold.columns import Longs
from projections.analytics.fold.day_sums import (
    SLOTS_A_DAY,
    CreatorSums,
    DaySums,
    SlotMoves,
    roomy,
)
from projections.analytics.fold.keys import CreatorKey
from projections.analytics.fold.levels import Deltas
from projections.analytics.store.creator_rows import (
    CreatorDays,
    delete_days,
    delete_totals,
    last_observed_day,
    load_days,
    load_totals,
    moves_since,
    save_days_of,
    save_totals,
)


def save_creator_days(
    cursor: Cursor[TupleRow], sums: DaySums, moved: Mapping[CreatorKey, SlotMoves]
) -> None:
    """Add to the sums by day what was added to the rollups."""
    if not moved:
        return
    held = load_totals(cursor, sums, list(moved))
    totals: dict[CreatorKey, CreatorSums] = {}
    closed: list[CreatorDays] = []
    late: dict[CreatorKey, int] = {}
    for key, moves in moved.items():
        before = held.get(key)
        days = (moves.slots - 1) // SLOTS_A_DAY
        is_late = before is not None and int(days[0]) < before.last_day
        if is_late or (moves.observed < 0).any():
            late[key] = int(days[0])
            continue
        after, its_days = _gone_on(before, days, moves.moves)
        totals[key] = after
        if len(its_days[0]):
            closed.append(CreatorDays(key, *its_days))
    if late:
        closed += _summed_anew(cursor, sums, late, held, totals)
    save_totals(cursor, sums, totals)
    save_days_of(cursor, sums, closed)


def _gone_on(
    before: CreatorSums | None, days: Longs, moves: Deltas
) -> tuple[CreatorSums, tuple[Longs, Deltas]]:
    """Return the sums after these moves, and the days that are over by then."""
    begins = np.ones(len(days), np.bool_)
    begins[1:] = days[1:] != days[:-1]
    days = days[begins]
    moves = np.add.reduceat(moves, np.flatnonzero(begins), axis=1)
    first = int(days[0])
    if before is not None:
        # What stood before is the end of the last day, which need not be over.
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


def _summed_anew(
    cursor: Cursor[TupleRow],
    sums: DaySums,
    late: Mapping[CreatorKey, int],
    held: Mapping[CreatorKey, CreatorSums],
    totals: dict[CreatorKey, CreatorSums],
) -> list[CreatorDays]:
    """Put totals of creators that rollups changed earlier; return their days."""
    since = {
        key: min(day, held[key].last_day) if key in held else day
        for key, day in late.items()
    }
    opening = load_days(cursor, sums, {key: day - 1 for key, day in since.items()})
    found: list[CreatorDays] = []
    gone: list[tuple[UUID, int, UUID]] = []
    moved = moves_since(cursor, sums, since)
    for key, day in since.items():
        before = held.get(key)
        start = None
        if key in opening and before is not None:
            start = CreatorSums(before.first_day, day - 1, opening[key])
        rows = moved.get(key, [])
        if not rows and start is not None:
            # Nothing is left of the last days.
            last = last_observed_day(cursor, sums, key)
            start = CreatorSums(start.first_day, last, start.values)
            totals[key] = start
            its_days = np.empty(0, np.int64)
        elif not rows:
            its_days = np.empty(0, np.int64)
            delete_totals(cursor, sums, key)
        else:
            days = np.array([row[0] for row in rows], np.int64)
            moves = np.array([row[1:] for row in rows], object).T
            totals[key], (its_days, values) = _gone_on(start, days, moves)
            found.append(CreatorDays(key, its_days, values))
        if before is not None:
            stays = {*its_days.tolist()}
            begin = totals[key].last_day if key in totals and not rows else day
            gone += [
                (key[0], each, key[1])
                for each in range(max(begin, before.first_day), before.last_day)
                if each not in stays
            ]
    delete_days(cursor, sums, gone)
    return found
