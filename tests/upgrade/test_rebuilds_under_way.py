"""Migrations change the tables of a rebuild under way in the same way as live ones."""

import psycopg
import pytest

from infra import database
from infra.database import known_migrations, migrate
from projections.rebuild.shadow_tables import (
    create_shadow_tables,
    live_schema,
    next_schema,
    previous_schema,
    tables_in,
)
from projections.registry import PROJECTIONS
from tests.kit.databases import new_database

# The baseline that 0.1.0 begins with; later migrations meet rebuilds under way.
LAST_OF_BASELINE = 309
COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default
FROM information_schema.columns WHERE table_schema = %s AND table_name = ANY(%s)
"""
INDEXES = """
SELECT tablename, replace(indexdef, schemaname || '.', '') FROM pg_indexes
WHERE schemaname = %s AND tablename = ANY(%s)
"""

Migrations = list[tuple[int, str, str]]


def differences_after(
    later: Migrations, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> set[tuple[str, ...]]:
    """Return the columns and indexes that only live or only shadow tables have."""
    baseline = [each for each in known_migrations() if each[0] <= LAST_OF_BASELINE]
    found: set[tuple[str, ...]] = set()
    with new_database(postgres_url) as url:
        monkeypatch.setattr(database, "known_migrations", lambda: baseline)
        migrate(url)
        with psycopg.connect(url) as connection:
            for projection in PROJECTIONS:
                for schema in (next_schema, previous_schema):
                    create_shadow_tables(
                        connection.cursor(),
                        projection.tables,
                        schema=schema(projection.name),
                    )
        monkeypatch.setattr(database, "known_migrations", lambda: baseline + later)
        migrate(url)
        with psycopg.connect(url) as connection:
            cursor = connection.cursor()
            live = live_schema(cursor)
            for projection in PROJECTIONS:
                for schema in (next_schema, previous_schema):
                    name = schema(projection.name)
                    tables = tables_in(cursor, name)
                    assert sorted(tables) == sorted(projection.tables)
                    for query in (COLUMNS, INDEXES):
                        here = {*cursor.execute(query, (live, tables)).fetchall()}
                        there = {*cursor.execute(query, (name, tables)).fetchall()}
                        found |= {(name, *map(str, row)) for row in here ^ there}
    return found


def test_later_migrations_change_the_shadow_tables_of_a_rebuild_as_well(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
):
    later = [each for each in known_migrations() if each[0] > LAST_OF_BASELINE]

    assert later
    assert differences_after(later, postgres_url, monkeypatch) == set()


def test_a_migration_that_forgets_the_shadow_tables_is_noticed(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
):
    statements = (
        "ALTER TABLE creator_list ADD COLUMN is_pinned boolean; "
        "CREATE INDEX creator_list_pinned ON creator_list (is_pinned)"
    )
    forgets = (999, "forgets", statements)
    found = differences_after([forgets], postgres_url, monkeypatch)

    schemas = ("goatherd_next_creator_list", "goatherd_old_creator_list")
    assert sorted((schema, what) for schema, _, what, *_ in found) == [
        (schema, what)
        for schema in schemas
        for what in (
            "CREATE INDEX creator_list_pinned ON creator_list USING btree (is_pinned)",
            "is_pinned",
        )
    ]
