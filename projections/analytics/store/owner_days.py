"""Table analytics_owner_days: levels of owners at the ends of days.

Snapshots that come in time order go on from the owner's levels. Where one comes late,
or a video gets another owner, the days from there on are folded anew from the stored
snapshots.
"""

from collections.abc import Mapping

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, blobs
from projections.analytics.fold.columns import Observations
from projections.analytics.fold.day_ends import (
    beginning_of,
    day_ends,
    day_of,
)
from projections.analytics.fold.keys import OwnerKey, SnapshotTime
from projections.analytics.fold.levels import Levels
from projections.analytics.fold.owner_days import OwnerDays, OwnerId
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.store.column_codec import pack_levels, unpack, unpack_levels
from projections.analytics.store.keys import columns_of, execute
from projections.analytics.store.snapshots import last_snapshot, packed_snapshots
from projections.analytics.store.statements import save_rows

_SNAPSHOTS_AT_ONCE = 200
_LAST_POSITION = 2**63 - 1


def save_owner_days(cursor: Cursor[TupleRow], days: OwnerDays) -> None:
    """Save days. The snapshots have been saved before."""
    _save_ends(cursor, days.ends)
    for key, since in sorted(days.since.items()):
        again = OwnerDays()
        _fold_again(cursor, key, since, again)
        _save_ends(cursor, again.ends)


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
        levels = unpack_levels(row[0], counters=VIDEOS.counters)
    last = last_snapshot(cursor, key)
    execute(
        cursor,
        "DELETE FROM analytics_owner_days "
        "WHERE organization_id = %s AND owner = %s AND day >= %s",
        *owner,
        day if last is None else min(day, day_of(last[0])),
    )
    before: SnapshotTime = (0, 0)
    after = beginning_of(day), _LAST_POSITION
    for times, packed in packed_snapshots(
        cursor, key, after=after, at_once=_SNAPSHOTS_AT_ONCE
    ):
        observations = unpack(packed, counters=VIDEOS.counters)
        days.add_later(key, levels, before, times, observations)
        levels = _after(levels, observations, snapshots=len(times))
        before = times[-1]


def _after(levels: Levels, observations: Observations, *, snapshots: int) -> Levels:
    return day_ends(levels, observations, np.zeros(snapshots, np.int64))[-1].levels


def _save_ends(
    cursor: Cursor[TupleRow], ends: Mapping[tuple[OwnerId, int], Levels]
) -> None:
    if ends:
        organizations, owners = columns_of([owner for owner, _ in ends])
        days = bigints([day for _, day in ends])
        save_rows(
            cursor,
            "analytics_owner_days",
            {"organization_id": organizations, "owner": owners, "day": days},
            {"levels": blobs(pack_levels(ends.values()))},
        )
