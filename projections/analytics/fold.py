"""Herds with more looks, and with other standings: what that moves, worked out.

Where looks come in the order they were made, they only need what is known after the
last. Late ones, and things that count otherwise than before, are worked out twice from
the looks that are kept: as the sums have them now, and as they are to be.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.columns import Bits, Longs, Mask, Observations
from projections.analytics.keys import Moment, slots_of
from projections.analytics.levels import Levels, follow
from projections.analytics.owner_state import BASELINE, COUNTED, NEVER, OWNED, Herd
from projections.analytics.rollup_deltas import FAMILIES, Sums
from projections.analytics.snapshots import (
    Look,
    instants_of,
    load_looks,
    looks_before,
    together,
)


class Standings(msgspec.Struct, frozen=True):
    """How things stand now: their numbers in ascending order, and a flag each."""

    things: Longs
    flags: Bits

    @classmethod
    def of(cls, flags: dict[int, int]) -> "Standings":
        things = sorted(flags)
        values = [flags[thing] for thing in things]
        return cls(np.array(things, np.int64), np.array(values, np.uint8))

    def put_on(self, herd: Herd) -> None:
        """Set the flags of those of the herd's things that are among these."""
        if not len(self.things):
            return
        at = np.searchsorted(self.things, herd.things)
        at[at == len(self.things)] = 0
        is_known = self.things[at] == herd.things
        herd.flags = np.where(is_known, self.flags[at], herd.flags)


def take_in(
    cursor: Cursor[TupleRow],
    herd: Herd,
    looks: Sequence[Look],
    standings: Standings,
    sums: Sums,
) -> list[Look]:
    """Take looks and standings into the herd, and move the sums by what follows.

    The looks are in order. Returns those that are to be kept, with what was kept of
    them before; what was taken in before is not among them.
    """
    looks = [look for look in looks if look.is_kept]
    counters = FAMILIES[herd.family].counters
    told = together(looks, counters=counters)
    herd.with_things(_things_in(told))
    before = herd.flags
    standings.put_on(herd)
    had_any = herd.first_at != NEVER
    again = (before != herd.flags) & had_any
    since = int(herd.first_at[again].min()) if again.any() else NEVER
    # At the last instant, too: what was the level there may be none any more.
    is_late = bool(looks) and looks[0].moment[0] <= herd.last[0]
    if is_late:
        since = min(since, looks[0].moment[0])
    stored = [] if since == NEVER else load_looks(cursor, herd.key, since=since)
    kept: list[Look] = list(looks)
    if is_late:
        looks, kept = _unknown(looks, stored)
        told = together(looks, counters=counters)
        again |= np.isin(herd.things, told.things) & had_any
    if again.any():
        _fold_again(cursor, herd, again, before, stored, looks, since, sums)
    instants = instants_of(looks)
    if again.any():
        fresh = _only(looks, herd.things[~again])
        if fresh:
            _move_by(herd, herd.levels, fresh, herd.flags, sums)
    elif looks:
        _move(herd, herd.levels, instants, told, herd.flags, sums)
    if looks:
        herd.last = max(herd.last, looks[-1].moment)
        _note_first(herd, instants, told)
    return kept


def fold_anew(
    herd: Herd,
    moments: Sequence[Moment],
    told: Observations,
    standings: Standings,
    sums: Sums,
) -> None:
    """Take looks into the herd that come after all it has, as they are kept."""
    herd.with_things(_things_in(told))
    standings.put_on(herd)
    instants = np.array([moment[0] for moment in moments], np.int64)
    _move(herd, herd.levels, instants, told, herd.flags, sums)
    herd.last = moments[-1]
    _note_first(herd, instants, told)


def take_away(herd: Herd, things: Longs, stored: Sequence[Look], sums: Sums) -> None:
    """Take things out of the herd and its sums; the looks are all that saw them."""
    gone = _only(stored, things)
    is_counted = (herd.flags & COUNTED) != 0
    if gone and is_counted[np.isin(herd.things, things)].any():
        levels = Levels.nothing(herd.things, counters=FAMILIES[herd.family].counters)
        _move_by(herd, levels, gone, herd.flags, sums, sign=-1)
    herd.without(things)


