"""Loads and saves whole rows of read models; the fields of a struct are the columns."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Generic, TypeVar
from uuid import UUID

import msgspec
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

TableRow = TypeVar("TableRow", bound=msgspec.Struct)
Item = TypeVar("Item")
RowKey = tuple[UUID, ...]

_encode = msgspec.json.Encoder().encode


class Table(Generic[TableRow]):
    """One table whose rows are ``row`` structs, with ``key`` as its primary key.

    The last column of the key is unique by itself.
    """

    def __init__(
        self,
        row: type[TableRow],
        *,
        name: str,
        key: Sequence[str] = ("organization_id", "id"),
    ) -> None:
        self._row = row
        self._fields = fields = row.__struct_fields__
        self._id = attrgetter(key[-1])
        columns = sql.SQL(", ").join(map(sql.Identifier, fields))
        key_columns = sql.SQL(", ").join(map(sql.Identifier, key))
        table = sql.Identifier(name)
        self.columns = columns
        # The queries are bytes, because psycopg would compose them anew for each use.
        self._select = (
            sql.SQL(
                "SELECT {columns} FROM unnest({arrays}) AS requested ({key}) "
                "JOIN {table} USING ({key})"
            )
            .format(
                columns=columns,
                arrays=sql.SQL(", ").join([sql.SQL("%b::uuid[]")] * len(key)),
                table=table,
                key=key_columns,
            )
            .as_bytes()
        )
        # One JSON document has all rows, and PostgreSQL converts each value to the type
        # of its column. One array for each column takes twice as long.
        self._upsert = (
            sql.SQL(
                "INSERT INTO {table} ({columns}) SELECT {columns} "
                "FROM json_populate_recordset(NULL::{table}, %s::json) "
                "ON CONFLICT ({key}) DO UPDATE SET {assignments}"
            )
            .format(
                table=table,
                columns=columns,
                key=key_columns,
                assignments=sql.SQL(", ").join(
                    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(field))
                    for field in fields
                    if field not in key
                ),
            )
            .as_bytes()
        )

    def load(
        self, cursor: Cursor[TupleRow], keys: Iterable[RowKey]
    ) -> dict[UUID, TableRow]:
        """Return the rows with these primary keys, by the last column of the key."""
        arrays = list(map(list, zip(*dict.fromkeys(keys), strict=True)))
        if not arrays:
            return {}
        rows = cursor.execute(self._select, arrays, prepare=True)
        found = [
            self._row(**dict(zip(self._fields, values, strict=True))) for values in rows
        ]
        return {self._id(row): row for row in found}

    def save(self, cursor: Cursor[TupleRow], rows: Sequence[TableRow]) -> None:
        """Insert the rows, or replace those with the same key."""
        if rows:
            cursor.execute(self._upsert, (_encode(rows).decode(),), prepare=True)

    def fold(
        self,
        cursor: Cursor[TupleRow],
        items: Iterable[Item],
        *,
        key: Callable[[Item], RowKey | None],
        fold: Callable[[TableRow | None, Item], TableRow | None],
        needed: Callable[[list[Item]], Iterable[Item]] | None = None,
    ) -> "list[tuple[TableRow | None, TableRow]]":
        """Fold events, or other items, into their rows.

        ``key`` returns the key of an item's row, None if it has none. ``fold`` returns
        the row after an item, or the same row if nothing changed. ``needed`` returns a
        part of a row's items that makes the same row as all of them. Each changed row
        is saved once, and returned with the row before.
        """
        # UUIDs are slow to hash and to compare, and integers are not.
        keys: dict[tuple[int, int], RowKey] = {}
        by_row: dict[int, list[Item]] = {}
        for item in items:
            of = key(item)
            if of is not None:
                keys[of[0].int, of[-1].int] = of
                by_row.setdefault(of[-1].int, []).append(item)
        found = self.load(cursor, keys.values())
        before = {row_id.int: row for row_id, row in found.items()}
        changed: list[tuple[TableRow | None, TableRow]] = []
        for row_id, of_row in by_row.items():
            row = old = before.get(row_id)
            for item in of_row if needed is None else needed(of_row):
                # None changes nothing.
                row = fold(row, item) or row
            if row is not None and row is not old:
                changed.append((old, row))
        self.save(cursor, [row for _, row in changed])
        return changed


class RowBatch(Generic[TableRow]):
    """Rows of a table, by id, while a batch of events changes them."""

    def __init__(
        self, table: Table[TableRow], cursor: Cursor[TupleRow], keys: Iterable[RowKey]
    ) -> None:
        self._table = table
        self._before = table.load(cursor, keys)
        self._rows: dict[UUID, TableRow] = dict(self._before)

    def add(self, cursor: Cursor[TupleRow], keys: Iterable[RowKey]) -> None:
        """Load further rows; those that are here stay as they are."""
        further = [key for key in keys if key[-1] not in self._before]
        for row_id, row in self._table.load(cursor, further).items():
            self._before.setdefault(row_id, row)
            self._rows.setdefault(row_id, row)

    def get(self, row_id: UUID) -> TableRow | None:
        """Return the row with the changes of the batch so far."""
        return self._rows.get(row_id)

    def put(self, row_id: UUID, row: TableRow | None) -> None:
        """Set the row; None changes nothing."""
        if row is not None:
            self._rows[row_id] = row

    def save(self, cursor: Cursor[TupleRow]) -> list[tuple[TableRow | None, TableRow]]:
        """Save the changed rows; return each with the row before."""
        before = self._before
        changed = [
            (before.get(row_id), row)
            for row_id, row in self._rows.items()
            if row is not before.get(row_id)
        ]
        self._table.save(cursor, [row for _, row in changed])
        return changed
