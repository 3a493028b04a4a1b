"""Tables analytics_owner_days and analytics_first_levels: videos of owners by day.

Snapshots that come in time order go on from the owner's levels. Where one comes late,
or a video gets another owner, the days from there on are folded anew from the stored
snapshots.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, blobs, uuids
from projections.analytics.column_codec import pack_all, unpack
from projections.analytics.columns import Observations, ObservedCounts
from projections.analytics.days.day_ends import (
    DayEnd,
    beginning_of,
    day_ends,
    day_of,
    days_of,
    first_levels,
    only_known,
    with_first_levels,
)
from projections.analytics.keys import OwnerKey, SnapshotTime, execute
from projections.analytics.levels import Levels
from projections.analytics.owner_state import OwnerState
from projections.analytics.rollup_deltas import VIDEOS
from projections.analytics.snapshot_pages import packed_snapshots
from projections.analytics.snapshots import (
    OwnerSnapshot,
    last_snapshot,
    observations_of,
)

_SNAPSHOTS_AT_ONCE = 200
_LAST_POSITION = 2**63 - 1
_OwnerId = tuple[UUID, UUID]
"""An organization and an owner."""


class OwnerDays:
    """Days that are over, and first levels, of some owners of videos."""

    def __init__(self) -> None:
        self._ends: dict[tuple[_OwnerId, int], Levels] = {}
        self._first: dict[_OwnerId, Levels] = {}
        self._since: dict[OwnerKey, int] = {}

    def go_on(
        self,
        key: OwnerKey,
        opening: Levels,
        last: SnapshotTime,
        times: Sequence[SnapshotTime],
        observations: Observations,
    ) -> None:
        """Add snapshots that are later than the last one before.

        ``opening`` are the levels after that one.
        """
        if not times:
            return
        owner = key[0], key[2]
        instants = np.array([time[0] for time in times], np.int64)
        days = days_of(instants)
        before = day_of(last[0]) if last[1] else None
        if before is not None and days[0] > before:
            self._add(owner, DayEnd(before, opening))
        # The last day is not over, so what the owner state has is its end.
        if days[-1] > days[0]:
            is_over = days < days[-1]
            over = observations.where(is_over[observations.snapshots])
            for end in day_ends(opening, over, days[is_over]):
                self._add(owner, end)
        new = first_levels(opening, observations, instants)
        if new is not None:
            held = self._first.get(owner)
            self._first[owner] = new if held is None else with_first_levels(held, new)

    def took_in(
        self,
        state: OwnerState,
        opening: Levels,
        last: SnapshotTime,
        snapshots: Sequence[OwnerSnapshot],
    ) -> None:
        """Add the snapshots that a state has applied.

        ``opening`` and ``last`` are its levels and its last snapshot before.
        """
        kept = [snapshot for snapshot in snapshots if snapshot.is_kept]
        if not kept:
            return
        if kept[0].time[0] <= last[0]:
            self.fold_again(state.key, kept[0].time[0])
            return
        if day_of(kept[-1].time[0]) == day_of(last[0]) and np.array_equal(
            opening.unknown, state.levels.unknown
        ):
            # Most snapshots end no day, and show nothing for the first time.
            return
        times = [snapshot.time for snapshot in kept]
        observations = observations_of(kept, counters=VIDEOS.counters)
        self.go_on(state.key, opening, last, times, observations)

    def fold_again(self, key: OwnerKey, since: int) -> None:
        """Note that snapshots at or after an instant were added or removed."""
        self._since[key] = min(since, self._since.get(key, since))

    def save(self, cursor: Cursor[TupleRow]) -> None:
        """Save all of it. The snapshots have been saved before."""
        self._save_new(cursor)
        for key, since in sorted(self._since.items()):
            again = OwnerDays()
            _fold_again(cursor, key, since, again)
            again._save_new(cursor)

    def _add(self, owner: _OwnerId, end: DayEnd) -> None:
        if len(end.levels.video_numbers):
            self._ends[owner, end.day] = end.levels

    def _save_new(self, cursor: Cursor[TupleRow]) -> None:
        _save_ends(cursor, self._ends)
        if self._first:
            held = _load_first(cursor, list(self._first))
            first = {
                owner: with_first_levels(held[owner], new) if owner in held else new
                for owner, new in self._first.items()
            }
            _save_first(cursor, first)


def _fold_again(
    cursor: Cursor[TupleRow], key: OwnerKey, since: int, days: OwnerDays
) -> None:
    owner = key[0], key[2]
    day = day_of(since)
    levels = Levels.nothing(np.empty(0, np.int64), counters=VIDEOS.counters)
    row = execute(
        cursor,
        """
        SELECT levels FROM analytics_owner_days
        WHERE organization_id = %s AND owner = %s AND day < %s
        ORDER BY day DESC LIMIT 1
        """,
        *owner,
        day,
    ).fetchone()
    if row is not None:
        levels = _levels_of(row[0])
    last = last_snapshot(cursor, key)
    execute(
        cursor,
        "DELETE FROM analytics_owner_days "
        "WHERE organization_id = %s AND owner = %s AND day >= %s",
        *owner,
        day if last is None else min(day, day_of(last[0])),
    )
    held = _load_first(cursor, [owner]).get(owner)
    if held is not None:
        stays = only_known(held, levels)
        _delete_first(cursor, owner)
        if len(stays.video_numbers):
            _save_first(cursor, {owner: stays})
    before: SnapshotTime = (0, 0)
    after = beginning_of(day), _LAST_POSITION
    for times, packed in packed_snapshots(
        cursor, key, after=after, at_once=_SNAPSHOTS_AT_ONCE
    ):
        observations = unpack(packed, counters=VIDEOS.counters)
        days.go_on(key, levels, before, times, observations)
        levels = _after(levels, observations, snapshots=len(times))
        before = times[-1]


def _after(levels: Levels, observations: Observations, *, snapshots: int) -> Levels:
    return day_ends(levels, observations, np.zeros(snapshots, np.int64))[-1].levels


def _load_first(
    cursor: Cursor[TupleRow], owners: Sequence[_OwnerId]
) -> dict[_OwnerId, Levels]:
    rows = execute(
        cursor,
        """
        SELECT organization_id, owner, levels
        FROM unnest(%b::uuid[], %b::uuid[]) AS requested (o, w)
        JOIN analytics_first_levels ON organization_id = o AND owner = w
        """,
        uuids([owner[0] for owner in owners]),
        uuids([owner[1] for owner in owners]),
    )
    return {(row[0], row[1]): _levels_of(row[2]) for row in rows}


def _save_first(cursor: Cursor[TupleRow], first: Mapping[_OwnerId, Levels]) -> None:
    execute(
        cursor,
        """
        INSERT INTO analytics_first_levels (organization_id, owner, levels)
        SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::bytea[])
        ON CONFLICT (organization_id, owner) DO UPDATE SET levels = excluded.levels
        """,
        uuids([owner[0] for owner in first]),
        uuids([owner[1] for owner in first]),
        blobs(_packed(list(first.values()))),
    )


def _delete_first(cursor: Cursor[TupleRow], owner: _OwnerId) -> None:
    query = "DELETE FROM analytics_first_levels WHERE organization_id = %s "
    execute(cursor, f"{query} AND owner = %s", *owner)


def _save_ends(
    cursor: Cursor[TupleRow], ends: Mapping[tuple[_OwnerId, int], Levels]
) -> None:
    if ends:
        execute(
            cursor,
            """
            INSERT INTO analytics_owner_days (organization_id, owner, day, levels)
            SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::bytea[])
            ON CONFLICT (organization_id, owner, day)
            DO UPDATE SET levels = excluded.levels
            """,
            uuids([owner[0] for owner, _ in ends]),
            uuids([owner[1] for owner, _ in ends]),
            bigints([day for _, day in ends]),
            blobs(_packed(list(ends.values()))),
        )


def _packed(levels: Sequence[Levels]) -> list[bytes]:
    return pack_all(
        [ObservedCounts(one.video_numbers, one.counts, one.unknown) for one in levels]
    )


def _levels_of(packed: bytes) -> Levels:
    observed = unpack([packed], counters=VIDEOS.counters)
    return Levels(observed.video_numbers, observed.counts, observed.missing)
