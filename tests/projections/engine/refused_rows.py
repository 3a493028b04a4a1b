"""A table that refuses some rows for a while, so that events become dead letters."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from infra.eventstore.store import Store


@contextmanager
def refused(store: Store, *handles: str, table: str = "creator_list") -> Iterator[None]:
    """Let a table refuse rows with these handles, until the end of the block."""
    name = sql.Identifier(table)
    with store.pool.connection() as connection:
        connection.execute(
            sql.SQL(
                "ALTER TABLE {} ADD CONSTRAINT refused "
                "CHECK (tiktok_handle <> ALL({})) NOT VALID"
            ).format(name, sql.Literal([*handles]))
        )
    yield
    with store.pool.connection() as connection:
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS refused").format(name)
        )
