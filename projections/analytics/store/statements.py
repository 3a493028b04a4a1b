"""Statements about many rows of a table of analytics, with keys as packed columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import LiteralString, cast
from uuid import UUID

from psycopg import Cursor
from psycopg.errors import UniqueViolation
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


Entries = Packed | list[Decimal] | list[bool]
Columns = Mapping[str, Entries]
"""Columns by name. All have as many entries as there are rows."""

# PostgreSQL's numbers of types, which are in the header of a packed array.
_KINDS = {17: "bytea", 20: "bigint", 25: "text", 1184: "timestamptz", 2950: "uuid"}
_KIND_AT = slice(8, 12)


def save_rows(
    cursor: Cursor[TupleRow],
    table: str,
    key: Columns,
    values: Columns | None = None,
    *,
    nullable: Sequence[str] = (),
) -> None:
    """Insert rows, or replace the values of the rows with the same key.

    Without values the rows that are there stay. ``nullable`` are columns in which
    ``NOBODY`` stands for null.
    """
    columns = {**key, **(values or {})}
    kinds = tuple(map(_array, columns.values()))
    query = _insert(table, tuple(key), tuple(values or ()), kinds, tuple(nullable))
    execute(cursor, query, *columns.values())


def delete_rows(cursor: Cursor[TupleRow], table: str, key: Columns) -> None:
    """Delete the rows with these values in some columns."""
    kinds = ", ".join(map(_array, key.values()))
    is_same = " AND ".join(f"held.{name} = gone.{name}" for name in key)
    execute(
        cursor,
        f"DELETE FROM {table} AS held "
        f"USING unnest({kinds}) AS gone ({', '.join(key)}) WHERE {is_same}",
        *key.values(),
    )


def are_copied(cursor: Cursor[TupleRow], copy: Callable[[], None]) -> bool:
    """COPY rows, in half the time of an INSERT.

    Returns false, and copies no row, if some of them are stored already.
    """
    try:
        with cursor.connection.transaction():
            copy()
    except UniqueViolation:
        return False
    return True


@lru_cache
def _insert(
    table: str,
    key: tuple[str, ...],
    values: tuple[str, ...],
    kinds: tuple[str, ...],
    nullable: tuple[str, ...],
) -> str:
    names = ", ".join((*key, *values))
    chosen = ", ".join(
        f"nullif({name}, '{NOBODY}')" if name in nullable else name
        for name in (*key, *values)
    )
    conflict = "ON CONFLICT DO NOTHING"
    if values:
        replaced = ", ".join(f"{name} = excluded.{name}" for name in values)
        conflict = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {replaced}"
    return (
        f"INSERT INTO {table} ({names}) "
        f"SELECT {chosen} FROM unnest({', '.join(kinds)}) AS input ({names}) {conflict}"
    )


def _array(column: Entries) -> str:
    if isinstance(column, Packed):
        return f"%b::{_KINDS[int.from_bytes(column[_KIND_AT])]}[]"
    is_flag = bool(column) and isinstance(column[0], bool)
    return "%s::boolean[]" if is_flag else "%s::numeric[]"
