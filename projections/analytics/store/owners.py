"""Tables of owners: the newest levels of their videos, and those at the ends of days.

A row of analytics_owner_states is a state of
``projections/analytics/fold/owner_state.py``, packed. Days of analytics_owner_days go
on from the owner's levels as long as snapshots come in time order. Where one comes
late, or a video gets another owner, the days from there on are folded anew from the
stored snapshots.
"""

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, blobs, timestamps, uuids
from projections.analytics.fold.columns import Observations
from projections.analytics.fold.day_ends import beginning_of, day_ends, day_of
from projections.analytics.fold.keys import OwnerKey, SnapshotTime, instant_of, time_of
from projections.analytics.fold.levels import Levels
from projections.analytics.fold.owner_days import OwnerDays, OwnerId
from projections.analytics.fold.owner_state import OwnerState
from projections.analytics.fold.rollup_deltas import METRIC_GROUPS, VIDEOS
from projections.analytics.store.column_codec import pack_levels, unpack, unpack_levels
from projections.analytics.store.snapshots import last_snapshot, packed_snapshots
from projections.analytics.store.statements import (
    NOBODY,
    columns_of,
    delete_rows,
    execute,
    owner_columns,
    packed_keys,
    packed_pairs,
    save_rows,
)

_AMOUNT = struct.Struct("<I")
# The snapshots of an owner, and the tables that follow from these alone. Its share of
# sums is subtracted before, because its videos do not count any more.
_OF_OWNERS = {
    "analytics_snapshots": "owner",
    "analytics_owner_states": "owner",
    "analytics_owner_days": "owner",
    "analytics_unattributed": "provisional_owner",
}


def packed(states: Sequence[OwnerState]) -> list[bytes]:
    """Return the states as the bytes of their rows."""
    known = pack_levels(state.levels for state in states)
    return [
        b"".join(
            (
                _AMOUNT.pack(len(state.video_numbers)),
                state.first_at.astype("<i8").tobytes(),
                state.flags.tobytes(),
                of_levels,
            )
        )
        for state, of_levels in zip(states, known, strict=True)
    ]


def unpacked_state(
    organization_id: UUID,
    metric_group: int,
    owner: UUID,
    packed: bytes,
    *,
    last: tuple[int, int],
    counters: int,
    project_id: UUID | None,
    creator_id: UUID | None,
) -> OwnerState:
    (amount,) = _AMOUNT.unpack_from(packed)
    flags_at = _AMOUNT.size + 8 * amount
    first_at = np.frombuffer(packed, "<i8", amount, _AMOUNT.size).astype(np.int64)
    flags = np.frombuffer(packed, np.uint8, amount, flags_at).copy()
    return OwnerState(
        organization_id=organization_id,
        metric_group=metric_group,
        owner=owner,
        levels=unpack_levels(packed[flags_at + amount :], counters=counters),
        flags=flags,
        first_at=first_at,
        last=last,
        project_id=project_id,
        creator_id=creator_id,
    )


def load_owner_states(
    cursor: Cursor[TupleRow], keys: Iterable[OwnerKey]
) -> dict[OwnerKey, OwnerState]:
    """Return the states of owners that have one."""
    requested = list(keys)
    if not requested:
        return {}
    rows = execute(
        cursor,
        """
        SELECT o, f, w, project_id, creator_id, observed_at, position, state
        FROM unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS requested (o, f, w)
        CROSS JOIN LATERAL (
            SELECT * FROM analytics_owner_states
            WHERE organization_id = o AND metric_group = f AND owner = w LIMIT 1
        ) found
        """,
        *packed_keys(requested),
    )
    return {
        (row[0], row[1], row[2]): unpacked_state(
            row[0],
            row[1],
            row[2],
            row[7],
            last=(instant_of(row[5]), row[6]),
            counters=METRIC_GROUPS[int(row[1])].counters,
            project_id=row[3],
            creator_id=row[4],
        )
        for row in rows
    }


def save_owner_states(cursor: Cursor[TupleRow], states: Sequence[OwnerState]) -> None:
    """Insert the states, or replace those of the same owners."""
    if states:
        save_rows(
            cursor,
            "analytics_owner_states",
            owner_columns([state.key for state in states]),
            {
                "project_id": uuids([state.project_id or NOBODY for state in states]),
                "creator_id": uuids([state.creator_id or NOBODY for state in states]),
                "observed_at": timestamps([time_of(state.last[0]) for state in states]),
                "position": bigints([state.last[1] for state in states]),
                "state": blobs(packed(states)),
            },
            nullable=("project_id", "creator_id"),
        )


def delete_owner_states(cursor: Cursor[TupleRow], keys: Sequence[OwnerKey]) -> None:
    """Delete the states of owners without snapshots."""
    if keys:
        delete_rows(cursor, "analytics_owner_states", owner_columns(keys))


def forget_owners(
    cursor: Cursor[TupleRow], owners: Collection[tuple[UUID, UUID]]
) -> None:
    """Delete all rows of creators that were erased with their figures."""
    if owners:
        organizations, ids = packed_pairs(owners)
        for table, column in _OF_OWNERS.items():
            key = {"organization_id": organizations, column: ids}
            delete_rows(cursor, table, key)


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
