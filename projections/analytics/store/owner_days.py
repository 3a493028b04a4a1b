"""Tables analytics_owner_days and analytics_first_levels: levels of owners by day.

Snapshots that come in time order go on from the owner's levels. Where one comes late,
or a video gets another owner, the days from there on are folded anew from the stored
snapshots.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import Packed, bigints, blobs
from projections.analytics.fold.columns import Observations
from projections.analytics.fold.day_ends import (
    beginning_of,
    day_ends,
    day_of,
    only_known,
    with_first_levels,
)
from projections.analytics.fold.keys import OwnerKey, SnapshotTime
from projections.analytics.fold.levels import Levels
from projections.analytics.fold.owner_days import OwnerDays, OwnerId
from projections.analytics.fold.rollup_deltas import VIDEOS
from projections.analytics.store.column_codec import pack_levels, unpack, unpack_levels
from projections.analytics.store.keys import columns_of, execute
from projections.analytics.store.snapshots import last_snapshot, packed_snapshots
from projections.analytics.store.statements import delete_rows, save_rows

_SNAPSHOTS_AT_ONCE = 200
_LAST_POSITION = 2**63 - 1


def save_owner_days(cursor: Cursor[TupleRow], days: OwnerDays) -> None:
    """Save days and first levels. The snapshots have been saved before."""
    _save_new(cursor, days)
    for key, since in sorted(days.since.items()):
        again = OwnerDays()
        _fold_again(cursor, key, since, again)
        _save_new(cursor, again)


def _save_new(cursor: Cursor[TupleRow], days: OwnerDays) -> None:
    _save_ends(cursor, days.ends)
    if days.first:
        held = _load_first(cursor, list(days.first))
        first = {
            owner: with_first_levels(held[owner], new) if owner in held else new
            for owner, new in days.first.items()
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
        levels = unpack_levels(row[0], counters=VIDEOS.counters)
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
        delete_rows(cursor, "analytics_first_levels", _columns_of([owner]))
        if len(stays.video_numbers):
            _save_first(cursor, {owner: stays})
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


def _load_first(
    cursor: Cursor[TupleRow], owners: Sequence[OwnerId]
) -> dict[OwnerId, Levels]:
    rows = execute(
        cursor,
        """
        SELECT organization_id, owner, levels
        FROM unnest(%b::uuid[], %b::uuid[]) AS requested (o, w)
        JOIN analytics_first_levels ON organization_id = o AND owner = w
        """,
        *columns_of(owners),
    )
    return {
        (row[0], row[1]): unpack_levels(row[2], counters=VIDEOS.counters)
        for row in rows
    }


def _save_first(cursor: Cursor[TupleRow], first: Mapping[OwnerId, Levels]) -> None:
    levels = {"levels": blobs(pack_levels(first.values()))}
    save_rows(cursor, "analytics_first_levels", _columns_of(first), levels)


def _save_ends(
    cursor: Cursor[TupleRow], ends: Mapping[tuple[OwnerId, int], Levels]
) -> None:
    if ends:
        days = bigints([day for _, day in ends])
        save_rows(
            cursor,
            "analytics_owner_days",
            {**_columns_of([owner for owner, _ in ends]), "day": days},
            {"levels": blobs(pack_levels(ends.values()))},
        )


def _columns_of(owners: Iterable[OwnerId]) -> dict[str, Packed]:
    names = ("organization_id", "owner")
    return dict(zip(names, columns_of(owners), strict=True))
