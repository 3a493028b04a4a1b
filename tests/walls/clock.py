"""The day of the walls, on which the clocks of Python and PostgreSQL stand still."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import psycopg
import pytest
import time_machine
from psycopg import sql

from infra import ids

# The demo's past then has all days that tests/upgrade/questions.py asks about.
BEGIN = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)

# PostgreSQL finds functions of the schema first that is first in the search path. The
# functions' names stand there for all statements that do not name a schema.
_STAND_STILL = """
CREATE TABLE pinned_clock AS SELECT {}::timestamptz AS at;
GRANT SELECT ON pinned_clock TO PUBLIC;
ALTER DATABASE {} SET search_path = public, pg_catalog
"""
_CLOCKS = ("now", "transaction_timestamp", "statement_timestamp", "clock_timestamp")
_CLOCK = """
CREATE FUNCTION public.{}() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT at FROM public.pinned_clock'
"""


class Clock:
    """The clock of this process and of one database, which somebody has to move on."""

    def __init__(self, url: str, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._connection = psycopg.connect(url, autocommit=True)

    def move_on(self, by: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass."""
        self._traveller.shift(by)
        self._connection.execute("UPDATE pinned_clock SET at = at + %s", (by,))

    def close(self) -> None:
        self._connection.close()


@contextmanager
def stopped_clock(url: str) -> Generator[Clock]:
    """Stop the clocks of this process and of an empty database; ids count on."""
    with psycopg.connect(url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL(_STAND_STILL).format(BEGIN, database))
        for name in _CLOCKS:
            connection.execute(sql.SQL(_CLOCK).format(sql.Identifier(name)))
    numbers = count(1)
    with (
        time_machine.travel(BEGIN, tick=False) as traveller,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setattr(ids, "uuid7", lambda: _id(next(numbers)))
        clock = Clock(url, traveller)
        try:
            yield clock
        finally:
            clock.close()


def _id(number: int) -> UUID:
    """Return an id of version 7 with the time that the clock shows."""
    milliseconds = int(datetime.now(UTC).timestamp() * 1_000)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62 | number)
