"""Dead letters: the events that projections could not apply, with the reason."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.structs import structs

_NEWEST = """
SELECT projection, position, name, error, failed_at FROM (
    SELECT *, row_number() OVER (PARTITION BY projection ORDER BY position DESC) AS nth
    FROM dead_letter
) AS dead WHERE nth <= %s ORDER BY projection, position DESC
"""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a projection could not apply and therefore left out."""

    position: int
    name: str
    error: str
    failed_at: datetime


def newest_dead_letters(
    connection: Connection[TupleRow], *, limit: int
) -> Mapping[str, list[DeadLetter]]:
    """Return up to ``limit`` dead letters of each projection, newest first."""
    found: dict[str, list[DeadLetter]] = {}
    for projection, *columns in connection.execute(_NEWEST, (limit,)):
        found.setdefault(projection, []).extend(structs(DeadLetter, [columns]))
    return found
