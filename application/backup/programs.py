"""Finds and runs pg_dump and pg_restore."""

import os
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from application.backup.errors import BackupError
from application.progress import Advance
from infra.embedded.binaries import client_programs

_CHUNK = 1 << 20
_LOOK_EVERY_SECONDS = 0.5

_ROWS = """
SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')
"""
_COPIED = """
SELECT relid::bigint, tuples_processed FROM pg_stat_progress_copy
WHERE datname = current_database() AND command = 'COPY TO'
"""


class Program(NamedTuple):
    """A program of PostgreSQL and its major version."""

    path: Path
    major: int


def program(name: str, *, server: int, at_least: int = 0) -> Program:
    """Return the program whose major version is closest to the server's, not older.

    Raises:
        BackupError: no such program is installed.
    """
    oldest = max(server, at_least)
    found = [
        Program(path, major) for path, major in client_programs(name) if major >= oldest
    ]
    if not found:
        raise BackupError(
            f"There is no {name} of PostgreSQL {oldest} or newer: put one on PATH."
        )
    return min(found, key=lambda one: one.major)


def rows_of(connection: Connection[TupleRow]) -> int | None:
    """Return the approximate number of rows of a dump, None if it is unknown."""
    row = connection.execute(_ROWS).fetchone()
    return row[0] if row and row[0] else None


def dump(
    pg_dump: Program,
    connection: Connection[TupleRow],
    url: str,
    *,
    output: IO[bytes],
    advance: Advance,
    also: Sequence[str] = (),
) -> None:
    """Write a dump of the snapshot of the connection's transaction.

    ``also`` has further options of pg_dump. ``advance`` is called with the number of
    rows copied since the last call.

    Raises:
        BackupError: pg_dump failed.
    """
    row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None
    options = [
        *("--format=custom", f"--snapshot={row[0]}", "--lock-wait-timeout=60s"),
        *("--no-publications", "--no-subscriptions"),
        *also,
    ]
    copied: dict[int, int] = {}
    looked_at = 0.0
    with _running(pg_dump, url, options, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(_CHUNK):
            output.write(chunk)
            if time.monotonic() - looked_at > _LOOK_EVERY_SECONDS:
                looked_at = time.monotonic()
                before = sum(copied.values())
                copied.update(connection.execute(_COPIED).fetchall())
                advance(sum(copied.values()) - before)


def restore(
    pg_restore: Program, url: str, *, source: IO[bytes], advance: Advance
) -> None:
    """Restore a dump in one transaction: the whole dump, or nothing.

    ``advance`` is called with the number of bytes read since the last call.

    Raises:
        BackupError: pg_restore failed.
    """
    # The user who restores becomes the owner.
    options = ["--no-owner", "--single-transaction"]
    with _running(pg_restore, url, options, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            while chunk := source.read(_CHUNK):
                process.stdin.write(chunk)
                advance(len(chunk))
            process.stdin.close()


@contextmanager
def _running(
    program: Program,
    url: str,
    options: Sequence[str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Generator[subprocess.Popen[bytes]]:
    """Run a program on a database; kill it if the block fails or is interrupted."""
    connecting = conninfo_to_dict(url)
    password = connecting.pop("password", None)
    environment = dict(os.environ)
    if password is not None:
        # The password is not on the command line, which every user of this machine can
        # read.
        environment["PGPASSWORD"] = str(password)
    database = make_conninfo("", **connecting)
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603
            [program.path, *options, f"--dbname={database}"],
            stdin=stdin,
            stdout=stdout,
            stderr=complaints,
            env=environment,
        )
        try:
            yield process
        except BaseException:
            process.kill()
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            status = process.wait()
        if status:
            complaints.seek(0)
            lines = complaints.read().decode(errors="replace").strip().splitlines()
            why = next((line for line in lines if "error:" in line), f"status {status}")
            raise BackupError(f"{program.path.name} failed: {why}")
