"""Connections to the database: the number needed, and pools that fit the server."""

import structlog
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.settings import Settings
from projections.engine import follower_group
from projections.rebuild import rebuild

# These connections are left for commands, a SQL prompt, and the connections that
# PostgreSQL reserves for superusers.
SPARE = 12
# The projector needs connections for its followers, for rebuilds, and to listen. The
# dispatcher listens as well.
_FIXED = follower_group.CONNECTIONS + rebuild.CONNECTIONS + 1 + 1

_AVAILABLE = """
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
"""

_log = structlog.get_logger()


def needed(settings: Settings) -> int:
    """Return the number of connections that all processes may need at once."""
    return _FIXED + SPARE + _in_pools(settings)


def available(connection: Connection[TupleRow]) -> int:
    """Return the number of connections that the server has for ordinary roles."""
    row = connection.execute(_AVAILABLE).fetchone()
    assert row is not None
    return row[0]


def with_fitting_pools(settings: Settings, connections: int) -> Settings:
    """Return settings whose pools need at most ``connections`` in all.

    No pool has less than one connection; the sizes are logged.
    """
    if needed(settings) <= connections:
        return settings
    fitting = settings
    for percent in range(99, -1, -1):
        fitting = replace(
            settings,
            writing_pool_size=max(settings.writing_pool_size * percent // 100, 1),
            reading_pool_size=max(settings.reading_pool_size * percent // 100, 1),
            own_pool_size=max(settings.own_pool_size * percent // 100, 1),
        )
        if needed(fitting) <= connections:
            break
    _log.warning(
        "pools_made_smaller",
        connections_needed=needed(settings),
        connections_there_are=connections,
        writing=fitting.writing_pool_size,
        reading=fitting.reading_pool_size,
        own=fitting.own_pool_size,
    )
    return fitting


def pool_variables(settings: Settings) -> dict[str, str]:
    """Return the sizes of the pools as environment variables, for later processes."""
    return {
        "GOATHERD_WRITING_POOL_SIZE": str(settings.writing_pool_size),
        "GOATHERD_READING_POOL_SIZE": str(settings.reading_pool_size),
        "GOATHERD_OWN_POOL_SIZE": str(settings.own_pool_size),
    }


def _in_pools(settings: Settings) -> int:
    writing = settings.writing_pool_size
    http = writing + settings.reading_pool_size + settings.own_pool_size
    # A distributed rebuild needs one more.
    work = min(settings.worker_threads, writing) + 1
    return settings.http_workers * http + writing + settings.worker_processes * work
