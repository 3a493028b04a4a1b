"""Who drives a rebuild: one process at a time, whichever dies."""

import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

import psycopg

from infra.database import Pool

_LOCK_CLASS = 72039149
LOCK_PATIENCE_SECONDS = 5.0
_TRY_LOCK = "SELECT pg_try_advisory_lock(%s, %s)"
_UNLOCK = "SELECT pg_advisory_unlock(%s, %s)"


class AlreadyRebuildingError(Exception):
    """Another process rebuilds this read model just now."""


@contextmanager
def rebuild_lock(
    pool: Pool, name: str, *, patience: float = LOCK_PATIENCE_SECONDS
) -> Generator[None]:
    """Be the only process that drives a rebuild of the projection.

    The server lets go for whoever dies, as soon as it notices.

    Raises:
        AlreadyRebuildingError: another is, still after ``patience`` seconds.
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
            yield
        finally:
            with suppress(psycopg.Error):
                connection.execute(_UNLOCK, key)
