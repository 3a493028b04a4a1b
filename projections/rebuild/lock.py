"""Locks: one process drives a rebuild; its follower pauses for compare and swap."""

import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.database import Pool
from projections.rebuild.errors import AlreadyRebuildingError, TryAgainError

_LOCK_CLASS = 72039149
LOCK_PATIENCE_SECONDS = 5.0
_TRY_LOCK = "SELECT pg_try_advisory_lock(%s, %s)"
_UNLOCK = "SELECT pg_advisory_unlock(%s, %s)"
_HOLD = "SELECT version, position FROM projection WHERE name = %s FOR UPDATE"


@contextmanager
def rebuild_lock(
    pool: Pool, name: str, *, patience: float = LOCK_PATIENCE_SECONDS
) -> Generator[Connection[TupleRow]]:
    """Take the lock of the only process that drives a rebuild of the projection.

    PostgreSQL releases the lock when it notices that the process has died. The function
    yields the connection that holds the lock: once it can't be read any more, the lock
    is lost.

    Raises:
        AlreadyRebuildingError: another process still has it after ``patience`` seconds.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
    key = (_LOCK_CLASS, int.from_bytes(digest, "big", signed=True))
    deadline = time.monotonic() + patience
    with pool.connection() as connection:
        while True:
            row = connection.execute(_TRY_LOCK, key).fetchone()
            if row is not None and row[0]:
                break
            if time.monotonic() >= deadline:
                msg = f"Another process rebuilds {name} just now."
                raise AlreadyRebuildingError(msg)
            time.sleep(0.1)
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):
                connection.execute(_UNLOCK, key)


@contextmanager
def follower_held(
    pool: Pool, name: str
) -> Generator[tuple[Connection[TupleRow], int, int]]:
    """Hold a projection's follower between two batches; yield its version and position.

    Raises:
        TryAgainError: the current batch takes longer than half a second.
    """
    with pool.connection() as connection, connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '500ms'")
        try:
            row = connection.execute(_HOLD, (name,)).fetchone()
        except psycopg.errors.LockNotAvailable:
            raise TryAgainError(name) from None
        assert row is not None, "registered"
        yield connection, row[0], row[1]
