"""Table analytics_snapshots: the observed counts of one owner's videos at one time."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import bigints, blobs, texts, timestamps, uuids
from projections.analytics.fold.columns import ObservedCounts
from projections.analytics.fold.keys import OwnerKey, SnapshotTime, instant_of, time_of
from projections.analytics.fold.rollup_deltas import METRIC_GROUPS
from projections.analytics.fold.snapshots import OwnerSnapshot
from projections.analytics.store.column_codec import pack_all, unpack
from projections.analytics.store.statements import (
    NOBODY,
    are_copied,
    delete_rows,
    execute,
    owner_columns,
    save_rows,
)

_SNAPSHOTS = """
SELECT observed_at, position, creator_id, scrape_id, provider, recorded_at, counts
FROM analytics_snapshots
WHERE organization_id = %s AND metric_group = %s AND owner = %s
"""


_COPY = """
COPY analytics_snapshots (organization_id, metric_group, owner, observed_at, position,
    creator_id, scrape_id, provider, recorded_at, counts) FROM STDIN (FORMAT BINARY)
"""
_COPY_TYPES = [
    *("uuid", "int2", "uuid", "timestamptz", "int8", "uuid"),
    *("uuid", "text", "timestamptz", "bytea"),
]


def load_snapshots(
    cursor: Cursor[TupleRow],
    key: OwnerKey,
    *,
    since: int,
    after: SnapshotTime | None = None,
    most: int | None = None,
) -> list[OwnerSnapshot]:
    """Return an owner's snapshots from an instant on, in order of time."""
    query = (
        f"{_SNAPSHOTS} AND observed_at >= %s AND (observed_at, position) > (%s, %s) "
    )
    query += "ORDER BY observed_at, position LIMIT %s"
    begin = time_of(since)
    rest = (begin, -1) if after is None else (time_of(after[0]), after[1])
    rows = execute(cursor, query, *key, begin, *rest, most)
    return _snapshots_of(key, rows.fetchall())


def load_packed_counts(
    cursor: Cursor[TupleRow], key: OwnerKey, *, after: SnapshotTime, most: int
) -> tuple[list[SnapshotTime], list[bytes]]:
    """Return the timestamps and the packed counts of an owner's next snapshots."""
    rows = execute(
        cursor,
        """
        SELECT observed_at, position, counts FROM analytics_snapshots
        WHERE organization_id = %s AND metric_group = %s AND owner = %s
        AND (observed_at, position) > (%s, %s)
        ORDER BY observed_at, position LIMIT %s
        """,
        *key,
        time_of(after[0]),
        after[1],
        most,
    ).fetchall()
    return [(instant_of(row[0]), row[1]) for row in rows], [row[2] for row in rows]


class SnapshotsOfOwner:
    """The stored snapshots of one owner, with changes that are not saved yet."""

    def __init__(
        self,
        cursor: Cursor[TupleRow],
        key: OwnerKey,
        changed: Mapping[tuple[OwnerKey, SnapshotTime], OwnerSnapshot | None],
    ) -> None:
        self._cursor = cursor
        self._key = key
        self._changed = changed

    def since(self, instant: int) -> list[OwnerSnapshot]:
        """Return the snapshots from an instant on, in order of time."""
        return self._as_changed(load_snapshots(self._cursor, self._key, since=instant))

    def before(self, instant: int) -> Iterator[list[OwnerSnapshot]]:
        """Yield the snapshots before an instant in pages, the newest first."""
        end, size = (time_of(instant), -1), 8
        query = f"{_SNAPSHOTS} AND (observed_at, position) < (%s, %s) "
        query += "ORDER BY observed_at DESC, position DESC LIMIT %s"
        while True:
            rows = execute(self._cursor, query, *self._key, *end, size).fetchall()
            if rows:
                yield self._as_changed(_snapshots_of(self._key, rows))
            if len(rows) < size:
                return
            end, size = (rows[-1][0], rows[-1][1]), min(2 * size, 256)

    def _as_changed(self, stored: Sequence[OwnerSnapshot]) -> list[OwnerSnapshot]:
        changed = self._changed
        rows = [changed.get((self._key, row.time), row) for row in stored]
        return [row for row in rows if row is not None]


