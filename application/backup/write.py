"""Writes a backup: the database as of one moment, with its secrets or its keys."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from psycopg import Connection
from psycopg.rows import TupleRow

from application.backup import archive, programs
from application.backup.archive import Manifest
from application.progress import ShowProgress
from infra.build import version
from infra.embedded.data_dir import key_path, secret_path
from infra.keys.master_key import master_key_path
from infra.settings import Settings

_KEY_TABLES = ("subject_keys", "installation_keys")
_ONLY_KEYS = ("--data-only", *(f"--table={name}" for name in _KEY_TABLES))
# A backup also lacks the list of data that were erased on the day before.
_WITHOUT_KEYS = tuple(
    f"--exclude-table-data={name}" for name in (*_KEY_TABLES, "erased_values")
)
_IS_OURS = "SELECT EXISTS (SELECT FROM api_keys WHERE digest = %s)"
_NOTE = "INSERT INTO backups (made_at, position) VALUES (%s, %s)"
_STATE = """
SELECT coalesce((SELECT max(notification_id) FROM goatherd_events), 0),
       (SELECT max(number) FROM schema_migration)
"""


def write_backup(
    connection: Connection[TupleRow],
    url: str,
    settings: Settings,
    output: BinaryIO,
    *,
    content: archive.Content,
    progress: ShowProgress,
) -> Manifest:
    """Write a backup of one moment to ``output``, while Goatherd runs.

    ``connection`` leads to ``url``, in autocommit.

    Raises:
        BackupError: pg_dump is missing or failed.
    """
    server = connection.info.server_version // 10_000
    pg_dump = programs.program("pg_dump", server=server)
    with (
        connection.transaction(),
        archive.opened_for_writing(output) as backup,
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        position, schema = connection.execute(_STATE).fetchone() or (0, 0)
        manifest = Manifest(
            content=content,
            goatherd=version(),
            made_at=datetime.now(UTC),
            postgresql=server,
            pg_dump=pg_dump.major,
            schema=schema,
            position=position,
        )
        archive.write_manifest(backup, manifest)
        with (
            backup.open(archive.DATABASE, "w", force_zip64=True) as member,
            progress("Backing up", total=programs.rows_of(connection)) as advance,
        ):
            programs.dump(
                pg_dump,
                connection,
                url,
                output=member,
                advance=advance,
                also=_ONLY_KEYS if content == "keys" else _WITHOUT_KEYS,
            )
        for name, text in _secrets(connection, settings).items():
            if (name == archive.MASTER_KEY) == (content == "keys"):
                archive.write_text(backup, name, text)
    return manifest


def note_backup(connection: Connection[TupleRow], manifest: Manifest) -> None:
    """Note that there is a backup, so that its age can be watched."""
    values = manifest.made_at, manifest.position
    connection.execute(_NOTE, values)


def _secrets(connection: Connection[TupleRow], settings: Settings) -> dict[str, str]:
    """Return the secret, the master key and the first key, by name.

    The files of a data directory are used only if its key is in this database.
    """
    found: dict[str, str] = {}
    key = _text(key_path(settings.data_dir))
    if key is not None:
        digest = hashlib.sha256(key.strip().encode()).hexdigest()
        row = connection.execute(_IS_OURS, (digest,)).fetchone()
        if row is None or not row[0]:
            key = None
    is_ours = settings.database_url is None or key is not None
    secret = settings.secret
    if secret is None and is_ours:
        secret = _text(secret_path(settings.data_dir))
    if secret is not None:
        found[archive.SECRET] = secret.strip()
    master_key = settings.master_key
    if master_key is None and is_ours:
        master_key = _text(master_key_path(settings.data_dir))
    if master_key is not None:
        found[archive.MASTER_KEY] = master_key.strip()
    if key is not None:
        found[archive.API_KEY] = key.strip()
    return found


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
