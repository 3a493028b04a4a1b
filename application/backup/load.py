"""Loads a backup into an empty database or data directory."""

import shutil
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow

from application.backup import archive, programs
from application.backup.archive import Backup
from application.backup.errors import BackupError
from application.progress import ShowProgress
from infra.database import (
    BEFORE_FIRST_RELEASE,
    FIRST_MIGRATION,
    create_reader,
    known_migrations,
)
from infra.database import migrate as migrate_database
from infra.embedded.data_dir import key_path, open_data_dir, secret_path
from infra.keys.master_key import master_key_path
from infra.private_file import write_private
from infra.restoring import begin_restore, end_restore, note_loaded

# Objects of extensions exist before the database is used.
_FIRST_RELATION = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')
ORDER BY 1 LIMIT 1
"""


def check_content(
    file: Path, backup: Backup, expected: Collection[archive.Content]
) -> None:
    """Check that a file has the expected content, of a known schema.

    Raises:
        BackupError: the content or the schema is another one.
    """
    manifest = backup.manifest
    if manifest.content not in expected:
        raise BackupError(
            f"{file} only has the keys: name it with --keys, and before it the backup "
            "of the data."
            if manifest.content == "keys"
            else f"{file} is not a file that `goatherd backup --keys` wrote."
        )
    if manifest.schema < FIRST_MIGRATION:
        raise BackupError(f"{file} {BEFORE_FIRST_RELEASE}")
    newest = max(number for number, _, _ in known_migrations())
    if manifest.schema > newest:
        raise BackupError(
            f"{file} has schema {manifest.schema}, this Goatherd knows {newest}: "
            f"restore it with the release that made it, {manifest.goatherd}."
        )


def load(
    connection: Connection[TupleRow],
    url: str,
    backups: Sequence[Backup],
    *,
    progress: ShowProgress,
) -> None:
    """Load the files of a backup into an empty database: the data, then the keys.

    The mark of the restore stays, so nothing is read before ``finish_restore``.
    ``connection`` leads to ``url``, in autocommit.

    Raises:
        BackupError: the database is not empty or too old, or pg_restore failed.
    """
    backup, *keys = backups
    server = connection.info.server_version // 10_000
    if server < backup.manifest.postgresql:
        raise BackupError(
            f"The backup is of PostgreSQL {backup.manifest.postgresql}, and the "
            f"database runs on {server}: it needs the same or a newer one."
        )
    row = connection.execute(_FIRST_RELATION).fetchone()
    if row is not None:
        raise BackupError(
            f"The database is not empty: it has {row[0]}. Name an empty one, so "
            "that nothing is overwritten."
        )
    pg_restore = programs.program(
        "pg_restore", server=server, at_least=backup.manifest.pg_dump
    )
    create_reader(connection)
    begin_restore(connection)
    for each in backups:
        if each in keys:
            migrate_database(url)
        with (
            _ended_if_nothing_came(connection, is_first=each is backup),
            each.database() as source,
            progress("Restoring", total=each.database_bytes) as advance,
        ):
            programs.restore(pg_restore, url, source=source, advance=advance)
    note_loaded(connection)


@contextmanager
def _ended_if_nothing_came(
    connection: Connection[TupleRow], *, is_first: bool
) -> Generator[None]:
    """Remove the mark of the restore if the first file cannot be restored."""
    try:
        yield
    except BaseException:
        if is_first:
            end_restore(connection)
        raise


@contextmanager
def new_data_dir(data_dir: Path) -> Generator[Path]:
    """Make a data directory; remove it if the block fails or is interrupted.

    Raises:
        BackupError: the folder is not empty.
    """
    folder = data_dir.expanduser().absolute()
    is_new = not folder.exists()
    if not is_new and any(folder.iterdir()):
        raise BackupError(
            f"The data directory {folder} is not empty: name an empty one with "
            "--data-dir or GOATHERD_DATA_DIR, so that nothing is overwritten."
        )
    folder = open_data_dir(folder)
    try:
        yield folder
    except BaseException:
        for path in folder.iterdir():
            if path.is_symlink() or path.is_dir():
                shutil.rmtree(path.resolve(), ignore_errors=True)
            if path.is_symlink() or path.is_file():
                path.unlink()
        if is_new:
            folder.rmdir()
        raise


def write_secrets(folder: Path, backups: Sequence[Backup]) -> None:
    """Write the secret, the keys and the master key into a data directory."""
    # The keys are written before the data, so that a killed restore can be completed.
    for path in (secret_path(folder), master_key_path(folder), key_path(folder)):
        for backup in backups:
            if (text := backup.text(path.name)) is not None:
                write_private(path, text)
