"""The holder of leases: a connection that ends with its process, and they with it."""

import threading
from random import getrandbits
from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

# The first of the two numbers of advisory locks that holders have.
HOLDERS: LiteralString = "720391"


class LeaseHolder:
    """The connection of a process whose end gives all of its leases back at once.

    Without it, a lease lasts until its time, also if the process was killed.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection[TupleRow] | None = None
        self._number = 0
        self._lock = threading.Lock()

    def number(self) -> int:
        """Return the number for new leases; a lost connection is replaced.

        Raises:
            psycopg.OperationalError: the database is away.
        """
        with self._lock:
            return self._kept()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _kept(self) -> int:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=5
            )
            self._number = 0
        if self._number:
            self._connection.execute("SELECT 1")
        while not self._number:
            number = getrandbits(31) or 1
            query = f"SELECT pg_try_advisory_lock({HOLDERS}, %s)"
            row = self._connection.execute(query, (number,)).fetchone()
            if row == (True,):
                self._number = number
        return self._number
