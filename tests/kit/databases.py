"""Databases of a test's own on the server that all tests share."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql


@contextmanager
def new_database(
    server_url: str, *, name: str | None = None, template: str = "template0"
) -> Generator[str]:
    """The URL of a new database, dropped afterwards; a copy of the template."""
    name = name or f"goatherd_test_{uuid4().hex}"
    database = sql.Identifier(name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                database, sql.Identifier(template)
            )
        )
    url = urlsplit(server_url)
    query = f"?{url.query}" if url.query else ""
    yield f"{url.scheme}://{url.netloc}/{name}{query}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def in_line(connection: psycopg.Connection[Any]) -> int:
    """The number of backends that wait for an advisory lock in this database."""
    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()
    assert row is not None
    return row[0]
