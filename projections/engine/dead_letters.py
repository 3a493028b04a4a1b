"""Letters: the events that followers parked, the newest of each projection."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

_NEWEST = """
SELECT projection, position, name, error, parked_at FROM (
    SELECT *, row_number() OVER (PARTITION BY projection ORDER BY position DESC) AS nth
    FROM dead_letter
) AS letter WHERE nth <= %s ORDER BY projection, position DESC
"""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a projection could not take in, and why."""

    position: int
    name: str
    error: str
    parked_at: datetime


def newest_dead_letters(
    connection: Connection[TupleRow], *, limit: int
) -> Mapping[str, list[DeadLetter]]:
    """Return up to ``limit`` letters of each projection that has any, newest first."""
    found: dict[str, list[DeadLetter]] = {}
    for projection, *letter in connection.execute(_NEWEST, (limit,)):
        values = zip(DeadLetter.__struct_fields__, letter, strict=True)
        found.setdefault(projection, []).append(DeadLetter(**dict(values)))
    return found
