"""Databases of a test's own on the server that all tests share."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

_COPY_IN_THE_KERNEL = """
SELECT set_config('file_copy_method', 'clone', false) FROM pg_settings
WHERE name = 'file_copy_method' AND 'clone' = ANY(enumvals)
"""


@contextmanager
def new_database(
    server_url: str, *, name: str | None = None, template: str = "template0"
) -> Generator[str]:
    """The URL of a new database, dropped afterwards; a copy of the template."""
    name = name or f"goatherd_test_{uuid4().hex}"
    database = sql.Identifier(name)
    _carry_out(
        server_url,
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
            database, sql.Identifier(template)
        ),
    )
    url = urlsplit(server_url)
    query = f"?{url.query}" if url.query else ""
    yield f"{url.scheme}://{url.netloc}/{name}{query}"
    _carry_out(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


# A connection takes as long as a quarter of a database, and tests make a thousand.
_connections: dict[str, psycopg.Connection[Any]] = {}


def _carry_out(server_url: str, statement: sql.Composed) -> None:
    connection = _connections.get(server_url)
    if connection is None or connection.closed:
        connection = psycopg.connect(server_url, autocommit=True)
        connection.execute(_COPY_IN_THE_KERNEL)
        _connections[server_url] = connection
    connection.execute(statement)


def leave_server(server_url: str) -> None:
    """Close the connection by which databases were made on a server."""
    if connection := _connections.pop(server_url, None):
        connection.close()


def in_line(connection: psycopg.Connection[Any]) -> int:
    """The number of backends that wait for an advisory lock in this database."""
    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()
    assert row is not None
    return row[0]
