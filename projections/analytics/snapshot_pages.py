"""Reads an owner's packed snapshots in portions."""

from bisect import bisect_left
from collections.abc import Iterator

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.keys import OwnerKey, SnapshotTime
from projections.analytics.snapshots import load_packed_counts


def packed_snapshots(
    cursor: Cursor[TupleRow], key: OwnerKey, *, after: SnapshotTime, at_once: int
) -> Iterator[tuple[list[SnapshotTime], list[bytes]]]:
    """Yield an owner's snapshots in portions. Those of one instant are never parted."""
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
