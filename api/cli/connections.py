"""Database connections: how many the settings need, and pools that fit the server."""

import structlog
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.settings import Settings
from projections.rebuild.rebuild import CONNECTIONS
from projections.registry import PROJECTIONS

# For commands, a SQL prompt, and the connections that PostgreSQL reserves for
# superusers.
SPARE = 12
# For the projector: each read model, rebuilds, and one to listen. The dispatcher
# listens as well.
_FIXED = len(PROJECTIONS) + CONNECTIONS + 1 + 1

_AVAILABLE = """
SELECT current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
"""

_log = structlog.get_logger()


def needed(settings: Settings) -> int:
    """Return how many connections all processes with these settings may use at once."""
    return _FIXED + SPARE + _in_pools(settings)


def available(connection: Connection[TupleRow]) -> int:
    """Return how many connections the server has for roles that are not superusers."""
    row = connection.execute(_AVAILABLE).fetchone()
    assert row is not None
    return row[0]


def with_fitting_pools(settings: Settings, connections: int) -> Settings:
    """Return settings whose pools need no more than ``connections`` in all.

    No pool is smaller than one connection; the log has their sizes.
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
    """Return the pools' sizes as environment variables, for later processes."""
    return {
        "GOATHERD_WRITING_POOL_SIZE": str(settings.writing_pool_size),
        "GOATHERD_READING_POOL_SIZE": str(settings.reading_pool_size),
        "GOATHERD_OWN_POOL_SIZE": str(settings.own_pool_size),
    }


def _in_pools(settings: Settings) -> int:
    writing = settings.writing_pool_size
    http = writing + settings.reading_pool_size + settings.own_pool_size
    # One more during a distributed rebuild.
    work = min(settings.worker_threads, writing) + 1
    return settings.http_workers * http + writing + settings.worker_processes * work
