"""The wait for read models before a command shows their rows."""

import sys
import time

from psycopg import Connection
from psycopg.rows import TupleRow

PATIENCE_SECONDS = 2.0
_POLL_SECONDS = 0.05


def wait_until_caught_up(
    connection: Connection[TupleRow], *projections: str, what: str
) -> None:
    """Wait until read models are caught up, or say that ``what`` is behind."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while behind := _behind(connection, projections):
        if time.monotonic() > deadline:
            print(
                f"goatherd: {what} {behind:,} events behind; `goatherd project` "
                "catches up with them.",
                file=sys.stderr,
            )
            return
        time.sleep(_POLL_SECONDS)


def _behind(connection: Connection[TupleRow], projections: tuple[str, ...]) -> int:
    # It knows all read models, and most commands wait for none.
    from projections.status import progress

    return max(
        one.lag_events for one in progress(connection) if one.name in projections
    )
