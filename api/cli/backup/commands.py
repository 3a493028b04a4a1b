"""``goatherd backup`` and ``goatherd restore``: an installation in one file."""

import hashlib
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.backup import archive, programs
from api.cli.backup.archive import Backup, Manifest, opened_backup
from api.cli.databases import check_fit, connected, served_database
from api.cli.options import DataDir, Json, read_settings
from api.cli.output import print_json, progress_bar
from api.cli.up.first_run import key_path, secret_path
from api.cli.whole_file import check_file, interruptible, whole_file
from infra.database import create_reader, known_migrations
from infra.database import migrate as migrate_database
from infra.embedded import EmbeddedPostgres
from infra.embedded.data_dir import open_data_dir
from infra.keys.master_key import master_key_path
from infra.private_file import write_private
from infra.settings import Settings

_IS_OURS = "SELECT EXISTS (SELECT FROM api_keys WHERE digest = %s)"
_STATE = """
SELECT coalesce((SELECT max(notification_id) FROM goatherd_events), 0),
       (SELECT max(number) FROM schema_migration)
"""
# Objects of extensions exist before the database is used.
_FIRST_RELATION = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')
ORDER BY 1 LIMIT 1
"""


def backup(
    file: Annotated[Path, Parameter(help="The file to write.")],
    /,
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Back up the installation into one file, as of one moment, while Goatherd runs.

    The file contains the database, the secret, the master key and the first key, so
    keep it safe.
    """
    settings = read_settings(data_dir=data_dir)
    check_file(file)
    with (
        interruptible(f"{file} was not written"),
        served_database(settings) as url,
        connected(url) as connection,
    ):
        check_fit(connection)
        with whole_file(file, private=True) as output:
            manifest = _write(connection, url, settings, output)
    size = file.stat().st_size
    if json:
        print_json({"file": str(file), "bytes": size, "position": manifest.position})
        return
    print(
        f"Backed up to {file} ({size / 1e6:,.1f} MB), up to position "
        f"{manifest.position} of the log."
    )


def restore(
    file: Annotated[Path, Parameter(help="A file that `goatherd backup` wrote.")],
    /,
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Restore a backup into an empty data directory or database.

    GOATHERD_DATABASE_URL names the database; without it a data directory is made.
    """
    settings = read_settings(data_dir=data_dir)
    with interruptible("nothing was restored"), opened_backup(file) as backup:
        newest = max(number for number, _, _ in known_migrations())
        if backup.manifest.schema > newest:
            raise CommandError(
                f"{file} has schema {backup.manifest.schema}, this Goatherd knows "
                f"{newest}: restore it with the release that made it, "
                f"{backup.manifest.goatherd}."
            )
        if settings.database_url is not None:
            _restore_database(backup, settings.database_url)
        else:
            with _new_data_dir(settings.data_dir) as folder:
                server = EmbeddedPostgres(folder)
                try:
                    _restore_database(backup, server.start())
                finally:
                    server.stop()
                for path in (
                    *(secret_path(folder), master_key_path(folder)),
                    key_path(folder),
                ):
                    if (text := backup.text(path.name)) is not None:
                        write_private(path, text)
        _print_restored(file, backup, settings, json=json)


def _write(
    connection: Connection[TupleRow], url: str, settings: Settings, output: BinaryIO
) -> Manifest:
    server = connection.info.server_version // 10_000
    pg_dump = programs.program("pg_dump", server=server)
    with (
        connection.transaction(),
        archive.opened_for_writing(output) as backup,
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        position, schema = connection.execute(_STATE).fetchone() or (0, 0)
        manifest = Manifest(
            goatherd=version("goatherd"),
            made_at=datetime.now(UTC),
            postgresql=server,
            pg_dump=pg_dump.major,
            schema=schema,
            position=position,
        )
        archive.write_manifest(backup, manifest)
        with (
            backup.open(archive.DATABASE, "w", force_zip64=True) as member,
            progress_bar("Backing up", total=programs.rows_of(connection)) as advance,
        ):
            programs.dump(pg_dump, connection, url, output=member, advance=advance)
        for name, text in _secrets(connection, settings).items():
            archive.write_text(backup, name, text)
    return manifest


def _secrets(connection: Connection[TupleRow], settings: Settings) -> dict[str, str]:
    """Return the secret, the master key and the first key, by name.

    Those of a data directory are used only if its key is in this database.
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


def _restore_database(backup: Backup, url: str) -> None:
    with connected(url) as connection:
        server = connection.info.server_version // 10_000
        if server < backup.manifest.postgresql:
            raise CommandError(
                f"The backup is of PostgreSQL {backup.manifest.postgresql}, and the "
                f"database runs on {server}: it needs the same or a newer one."
            )
        row = connection.execute(_FIRST_RELATION).fetchone()
        if row is not None:
            raise CommandError(
                f"The database is not empty: it has {row[0]}. Name one in which there "
                "is nothing, so that nothing is written over."
            )
        pg_restore = programs.program(
            "pg_restore", server=server, at_least=backup.manifest.pg_dump
        )
        create_reader(connection)
        with (
            backup.database() as source,
            progress_bar("Restoring", total=backup.database_bytes) as advance,
        ):
            programs.restore(pg_restore, url, source=source, advance=advance)
        migrate_database(url)
        # Without ANALYZE the planner would take the tables for empty.
        connection.execute("ANALYZE")


@contextmanager
def _new_data_dir(data_dir: Path) -> Generator[Path]:
    """Make a data directory; remove it if the block fails or is interrupted.

    Raises:
        CommandError: it is not empty.
    """
    folder = data_dir.expanduser().absolute()
    is_new = not folder.exists()
    if not is_new and any(folder.iterdir()):
        raise CommandError(
            f"The data directory {folder} is not empty: name one that is with "
            "--data-dir or GOATHERD_DATA_DIR, so that nothing is written over."
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


def _print_restored(
    file: Path, backup: Backup, settings: Settings, *, json: bool
) -> None:
    manifest = backup.manifest
    if json:
        print_json({"file": str(file), "position": manifest.position})
        return
    print(
        f"Restored {file}, made at {manifest.made_at:%Y-%m-%d %H:%M} UTC: all up to "
        f"position {manifest.position} of the log."
    )
    if settings.database_url is None:
        print(f"Start it with `goatherd up --data-dir {settings.data_dir}`.")
    elif backup.text(archive.SECRET) is not None:
        print(
            f"The secret is not in the database: `unzip -p {file} {archive.SECRET}` "
            f"shows it, for GOATHERD_SECRET, and `unzip -p {file} "
            f"{archive.MASTER_KEY}` the master key, for GOATHERD_MASTER_KEY."
        )
