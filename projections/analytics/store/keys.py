"""Keys and instants of the tables of analytics, as numbers and packed columns."""

from collections.abc import Iterable, Sequence
from typing import LiteralString, cast
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.arrays import Packed, bigints, uuids
from projections.analytics.fold.keys import OwnerKey

NOBODY = UUID(int=0)
# The rows of one of several partitions of a rebuild, by the last byte of a column.
PARTITION = "get_byte(uuid_send({}), 15) %% %s = %s"


def packed_keys(keys: Sequence[OwnerKey]) -> tuple[Packed, Packed, Packed]:
    """Return the keys as three arrays."""
    return (
        uuids([key[0] for key in keys]),
        bigints([key[1] for key in keys]),
        uuids([key[2] for key in keys]),
    )


def columns_of(pairs: Iterable[tuple[UUID, UUID]]) -> tuple[Packed, Packed]:
    """Return pairs of ids as two arrays."""
    some = list(pairs)
    return uuids([pair[0] for pair in some]), uuids([pair[1] for pair in some])


def packed_pairs(pairs: Iterable[tuple[UUID, UUID]]) -> tuple[Packed, Packed]:
    """Return pairs of ids, sorted, as two arrays."""
    return columns_of(sorted(pairs))


def execute(cursor: Cursor[TupleRow], query: str, *values: object) -> Cursor[TupleRow]:
    """Execute a query with values. The query itself is built from constants only."""
    return cursor.execute(cast("LiteralString", query), values, prepare=True)


def owner_columns(keys: Sequence[OwnerKey]) -> dict[str, Packed]:
    """Return the keys as columns by name."""
    names = ("organization_id", "metric_group", "owner")
    return dict(zip(names, packed_keys(keys), strict=True))
