"""``goatherd backup``: an installation in a file, and its keys in another one."""

import hashlib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.backup import archive, programs
from api.cli.backup.archive import Manifest
from api.cli.kit.databases import check_fit, connected, served_database
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, progress_bar
from api.cli.kit.whole_file import check_file, interruptible, whole_file
from api.cli.up.first_run import key_path, secret_path
from infra.keys.master_key import master_key_path
from infra.settings import Settings

_KEY_TABLES = ("subject_keys", "installation_keys")
_ONLY_KEYS = ("--data-only", *(f"--table={name}" for name in _KEY_TABLES))
# A backup also lacks the list of data that were erased on the day before.
_WITHOUT_KEYS = tuple(
    f"--exclude-table-data={name}" for name in (*_KEY_TABLES, "erased_values")
)
_IS_OURS = "SELECT EXISTS (SELECT FROM api_keys WHERE digest = %s)"
_STATE = """
SELECT coalesce((SELECT max(notification_id) FROM goatherd_events), 0),
       (SELECT max(number) FROM schema_migration)
"""


def backup(
    file: Annotated[Path | None, Parameter(help="The file to write.")] = None,
    /,
    *,
    keys: Annotated[
        Path | None,
        Parameter(help="The file to write the keys to, which open sealed data."),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Back up the installation, as of one moment, while Goatherd runs.

    FILE gets the database, the secret and the first key. With --keys another file gets
    the master key and the keys that open the sealed data of events. Keep that file
    elsewhere, and delete it soon: with keys from before an erasure, an erased person's
    data can be read again.
    """
    settings = read_settings(data_dir=data_dir)
    files: list[tuple[Path, archive.Content]] = []
    if file is not None:
        files.append((file, "data"))
    if keys is not None:
        # The keys are read after the log, so that no event of the log lacks its key.
        files.append((keys, "keys"))
    if not files:
        raise CommandError("Name a file to write, or a file for the keys with --keys.")
    if file is not None and file == keys:
        raise CommandError("The keys go into a file of their own.")
    for path, _ in files:
        check_file(path)
    with (
        interruptible("nothing more was written"),
        served_database(settings) as url,
        connected(url) as connection,
    ):
        check_fit(connection)
        for path, content in files:
            with whole_file(path) as output:
                manifest = _write(connection, url, settings, output, content=content)
            _print_backed_up(path, manifest, json=json)


def _print_backed_up(file: Path, manifest: Manifest, *, json: bool) -> None:
    size, position = file.stat().st_size, manifest.position
    if json:
        content = manifest.content
        print_json(
            {
                "file": str(file),
                "content": content,
                "bytes": size,
                "position": position,
            }
        )
    elif manifest.content == "keys":
        print(f"Backed up the keys to {file}. Keep it apart, and delete it soon.")
    else:
        print(
            f"Backed up to {file} ({size / 1e6:,.1f} MB), up to position {position} of "
            "the log. The keys that open it are not in it: back them up with --keys."
        )


def _write(
    connection: Connection[TupleRow],
    url: str,
    settings: Settings,
    output: BinaryIO,
    *,
    content: archive.Content,
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
            content=content,
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
