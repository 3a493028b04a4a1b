"""Whole rows in and out of read models: a struct's fields are a table's columns."""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

TableRow = TypeVar("TableRow", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode


class Table(Generic[TableRow]):
    """One table whose rows are ``row`` structs, with ``key`` its primary key."""

    def __init__(
        self,
        row: type[TableRow],
        *,
        name: str,
        key: Sequence[str] = ("organization_id", "id"),
    ) -> None:
        self._row = row
        self._fields = fields = row.__struct_fields__
        columns = sql.SQL(", ").join(map(sql.Identifier, fields))
        table = sql.Identifier(name)
        self.columns = columns
        self._select = sql.SQL(
            "SELECT {columns} FROM unnest(%b::uuid[], %b::uuid[]) AS wanted (o, i) "
            "JOIN {table} ON organization_id = o AND id = i"
        ).format(columns=columns, table=table)
        # One JSON document carries all rows and PostgreSQL gives each value its
        # column's type: half the time of one array a column.
        self._upsert = sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} "
            "FROM json_populate_recordset(NULL::{table}, %s::json) "
            "ON CONFLICT ({key}) DO UPDATE SET {assignments}"
        ).format(
            table=table,
            columns=columns,
            key=sql.SQL(", ").join(map(sql.Identifier, key)),
            assignments=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(field))
                for field in fields
                if field not in key
            ),
        )

    def load(
        self, cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, UUID]]
    ) -> dict[UUID, TableRow]:
        """Return the rows with these (organization id, id) keys, by id."""
        wanted = list(keys)
        if not wanted:
            return {}
        rows = cursor.execute(
            self._select,
            ([key[0] for key in wanted], [key[1] for key in wanted]),
            prepare=True,
        )
        found: list[Any] = [
            self._row(**dict(zip(self._fields, values, strict=True))) for values in rows
        ]
        return {row.id: row for row in found}

    def save(self, cursor: Cursor[TupleRow], rows: Sequence[TableRow]) -> None:
        """Insert the rows, or replace those with the same key."""
        if rows:
            cursor.execute(self._upsert, (_encode(rows).decode(),), prepare=True)
