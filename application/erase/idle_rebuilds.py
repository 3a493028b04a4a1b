"""Cancels idle rebuilds that have not applied the newest erasure.

A dry run keeps its tables until somebody swaps or cancels it, and they have the names
of people who were erased since. A running rebuild applies the erasure itself.
"""

from collections.abc import Iterable

import structlog
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.database import Pool
from projections.engine.projection import ReadModel
from projections.rebuild.errors import AlreadyRebuildingError
from projections.rebuild.lock import rebuild_lock
from projections.rebuild.state import UNFINISHED
from projections.rebuild.transitions import end_cancelled

_IS_BEHIND = """
SELECT EXISTS (
    SELECT FROM projection_rebuild WHERE name = %s AND status = ANY(%s)
    AND position < (SELECT max(position) FROM erased_values))
"""

_log = structlog.get_logger()


def cancel_idle_rebuilds(pool: Pool, projections: Iterable[ReadModel]) -> None:
    """Drop the shadow tables of rebuilds that will not apply the newest erasure."""
    for projection in projections:
        with pool.connection() as connection:
            if not _is_behind(connection, projection.name):
                continue
        try:
            with rebuild_lock(pool, projection.name, patience=0) as connection:
                if _is_behind(connection, projection.name):
                    end_cancelled(pool, projection)
                    _log.info("idle_rebuild_cancelled", projection=projection.name)
        except AlreadyRebuildingError:
            continue


def _is_behind(connection: Connection[TupleRow], name: str) -> bool:
    row = connection.execute(_IS_BEHIND, (name, sorted(UNFINISHED))).fetchone()
    return row is not None and row[0]
