"""Outages of PostgreSQL, as this process sees them: a line when it is lost and back.

Everything that waits for a connection fails meanwhile, again and again. What only says
so once more is left out of the log.
"""

import logging
import os
import threading
import time

import psycopg
import structlog
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

# Without a connection the statement was not sent, so another try cannot repeat it.
NO_CONNECTION = (PoolTimeout, TooManyRequests, PoolClosed)
# After so many failures in a row, connections are cut for another reason.
_EXPLAINED_AT_MOST = 3
# Nobody waits longer for a connection.
_ECHO_SECONDS = 3.0
# The server ended the connection, or does not take one now.
_SHUTTING_DOWN = frozenset({"57P01", "57P02", "57P03"})
_CONNECTION_EXCEPTION = "08"
_NOT_CONNECTED = "error connecting in"
# Others of the pool's warnings that only follow from a cut connection.
_FOLLOWING = ("reconnection attempt in", "discarding", "closing returned")

_log = structlog.get_logger()


class Outage:
    """Whether PostgreSQL can be reached; threads may tell and ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost_at: float | None = None
        self._ended_at = -_ECHO_SECONDS

    def lost(self, reason: object) -> None:
        """Note that no connection could be made, and log it the first time."""
        with self._lock:
            if self._lost_at is not None:
                return
            self._lost_at = time.monotonic()
        _log.warning(
            "postgresql_lost", pid=os.getpid(), reason=" ".join(str(reason).split())
        )

    def back(self) -> None:
        """Note that a connection was made, and log it if there was none before."""
        with self._lock:
            if self._lost_at is None:
                return
            self._ended_at = time.monotonic()
            seconds = self._ended_at - self._lost_at
            self._lost_at = None
        _log.warning(
            "postgresql_back", pid=os.getpid(), lost_for_seconds=round(seconds, 1)
        )

    def explains(self, error: BaseException, *, failures: int = 1) -> bool:
        """Return whether a failure needs no line of its own.

        It does not while PostgreSQL is lost, nor for as long afterwards as somebody who
        asked before may have waited for a connection. Nor where a connection was cut
        just now: if no other can be had, that is logged as an outage. ``failures`` are
        those in a row, this one among them.
        """
        if not is_connection_lost(error):
            return False
        if self._lost_at is not None:
            return True
        if time.monotonic() - self._ended_at < _ECHO_SECONDS:
            return True
        return not isinstance(error, NO_CONNECTION) and failures <= _EXPLAINED_AT_MOST


OUTAGE = Outage()


def is_connection_lost(error: BaseException) -> bool:
    """Return whether a connection broke or could not be had, whatever was asked."""
    if isinstance(error, psycopg.InterfaceError):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return False
    state = error.sqlstate
    return (
        state is None
        or state in _SHUTTING_DOWN
        or state.startswith(_CONNECTION_EXCEPTION)
    )


def is_out_of_connections(error: psycopg.Error) -> bool:
    """Return whether the server runs and has no connection left for us.

    libpq has the server's message only, in the server's language.
    """
    text = str(error)
    return "too many clients" in text or "connection slots are reserved" in text


def watch_pool_log(record: logging.LogRecord) -> bool:
    """Take what connection pools log of an outage, for a filter of their logger."""
    message = record.msg if isinstance(record.msg, str) else ""
    if message.startswith(_NOT_CONNECTED) and isinstance(record.args, tuple):
        OUTAGE.lost(record.args[-1])
        return False
    return not message.startswith(_FOLLOWING)
