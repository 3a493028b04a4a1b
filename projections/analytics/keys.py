"""Keys and instants of the tables of analytics, as numbers and packed columns."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import LiteralString, cast
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import Packed, bigints, uuids
from projections.analytics.columns import Longs

OwnerKey = tuple[UUID, int, UUID]
"""An organization, the number of a metric group, and an owner."""
SnapshotTime = tuple[int, int]
"""Microseconds since 1970, and a position."""

NOBODY = UUID(int=0)
# Rebuilds note campaigns under this number, as they note owners under a metric group.
CAMPAIGNS = 2
# Which rows one of several partitions of a rebuild works on, by a column's last byte.
PARTITION = "get_byte(uuid_send({}), 15) %% %s = %s"
_DAWN = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant_of(time: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (time - _DAWN) // _MICROSECOND


def time_of(instant: int) -> datetime:
    """Return the time that is so many microseconds after 1970."""
    return _DAWN + instant * _MICROSECOND


def slots_of(instants: Longs) -> Longs:
    """Return the number of the quarter of an hour that each instant falls into."""
    return -(-instants // 900_000_000)


def packed_keys(keys: Sequence[OwnerKey]) -> tuple[Packed, Packed, Packed]:
    """Return the keys as three arrays."""
    return (
        uuids([key[0] for key in keys]),
        bigints([key[1] for key in keys]),
        uuids([key[2] for key in keys]),
    )


def packed_pairs(pairs: Iterable[tuple[UUID, UUID]]) -> tuple[Packed, Packed]:
    """Return pairs of ids, sorted, as two arrays."""
    some = sorted(pairs)
    return uuids([pair[0] for pair in some]), uuids([pair[1] for pair in some])


def execute(cursor: Cursor[TupleRow], query: str, *values: object) -> Cursor[TupleRow]:
    """Execute a query with values. The query itself is built from constants only."""
    return cursor.execute(cast("LiteralString", query), values, prepare=True)
