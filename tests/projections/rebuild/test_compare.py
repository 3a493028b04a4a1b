"""Two tables compared: equal rows, and every kind of difference."""

import pytest
from psycopg import sql

from infra.eventstore.store import Store
from projections.rebuild.compare_tables import (
    TableComparison,
    compare_tables,
    in_snapshot_of,
)
from projections.rebuild.shadow_tables import create_shadow_tables, next_schema

SCHEMA = next_schema("kept")
_ROWS = sql.SQL(
    "INSERT INTO {} VALUES (1, 'a', 5, '\\x00ff'), (2, NULL, NULL, NULL), "
    "(3, 'c', 7, '\\x')"
)


@pytest.fixture
def kept(store: Store) -> Store:
    """A table of text, number and bytes, and its shadow with the same three rows."""
    with store.pool.connection() as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE kept "
            "(id int PRIMARY KEY, name text, amount bigint, body bytea)"
        )
        create_shadow_tables(cursor, ["kept"], schema=SCHEMA)
        for schema in ("public", SCHEMA):
            cursor.execute(_ROWS.format(sql.Identifier(schema, "kept")))
    return store


def compared(store: Store, *, late: str = "(9, 'late', 9, '')") -> TableComparison:
    with store.pool.connection() as reading, reading.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            with in_snapshot_of(cursor, store.pool) as other:
                # Not of the snapshot, so neither of the two sees it.
                with store.pool.connection() as writing:
                    writing.execute(
                        f"INSERT INTO kept VALUES {late} "  # noqa: S608
                        "ON CONFLICT DO NOTHING".encode()
                    )
                (found,) = compare_tables(cursor, ["kept"], schema=SCHEMA, other=other)
        finally:
            cursor.execute("ROLLBACK")
    return found


def test_equal_rows_are_equal_in_one_snapshot_on_two_connections(kept: Store):
    found = compared(kept)

    assert (found.rows, found.shadow_rows, found.hashed_rows) == (3, 3, 3)
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


def run(store: Store, statement: str) -> None:
    with store.pool.connection() as connection:
        connection.execute(statement.replace("BESIDE", SCHEMA).encode())


def level(store: Store) -> None:
    """Let both tables have the rows of the live one."""
    run(store, "DELETE FROM BESIDE.kept")
    run(store, "INSERT INTO BESIDE.kept TABLE public.kept")


def test_of_a_large_table_some_rows_are_hashed_and_all_counted_and_summed(
    kept: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("projections.rebuild.compare_tables.HASHED_ROWS", 30)
    run(kept, "INSERT INTO kept SELECT n, 'a', n, '' FROM generate_series(10, 106) n")

    level(kept)
    equal = compared(kept)
    level(kept)
    run(kept, "UPDATE BESIDE.kept SET name = 'kid'")
    renamed = compared(kept)
    level(kept)
    run(kept, "UPDATE BESIDE.kept SET amount = amount + 1 WHERE id = 50")
    moved = compared(kept)

    assert equal.differences == []
    assert equal.rows == equal.shadow_rows == 100
    assert 5 < equal.hashed_rows < 60
    assert renamed.differences == ["hash of rows"]
    assert renamed.different_rows == 101
    assert moved.differences[0].startswith("sum of amount")
    assert (moved.different_rows, moved.keys) == (1, ["(50)"])


def test_values_that_have_no_hash_are_compared_as_text(store: Store):
    with store.pool.connection() as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE kept (id int PRIMARY KEY, said json, at numeric, done bool)"
        )
        create_shadow_tables(cursor, ["kept"], schema=SCHEMA)
    run(store, """INSERT INTO kept VALUES (1, '{"a": 1}', NULL, NULL)""")

    level(store)
    equal = compared(store, late="(9, '{}', 9)")
    level(store)
    run(store, """UPDATE BESIDE.kept SET said = '{"a": 2}' WHERE id = 1""")
    changed = compared(store, late="(10, '{}', 9)")

    assert equal.differences == []
    assert changed.differences == ["hash of rows"]
    assert (changed.different_rows, changed.keys) == (1, ["(1)"])
