"""Compares live tables and shadow tables row by row, in one snapshot."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

from infra.database import Pool
from projections.rebuild.shadow_tables import live_schema

# In larger tables every n-th row is hashed; all rows are counted and summed.
HASHED_ROWS = 1_000_000
# The bytes that PostgreSQL uses for a row apart from its values.
_SMALLEST_ROW = 28
_SHOWN_KEYS = 3
# One of two connections that read large tables waits for the other.
_NO_TIMEOUTS = """
SELECT set_config('statement_timeout', '0', true),
       set_config('idle_in_transaction_session_timeout', '0', true)
"""

# Each table's columns (name, whether it is a number, whether it has a hash), and the
# columns of its primary key.
_COLUMNS = """
SELECT relname, (
    SELECT json_agg(json_build_array(attname, typcategory = 'N', EXISTS (
        SELECT FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod
        WHERE amname = 'hash' AND opcdefault AND opcintype = atttypid)) ORDER BY attnum)
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
), (
    SELECT coalesce(json_agg(attname ORDER BY nth), '[]')
    FROM pg_index, unnest(indkey) WITH ORDINALITY AS key (number, nth)
    JOIN pg_attribute ON attnum = key.number
    WHERE indrelid = c.oid AND attrelid = indrelid AND indisprimary
), pg_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = %s AND relname = ANY(%s)
"""


class _TableColumns(NamedTuple):
    """A table's columns (name, whether a number, whether hashable), key and bytes."""

    name: str
    columns: list[tuple[str, bool, bool]]
    key: list[str]
    size: int

    @property
    def numbers(self) -> list[str]:
        return [column for column, is_number, _ in self.columns if is_number]


class TableComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One table, live and shadow.

    ``hashed_rows`` is the number of live rows that were compared by hash.
    ``differences`` has a sentence if the tables differ; then ``different_rows`` is the
    number of rows that exist in one table only or differ, and ``keys`` has some of
    them.
    """

    table: str
    rows: int
    shadow_rows: int
    hashed_rows: int
    differences: list[str] = []
    different_rows: int = 0
    keys: list[str] = []


@contextmanager
def in_snapshot_of(cursor: Cursor[TupleRow], pool: Pool) -> Generator[Cursor[TupleRow]]:
    """Open a cursor on another connection with the snapshot of this one.

    Neither has a timeout from here on.
    """
    cursor.execute(_NO_TIMEOUTS)
    row = cursor.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    with pool.connection() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            connection.execute(
                sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(row[0]))
            )
            connection.execute(_NO_TIMEOUTS)
            with connection.cursor() as other:
                yield other
        finally:
            if not connection.broken:
                connection.execute("ROLLBACK")


def compare_tables(
    cursor: Cursor[TupleRow],
    tables: Sequence[str],
    *,
    schema: str,
    other: Cursor[TupleRow],
) -> list[TableComparison]:
    """Compare each live table with the one in ``schema``, in the caller's snapshot.

    ``other`` is a cursor of another connection in the same snapshot, so that live and
    shadow tables are read at the same time.
    """
    live = live_schema(cursor)
    found = {
        row[0]: _TableColumns(*row)
        for row in cursor.execute(_COLUMNS, (live, list(tables))).fetchall()
    }
    described = [found[table] for table in tables]
    every = {table.name: _every(cursor, live, table) for table in described}

    def measure(cursor: Cursor[TupleRow], schema: str) -> list[TupleRow]:
        return [
            _measure(cursor, schema, table, every=every[table.name])
            for table in described
        ]

    with ThreadPoolExecutor(max_workers=1) as thread:
        meanwhile = thread.submit(measure, other, schema)
        here, there = measure(cursor, live), meanwhile.result()
    return [
        _compared(cursor, table, (live, mine), (schema, theirs))
        for table, mine, theirs in zip(described, here, there, strict=True)
    ]


def _compared(
    cursor: Cursor[TupleRow],
    table: _TableColumns,
    live: tuple[str, TupleRow],
    shadow: tuple[str, TupleRow],
) -> TableComparison:
    """Return the comparison of a table, from the result of each schema."""
    here, there = live[1], shadow[1]
    sums = (f"sum of {column}" for column in table.numbers)
    labels = ("rows", *sums, "hash of rows")
    differences = [
        f"{label} {a} and {b}" if label != "hash of rows" else label
        for label, a, b in zip(
            labels, (here[0], *here[2:]), (there[0], *there[2:]), strict=True
        )
        if a != b
    ]
    count, keys = (0, [])
    if differences:
        pair = [sql.Identifier(schema, table.name) for schema in (live[0], shadow[0])]
        count, keys = _different(cursor, pair, table.key)
    return TableComparison(
        table=table.name,
        rows=here[0],
        shadow_rows=there[0],
        hashed_rows=here[1],
        differences=differences,
        different_rows=count,
        keys=keys,
    )


def _every(cursor: Cursor[TupleRow], schema: str, table: _TableColumns) -> int:
    """Return n if every n-th row is hashed."""
    if table.size < HASHED_ROWS * _SMALLEST_ROW:
        return 1
    row = cursor.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table.name))
    ).fetchone()
    assert row is not None
    return 1 + row[0] // HASHED_ROWS


def _measure(
    cursor: Cursor[TupleRow], schema: str, table: _TableColumns, *, every: int
) -> TupleRow:
    """Return the number of rows, of hashed rows, the sums, and a hash without order."""
    sums = [
        sql.SQL(", sum({})::text").format(sql.Identifier(column))
        for column in table.numbers
    ]
    # The same rows are selected in both tables.
    chosen = sql.SQL("true")
    if every > 1 and table.key:
        chosen = sql.SQL("hashtextextended(row({})::text, 1) %% {} = 0").format(
            sql.SQL(", ").join(map(sql.Identifier, table.key)), sql.Literal(every)
        )
    query = sql.SQL(
        "SELECT count(*), count(*) FILTER (WHERE {chosen}){sums}, "
        "sum({hash}::numeric) FILTER (WHERE {chosen}) FROM {table} AS t"
    ).format(
        chosen=chosen,
        sums=sql.SQL("").join(sums),
        table=sql.Identifier(schema, table.name),
        hash=_hash(table),
    )
    row = cursor.execute(query, ()).fetchone()
    assert row is not None
    return row


def _hash(table: _TableColumns) -> sql.Composable:
    """Return the SQL of a row's hash.

    Columns that have no hash, such as JSON, are cast to text. Casting all columns to
    text takes three times as long.
    """
    values = [
        sql.SQL("{}" if is_hashable else "{}::text").format(sql.Identifier(column))
        for column, _, is_hashable in table.columns
    ]
    return sql.SQL("hash_record_extended(row({}), 0)").format(
        sql.SQL(", ").join(values)
    )


def _different(
    cursor: Cursor[TupleRow], pair: Sequence[sql.Identifier], key: Sequence[str]
) -> tuple[int, list[str]]:
    columns = (
        sql.SQL("row({})::text").format(sql.SQL(", ").join(map(sql.Identifier, key)))
        if key
        else sql.SQL("''")
    )
    query = sql.SQL(
        "WITH live AS (SELECT {key} AS key, l::text AS row FROM {live} AS l), "
        "shadow AS (SELECT {key} AS key, b::text AS row FROM {shadow} AS b), "
        "different AS ((SELECT * FROM live EXCEPT ALL SELECT * FROM shadow) UNION "
        "(SELECT * FROM shadow EXCEPT ALL SELECT * FROM live)), "
        "keys AS (SELECT key, count(*) AS rows FROM different GROUP BY key) "
        "SELECT {count}, (array_agg(key ORDER BY key))[1:{shown}] FROM keys"
    ).format(
        key=columns,
        live=pair[0],
        shadow=pair[1],
        shown=sql.Literal(_SHOWN_KEYS),
        count=sql.SQL("count(*)" if key else "coalesce(sum(rows), 0)::bigint"),
    )
    count, keys = cursor.execute(query).fetchone() or (0, [])
    return count, [each for each in keys or [] if each]
