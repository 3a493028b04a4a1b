"""Migrations change shadow tables and previous tables as the tables in use."""

import psycopg
import pytest
from psycopg import sql

from infra import database
from projections.registry import PROJECTIONS

# The first migration of people, whose tables the later ones change.
BEFORE = 140
COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = %s AND table_name = ANY(%s)
ORDER BY table_name, column_name
"""


def test_columns_of_a_rebuild_that_an_upgrade_interrupts_are_those_in_use(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
):
    known = database.known_migrations()
    with monkeypatch.context() as before:
        earlier = [one for one in known if one[0] <= BEFORE]
        before.setattr(database, "known_migrations", lambda: earlier)
        database.migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        present = {
            name
            for (name,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
        }
        copied = {
            f"goatherd_{place}_{projection.name}": sorted(
                {*projection.tables} & present
            )
            for projection in PROJECTIONS
            for place in ("old", "next")
        }
        for schema, tables in copied.items():
            connection.execute(
                sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema))
            )
            for table in tables:
                connection.execute(
                    sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(
                        sql.Identifier(schema, table), sql.Identifier(table)
                    )
                )

    database.migrate(empty_database_url)

    different: list[object] = []
    with psycopg.connect(empty_database_url) as connection:
        (own,) = connection.execute("SELECT current_schema()").fetchone() or ("",)
        for schema, tables in copied.items():
            in_use = connection.execute(COLUMNS, (own, tables)).fetchall()
            there = connection.execute(COLUMNS, (schema, tables)).fetchall()
            different += [(schema, one) for one in {*in_use} ^ {*there}]
    assert different == []
