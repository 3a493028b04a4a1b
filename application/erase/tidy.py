"""Removes old versions of rows, and samples of them, after all applied an erasure.

PostgreSQL keeps deleted and overwritten rows until a vacuum, and its planner keeps the
most common values of each column until the table is analyzed.
"""

from collections.abc import Callable, Collection, Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from application.erase.search.tables import LOG, SearchedTable, tables_of
from application.erase.search.time_limit import TimeLimit
from infra.database import Pool
from projections.rebuild.shadow_tables import analyze

_BEHIND = """
SELECT name FROM projection WHERE position < %s AND name = ANY(%s) ORDER BY name
"""
_UNTIDIED = """
SELECT max(position) FROM erased_values WHERE tidied_at IS NULL
"""
_NOTE = """
UPDATE erased_values SET tidied_at = clock_timestamp()
WHERE tidied_at IS NULL AND position <= %s
"""


def behind(
    connection: Connection[TupleRow], position: int, projections: Collection[str]
) -> list[str]:
    """Return the projections that have not reached a position."""
    rows = connection.execute(_BEHIND, (position, [*projections]))
    return [name for (name,) in rows]


def tidy(
    connection: Connection[TupleRow],
    tables: Sequence[SearchedTable],
    *,
    advance: Callable[[int], None] | None = None,
    limit: TimeLimit | None = None,
) -> None:
    """Vacuum and analyze the tables that may have had texts of erased people.

    ``connection`` is in autocommit. The log is left out, because its rows never change.
    ``advance`` is called with 1 after each table.

    Raises:
        SearchTooLongError: the time of ``limit`` is over.
        QueryCanceled: the time of ``limit`` ends during a table.
        LockNotAvailable: another statement has locked a table.
    """
    limit = limit or TimeLimit()
    row = connection.execute(_UNTIDIED).fetchone()
    for table in tables:
        if table.name != LOG and table.has_texts:
            analyze(
                connection,
                [table.name],
                schema=table.schema,
                timeout_ms=limit.left_ms(),
            )
        if advance is not None:
            advance(1)
    if row is not None and row[0] is not None:
        connection.execute(_NOTE, (row[0],))


def tidy_if_due(pool: Pool, projections: Collection[str]) -> bool:
    """Tidy up once after the newest erasure that all projections have applied.

    The result says whether there was one.
    """
    with pool.connection() as connection:
        row = connection.execute(_UNTIDIED).fetchone()
        if row is None or row[0] is None or behind(connection, row[0], projections):
            return False
        tidy(connection, tables_of(connection))
    return True
