"""Comparing: whether the tables beside hold what the live ones hold, and where not."""

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import msgspec
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

from infra.database import Pool
from projections.beside import live_schema

# Of larger tables every n-th row is hashed; all are counted and summed.
HASHED_ROWS = 1_000_000
_SHOWN_KEYS = 3
# One of two who look at large tables waits for the other.
_UNHURRIED = """
SELECT set_config('statement_timeout', '0', true),
       set_config('idle_in_transaction_session_timeout', '0', true)
"""

_COLUMNS = """
SELECT attname, typcategory::text = 'N', EXISTS (
    SELECT FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod
    WHERE amname = 'hash' AND opcdefault AND opcintype = atttypid)
FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_KEY = """
SELECT attname FROM pg_index, unnest(indkey) WITH ORDINALITY AS key (number, nth)
JOIN pg_attribute ON attnum = key.number
WHERE indrelid = %s::regclass AND attrelid = indrelid AND indisprimary ORDER BY nth
"""


class TableComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One table, live and beside.

    ``hashed_rows`` is how many of the live rows were compared whole. ``different_rows``
    is how many rows are in one of the two only or differ, 0 unless ``differences`` has
    a sentence; ``keys`` are some of them.
    """

    table: str
    rows: int
    rows_beside: int
    hashed_rows: int
    differences: list[str] = []
    different_rows: int = 0
    keys: list[str] = []


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All tables of a projection, compared in one snapshot.

    ``is_binding`` says that they had to be equal: the same rules, at one position.
    """

    is_binding: bool
    position: int
    position_beside: int
    tables: list[TableComparison]
    dead_letters: int = 0

    @property
    def is_equal(self) -> bool:
        return not any(table.differences for table in self.tables)

    def sentence(self) -> str:
        """Say in one line what differs, or that nothing does."""
        different = [table for table in self.tables if table.differences]
        if not different:
            rows = sum(table.rows_beside for table in self.tables)
            return f"All {rows:,} rows are equal."
        said = "; ".join(
            f"{table.table}: {', '.join(table.differences)}, {table.different_rows:,} "
            f"rows differ (such as {', '.join(table.keys) or 'none by key'})"
            for table in different
        )
        if self.dead_letters:
            said += f"; {self.dead_letters:,} facts were parked by the live follower"
        return said


@contextmanager
def in_snapshot_of(cursor: Cursor[TupleRow], pool: Pool) -> Generator[Cursor[TupleRow]]:
    """Give a cursor of another connection that sees what this one does.

    Neither is hurried from here on.
    """
    cursor.execute(_UNHURRIED)
    row = cursor.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    with pool.connection() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            connection.execute(
                sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(row[0]))
            )
            connection.execute(_UNHURRIED)
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
    """Compare each live table with that in ``schema``, in the caller's snapshot.

    The ``other`` cursor is of a connection in the same snapshot: each looks at one of
    the two tables, at once.
    """
    live = live_schema(cursor)
    with ThreadPoolExecutor(max_workers=1) as thread:
        return [
            _compare(
                cursor, table, live=live, beside=schema, other=other, thread=thread
            )
            for table in tables
        ]


def _compare(
    cursor: Cursor[TupleRow],
    table: str,
    *,
    live: str,
    beside: str,
    other: Cursor[TupleRow],
    thread: ThreadPoolExecutor,
) -> TableComparison:
    pair = [sql.Identifier(live, table), sql.Identifier(beside, table)]
    name = pair[0].as_string(cursor)
    columns = cursor.execute(_COLUMNS, (name,)).fetchall()
    key = [row[0] for row in cursor.execute(_KEY, (name,)).fetchall()]
    row = cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(pair[0])).fetchone()
    assert row is not None
    every = 1 + row[0] // HASHED_ROWS
    meanwhile = thread.submit(_look, other, pair[1], columns, key, every)
    here, there = _look(cursor, pair[0], columns, key, every), meanwhile.result()
    numeric = [column for column, is_number, _ in columns if is_number]
    labels = ("rows", *(f"sum of {column}" for column in numeric), "hash of rows")
    differences = [
        f"{label} {a} and {b}" if label != "hash of rows" else label
        for label, a, b in zip(
            labels, (here[0], *here[2:]), (there[0], *there[2:]), strict=True
        )
        if a != b
    ]
    count, keys = (0, [])
    if differences:
        count, keys = _different(cursor, pair, key)
    return TableComparison(
        table=table,
        rows=here[0],
        rows_beside=there[0],
        hashed_rows=here[1],
        differences=differences,
        different_rows=count,
        keys=keys,
    )


def _look(
    cursor: Cursor[TupleRow],
    table: sql.Identifier,
    columns: Sequence[TupleRow],
    key: Sequence[str],
    every: int,
) -> TupleRow:
    """Return rows, hashed rows, the sums, and one hash that no order changes."""
    sums = [
        sql.SQL(", sum({})::text").format(sql.Identifier(column))
        for column, is_number, _ in columns
        if is_number
    ]
    # The same rows of both, whatever else is there.
    chosen = sql.SQL("true")
    if every > 1 and key:
        chosen = sql.SQL("hashtextextended(row({})::text, 1) %% {} = 0").format(
            sql.SQL(", ").join(map(sql.Identifier, key)), sql.Literal(every)
        )
    query = sql.SQL(
        "SELECT count(*), count(*) FILTER (WHERE {chosen}){sums}, "
        "sum({hash}::numeric) FILTER (WHERE {chosen}) FROM {table} AS t"
    ).format(
        chosen=chosen, sums=sql.SQL("").join(sums), table=table, hash=_hash(columns)
    )
    row = cursor.execute(query, ()).fetchone()
    assert row is not None
    return row


def _hash(columns: Sequence[TupleRow]) -> sql.Composable:
    """Return how a row is hashed: whatever cannot be as it is, such as JSON, as text.

    To write all as text takes three times as long.
    """
    values = [
        sql.SQL("{}" if is_hashable else "{}::text").format(sql.Identifier(column))
        for column, _, is_hashable in columns
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
        "beside AS (SELECT {key} AS key, b::text AS row FROM {beside} AS b), "
        "different AS ((SELECT * FROM live EXCEPT ALL SELECT * FROM beside) UNION "
        "(SELECT * FROM beside EXCEPT ALL SELECT * FROM live)), "
        "keys AS (SELECT key, count(*) AS rows FROM different GROUP BY key) "
        "SELECT {count}, (array_agg(key ORDER BY key))[1:{shown}] FROM keys"
    ).format(
        key=columns,
        live=pair[0],
        beside=pair[1],
        shown=sql.Literal(_SHOWN_KEYS),
        count=sql.SQL("count(*)" if key else "coalesce(sum(rows), 0)::bigint"),
    )
    count, keys = cursor.execute(query).fetchone() or (0, [])
    return count, [each for each in keys or [] if each]
