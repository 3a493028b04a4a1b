"""Two tables beside each other: equal rows, and whatever makes them differ."""

import pytest
from psycopg import sql

from infra.store import Store
from projections.beside import create_beside, next_schema
from projections.comparing import TableComparison, compare_tables, in_snapshot_of

SCHEMA = next_schema("kept")
_ROWS = sql.SQL(
    "INSERT INTO {} VALUES (1, 'a', 5, '\\x00ff'), (2, NULL, NULL, NULL), "
    "(3, 'c', 7, '\\x')"
)


@pytest.fixture
def kept(store: Store) -> Store:
    """A table of a text, a number and bytes with the same three rows beside."""
    with store.pool.connection() as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE kept "
            "(id int PRIMARY KEY, name text, amount bigint, body bytea)"
        )
        create_beside(cursor, ["kept"], schema=SCHEMA)
        for schema in ("public", SCHEMA):
            cursor.execute(_ROWS.format(sql.Identifier(schema, "kept")))
    return store


def compared(store: Store) -> TableComparison:
    with store.pool.connection() as reading, reading.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            with in_snapshot_of(cursor, store.pool) as other:
                # Not of the snapshot, so neither of the two sees it.
                with store.pool.connection() as writing:
                    writing.execute("INSERT INTO kept VALUES (9, 'late', 9, '')")
                (found,) = compare_tables(cursor, ["kept"], schema=SCHEMA, other=other)
        finally:
            cursor.execute("ROLLBACK")
    return found


def test_equal_rows_are_equal_in_one_snapshot_on_two_connections(kept: Store):
    found = compared(kept)

    assert (found.rows, found.rows_beside, found.hashed_rows) == (3, 3, 3)
    assert found.differences == []


@pytest.mark.parametrize(
    ("change", "key"),
    (
        ("SET body = '\\x00fe' WHERE id = 1", "(1)"),
        ("SET body = '\\x' WHERE id = 2", "(2)"),
        ("SET body = NULL WHERE id = 3", "(3)"),
        ("SET name = 'b' WHERE id = 3", "(3)"),
        ("SET name = '' WHERE id = 2", "(2)"),
    ),
)
def test_a_row_with_another_text_or_other_bytes_differs(
    kept: Store, change: str, key: str
):
    with kept.pool.connection() as connection:
        connection.execute(f"UPDATE {SCHEMA}.kept {change}".encode())

    found = compared(kept)

    assert found.differences == ["hash of rows"]
    assert (found.different_rows, found.keys) == (1, [key])