def _fold_again(
    cursor: Cursor[TupleRow],
    herd: Herd,
    again: Mask,
    before: Bits,
    stored: Sequence[Look],
    looks: Sequence[Look],
    since: int,
    sums: Sums,
) -> None:
    things = herd.things[again]
    opening = _levels_before(cursor, herd, again, since)
    old, new = _only(stored, things), _only(looks, things)
    if (before[again] & COUNTED).any():
        _move_by(herd, opening.copy(), old, before, sums, sign=-1)
    merged = sorted([*old, *new], key=lambda look: look.moment)
    _move_by(herd, opening, merged, herd.flags, sums)
    herd.levels.counts[:, again] = opening.counts[:, again]
    herd.levels.unknown[again] = opening.unknown[again]


def _move_by(
    herd: Herd,
    levels: Levels,
    looks: Sequence[Look],
    flags: Bits,
    sums: Sums,
    *,
    sign: int = 1,
) -> None:
    told = together(looks, counters=len(levels.counts))
    _move(herd, levels, instants_of(looks), told, flags, sums, sign=sign)


def _move(
    herd: Herd,
    levels: Levels,
    instants: Longs,
    told: Observations,
    flags: Bits,
    sums: Sums,
    *,
    sign: int = 1,
) -> None:
    """Take what looks saw into the levels, and move the sums by it."""
    slots, groups = np.unique(slots_of(instants), return_inverse=True)
    moved = follow(
        levels,
        told,
        groups,
        instants,
        size=len(slots),
        is_counted=(flags & COUNTED) != 0,
        is_baseline=(flags & BASELINE) != 0,
    )
    if moved.any():
        sums.add(herd.organization_id, herd.subjects, slots, moved, sign=sign)


def _levels_before(
    cursor: Cursor[TupleRow], herd: Herd, wanted: Mask, since: int
) -> Levels:
    """Return what was known of the wanted things before an instant."""
    counters = len(herd.levels.counts)
    found = Levels.nothing(herd.things, counters=counters)
    # What is not known now was never known.
    sought = np.where(wanted & (herd.first_at < since), ~herd.levels.unknown, 0)
    sought = (sought & ((1 << counters) - 1)).astype(np.uint8)
    if not sought.any():
        return found
    for looks in looks_before(cursor, herd.key, since):
        for look in looks:
            seen = look.seen
            is_ours = np.isin(seen.things, herd.things)
            at = found.places_of(seen.things[is_ours])
            for number in range(counters):
                bit = np.uint8(1 << number)
                use = ((sought[at] & bit) != 0) & ((seen.missing[is_ours] & bit) == 0)
                place = at[use]
                found.counts[number][place] = seen.counts[number][is_ours][use]
                found.unknown[place] &= ~bit
                sought[place] &= ~bit
        if not sought.any():
            break
    return found


def _unknown(
    looks: Sequence[Look], stored: Sequence[Look]
) -> tuple[list[Look], list[Look]]:
    """Return what of the looks was not kept yet, and the rows to keep instead."""
    held = {look.moment: look for look in stored}
    told: list[Look] = []
    kept: list[Look] = []
    for look in looks:
        before = held.get(look.moment)
        if before is None:
            told.append(look)
            kept.append(look)
            continue
        seen = look.seen.where(~np.isin(look.seen.things, before.seen.things))
        if len(seen):
            told.append(msgspec.structs.replace(look, seen=seen))
            kept.append(msgspec.structs.replace(look, seen=before.seen.and_(seen)))
    return told, kept


def _only(looks: Sequence[Look], things: Longs) -> list[Look]:
    """Return what the looks saw of these things."""
    found: list[Look] = []
    for look in looks:
        mask = np.isin(look.seen.things, things)
        if mask.any():
            found.append(msgspec.structs.replace(look, seen=look.seen.where(mask)))
    return found


def _things_in(told: Observations) -> Longs:
    return told.things[: told.alike] if told.alike else np.unique(told.things)


def _note_first(herd: Herd, instants: Longs, told: Observations) -> None:
    if told.alike:
        at = herd.levels.places_of(told.things[: told.alike])
        herd.first_at[at] = np.minimum(herd.first_at[at], instants.min())
        return
    at = herd.levels.places_of(told.things)
    np.minimum.at(herd.first_at, at, instants[told.looks])


def is_owned(herd: Herd) -> bool:
    """Tell whether anything of the herd is its owner's for sure."""
    return bool((herd.flags & OWNED).any())
