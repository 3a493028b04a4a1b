"""Outages of PostgreSQL: one log line when this process loses it, one at its return.

During an outage every request for a connection fails repeatedly. Log lines that only
repeat this are dropped.
"""

import logging
import os
import threading
import time

import psycopg
import structlog
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

# Without a connection no statement was sent, so a second try repeats nothing.
NO_CONNECTION = (PoolTimeout, TooManyRequests, PoolClosed)
# More failures in a row than this have another cause.
_EXPLAINED_AT_MOST = 3
# The longest time that a request waits for a connection.
_ECHO_SECONDS = 3.0
# SQL states: the server ended the connection, or accepts none now.
_SHUTTING_DOWN = frozenset({"57P01", "57P02", "57P03"})
_CONNECTION_EXCEPTION = "08"
_NOT_CONNECTED = "error connecting in"
# Warnings of the pool that only follow from a cut connection.
_FOLLOWING = ("reconnection attempt in", "discarding", "closing returned")

_log = structlog.get_logger()


class Outage:
    """The knowledge of this process about an outage; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost_at: float | None = None
        self._ended_at = -_ECHO_SECONDS

    def lost(self, reason: object) -> None:
        """Note that no connection could be opened; log it the first time."""
        with self._lock:
            if self._lost_at is not None:
                return
            self._lost_at = time.monotonic()
        _log.warning(
            "postgresql_lost", pid=os.getpid(), reason=" ".join(str(reason).split())
        )

    def back(self) -> None:
        """Note that a connection was opened; log it after an outage."""
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
        """Return whether a failure needs no log line of its own.

        A failure during an outage needs none, nor does one shortly afterwards, because
        requests that began in the outage still fail. A connection that was just cut
        needs none either: if no other can be opened, that is logged as an outage.
        ``failures`` is the number of failures in a row, including this one.
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
    """Return whether the server is running but has no free connection.

    libpq passes on only the server's message, in the server's language.
    """
    text = str(error)
    return "too many clients" in text or "connection slots are reserved" in text


def watch_pool_log(record: logging.LogRecord) -> bool:
    """Note outages from the log records of connection pools; used as a log filter."""
    message = record.msg if isinstance(record.msg, str) else ""
    if message.startswith(_NOT_CONNECTED) and isinstance(record.args, tuple):
        OUTAGE.lost(record.args[-1])
        return False
    return not message.startswith(_FOLLOWING)