def save_snapshots(
    cursor: Cursor[TupleRow], snapshots: Sequence[OwnerSnapshot]
) -> None:
    """Insert the snapshots, or replace their stored rows."""
    if snapshots:
        save_rows(
            cursor,
            "analytics_snapshots",
            {
                **owner_columns([snapshot.key for snapshot in snapshots]),
                "observed_at": timestamps([each.observed_at for each in snapshots]),
                "position": bigints([snapshot.position for snapshot in snapshots]),
            },
            {
                "creator_id": uuids([each.creator_id or NOBODY for each in snapshots]),
                "scrape_id": uuids([snapshot.scrape_id for snapshot in snapshots]),
                "provider": texts([snapshot.provider for snapshot in snapshots]),
                "recorded_at": timestamps([each.recorded_at for each in snapshots]),
                "counts": blobs(pack_all([each.observed for each in snapshots])),
            },
            nullable=("creator_id",),
        )


def add_snapshots(cursor: Cursor[TupleRow], snapshots: Sequence[OwnerSnapshot]) -> None:
    """Insert snapshots, most of which are new: a COPY takes half the time."""
    if not are_copied(cursor, lambda: _copy(cursor, snapshots)):
        save_snapshots(cursor, snapshots)


def _copy(cursor: Cursor[TupleRow], snapshots: Sequence[OwnerSnapshot]) -> None:
    packed = pack_all([snapshot.observed for snapshot in snapshots])
    with cursor.copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        for snapshot, observed in zip(snapshots, packed, strict=True):
            copy.write_row(
                (
                    *(snapshot.organization_id, snapshot.metric_group, snapshot.owner),
                    *(snapshot.observed_at, snapshot.position, snapshot.creator_id),
                    *(
                        snapshot.scrape_id,
                        snapshot.provider,
                        snapshot.recorded_at,
                        observed,
                    ),
                )
            )


def delete_snapshots(
    cursor: Cursor[TupleRow], gone: Sequence[tuple[OwnerKey, SnapshotTime]]
) -> None:
    """Delete the rows with these keys."""
    if gone:
        key = {
            **owner_columns([key for key, _ in gone]),
            "observed_at": timestamps([time_of(time[0]) for _, time in gone]),
            "position": bigints([time[1] for _, time in gone]),
        }
        delete_rows(cursor, "analytics_snapshots", key)


def last_snapshot(cursor: Cursor[TupleRow], key: OwnerKey) -> SnapshotTime | None:
    """Return the time of an owner's last snapshot."""
    query = """
    SELECT observed_at, position FROM analytics_snapshots
    WHERE organization_id = %s AND metric_group = %s AND owner = %s
    ORDER BY observed_at DESC, position DESC LIMIT 1
    """
    row = execute(cursor, query, *key).fetchone()
    return None if row is None else (instant_of(row[0]), row[1])


def _snapshots_of(key: OwnerKey, found: Sequence[Sequence[Any]]) -> list[OwnerSnapshot]:
    metric_group = METRIC_GROUPS[key[1]]
    observations = unpack([row[6] for row in found], counters=metric_group.counters)
    ends = np.searchsorted(
        observations.snapshots, np.arange(len(found)), side="right"
    ).tolist()
    snapshots: list[OwnerSnapshot] = []
    begin = 0
    for row, end in zip(found, ends, strict=True):
        its = slice(begin, end)
        observed = ObservedCounts(
            observations.video_numbers[its],
            observations.counts[:, its],
            observations.missing[its],
        )
        begin = end
        snapshot = OwnerSnapshot(
            organization_id=key[0],
            metric_group=key[1],
            owner=key[2],
            observed_at=row[0],
            position=row[1],
            creator_id=row[2],
            scrape_id=row[3],
            provider=row[4],
            recorded_at=row[5],
            observed=observed,
        )
        snapshots.append(snapshot)
    return snapshots


def packed_snapshots(
    cursor: Cursor[TupleRow], key: OwnerKey, *, after: SnapshotTime, at_once: int
) -> Iterator[tuple[list[SnapshotTime], list[bytes]]]:
    """Yield an owner's snapshots in portions, none of which ends within an instant."""
    last, most = after, at_once
    while True:
        times, packed = load_packed_counts(cursor, key, after=last, most=most)
        if len(times) < most:
            if times:
                yield times, packed
            return
        whole = bisect_left(times, (times[-1][0], -1))
        if not whole:
            most *= 2
            continue
        yield times[:whole], packed[:whole]
        last, most = times[whole - 1], at_once
