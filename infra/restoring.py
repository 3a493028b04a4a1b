"""The mark of an unfinished restore, which makes every other connection fail."""

from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

# The table exists before the first row does, and no backup has it. Its name is a
# message to people who look into the database.
_BEGIN = "CREATE TABLE goatherd_restore_has_not_ended (loaded_at timestamptz)"
_LOADED = "INSERT INTO goatherd_restore_has_not_ended VALUES (clock_timestamp())"
_IS_LOADED = "SELECT EXISTS (SELECT FROM goatherd_restore_has_not_ended)"
_END = "DROP TABLE IF EXISTS goatherd_restore_has_not_ended"
IS_RESTORING: LiteralString = (
    "SELECT to_regclass('goatherd_restore_has_not_ended') IS NOT NULL"
)


_NOT_ENDED = (
    "A restore into this database has not ended, and people who were erased may be "
    "readable in it: run `goatherd restore --finish`, or restore anew into an empty "
    "place."
)


class RestoreUnfinishedError(psycopg.OperationalError):
    """A restore into the database has not ended, so nothing may be read from it.

    Pools treat it as an outage, because for all but the restore it is one.
    """

    def __init__(self, text: str = _NOT_ENDED) -> None:
        super().__init__(text)


def begin_restore(connection: Connection[TupleRow]) -> None:
    """Close the database to everybody else until ``end_restore``."""
    connection.execute(_BEGIN)


def note_loaded(connection: Connection[TupleRow]) -> None:
    """Note that all files are restored, so that the rest can be finished."""
    connection.execute(_LOADED)


def is_half_loaded(connection: Connection[TupleRow]) -> bool:
    """Tell whether a restore was broken off before all of its files were restored."""
    return _answer(connection, IS_RESTORING) and not _answer(connection, _IS_LOADED)


def end_restore(connection: Connection[TupleRow]) -> None:
    """Open the database to everybody again."""
    connection.execute(_END)


def check_restored(connection: Connection[TupleRow]) -> None:
    """Check that no restore into the database has begun without an end.

    Raises:
        RestoreUnfinishedError: a restore has.
    """
    if _answer(connection, IS_RESTORING):
        # A pool would leave it open.
        connection.close()
        raise RestoreUnfinishedError


def _answer(connection: Connection[TupleRow], question: LiteralString) -> bool:
    row = connection.execute(question).fetchone()
    return row is not None and row[0]
