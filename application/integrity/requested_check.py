"""Checks of the log that are requested over HTTP, and run in another process."""

from datetime import datetime
from pathlib import Path
from typing import Literal, LiteralString

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from application.integrity.kept_keys import with_keys
from application.integrity.signing import InstallationSigner
from application.integrity.verify import CheckedLog, verify
from infra.database import Pool
from infra.locks import AdvisoryLock

CheckState = Literal["none", "requested", "running", "finished"]

# At most this many processes work on a requested check, because the machine also
# scrapes.
PROCESSES = 2

# A check that waits or is running stays as it is.
_REQUEST = """
INSERT INTO log_check AS c (requested_by) VALUES (%s)
ON CONFLICT (only_one) DO UPDATE SET requested_by = excluded.requested_by,
    requested_at = now(), done = 0, total = 0, reported_at = NULL, finished_at = NULL,
    result = NULL
WHERE c.finished_at IS NOT NULL
"""
_READ = """
SELECT requested_at, done, total, reported_at, finished_at, result::text FROM log_check
"""
_IS_DUE = "SELECT FROM log_check WHERE finished_at IS NULL"
# Requests notify this channel.
NOTICES: LiteralString = "goatherd_checks"
_TAKE_LOCK = "SELECT pg_try_advisory_lock(%s)"
_REPORT = "UPDATE log_check SET done = %s, total = %s, reported_at = now()"
_FINISH = "UPDATE log_check SET finished_at = now(), result = %s"


class LogCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The newest requested check: ``done`` of ``total`` parts, and the result."""

    state: CheckState = "none"
    requested_at: datetime | None = None
    done: int = 0
    total: int = 0
    finished_at: datetime | None = None
    result: CheckedLog | None = None


def request_check(connection: Connection[TupleRow], *, by: str) -> None:
    """Request a check of the whole log, unless one waits or is running already."""
    connection.execute(_REQUEST, (by,))


def newest_check(connection: Connection[TupleRow]) -> LogCheck:
    """Return the state of the newest requested check."""
    row = connection.execute(_READ).fetchone()
    if row is None:
        return LogCheck()
    requested_at, done, total, reported_at, finished_at, result = row
    running: CheckState = "requested" if reported_at is None else "running"
    return LogCheck(
        state=running if finished_at is None else "finished",
        requested_at=requested_at,
        done=done,
        total=total,
        finished_at=finished_at,
        result=result and msgspec.json.decode(result, type=CheckedLog),
    )


def run_requested_check(
    url: str, pool: Pool, signer: InstallationSigner, *, progress: Path | None
) -> bool:
    """Run the requested check; return False if there is none, or if another runs it."""
    # This question comes often, so it has no connection of its own.
    with pool.connection() as pooled:
        if pooled.execute(_IS_DUE).fetchone() is None:
            return False
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(_TAKE_LOCK, (AdvisoryLock.CHECK_LOG,)).fetchone()
        if row is None or not row[0]:
            return False
        # Another process may have finished the check just before it released the lock.
        if connection.execute(_IS_DUE).fetchone() is None:
            return False
        connection.execute(_REPORT, (0, 1))
        result = verify(
            url,
            key=signer.open().key,
            report=lambda done, total: connection.execute(_REPORT, (done, total)),
            progress=progress,
            processes=PROCESSES,
        )
        result = with_keys(result, connection, signer.master_key())
        connection.execute(_FINISH, (msgspec.json.encode(result).decode(),))
        return True
