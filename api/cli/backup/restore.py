"""``goatherd restore``: an installation from the files of a backup."""

import shutil
from collections import Counter
from collections.abc import Collection, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import asdict, replace
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli import CommandError
from api.cli.backup import archive, programs
from api.cli.backup.archive import Backup, opened_backup
from api.cli.backup.finish import Repeated, finish_restore
from api.cli.kit.databases import connected, served_database
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, progress_bar
from api.cli.kit.whole_file import interruptible
from api.cli.up.first_run import key_path, secret_path
from domain.phrases import counted, joined
from infra.database import create_reader, known_migrations
from infra.database import migrate as migrate_database
from infra.embedded import EmbeddedPostgres
from infra.embedded.data_dir import open_data_dir
from infra.keys.master_key import master_key_path
from infra.private_file import write_private
from infra.restoring import begin_restore, end_restore, note_loaded
from infra.settings import Settings

# Objects of extensions exist before the database is used.
_FIRST_RELATION = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e')
ORDER BY 1 LIMIT 1
"""
_NO_KEYS = (
    "The keys were not restored: no handle, name, title or note in the log can be "
    "read, and a rebuild of a read model loses them. If you have the keys, restore "
    "both into an empty place with --keys, before Goatherd starts on it."
)


def restore(
    file: Annotated[
        Path | None, Parameter(help="The file that `goatherd backup` wrote.")
    ] = None,
    /,
    *,
    keys: Annotated[
        Path | None,
        Parameter(help="The file that `goatherd backup --keys` wrote."),
    ] = None,
    finish: Annotated[
        bool,
        Parameter(
            negative="",
            help="Restore nothing, but complete a restore that was interrupted.",
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Restore a backup into an empty data directory or database.

    GOATHERD_DATABASE_URL names the database; without it a data directory is made.
    People who were erased after the backup, according to the file of keys, are erased
    again before anything can be read, and texts that were forgotten are forgotten
    again. If the restore is interrupted, no process of Goatherd starts on the data
    until `goatherd restore --finish` has completed it.
    """
    settings = read_settings(data_dir=data_dir)
    if finish:
        if file is not None or keys is not None:
            raise CommandError("--finish takes no files.")
        with served_database(settings) as url:
            repeated = finish_restore(url, settings, is_resumed=True)
        _print_finished(repeated, json=json)
        return
    if file is None:
        raise CommandError(
            "Name a file to restore, or complete a restore with --finish."
        )
    repeated: Repeated | None
    with ExitStack() as stack:
        stack.enter_context(interruptible("nothing was restored"))
        backups = [stack.enter_context(opened_backup(file))]
        _check_content(file, backups[0], {"all", "data"})
        if keys is not None:
            backups.append(stack.enter_context(opened_backup(keys)))
            _check_content(keys, backups[1], {"keys"})
        master_key = next(
            (text for each in backups if (text := each.text(archive.MASTER_KEY))), None
        )
        opened = replace(settings, master_key=master_key or settings.master_key)
        if settings.database_url is not None:
            repeated = _restore_database(backups, settings.database_url, opened)
        else:
            with _new_data_dir(settings.data_dir) as folder:
                _write_secrets(folder, backups)
                server = EmbeddedPostgres(folder)
                try:
                    repeated = _restore_database(backups, server.start(), opened)
                finally:
                    server.stop()
        _print_restored(file, backups, settings, repeated, json=json)


def _write_secrets(folder: Path, backups: Sequence[Backup]) -> None:
    # The mark is set before the data are restored, so that a killed restore can be
    # completed.
    for path in (secret_path(folder), master_key_path(folder), key_path(folder)):
        for backup in backups:
            if (text := backup.text(path.name)) is not None:
                write_private(path, text)


def _check_content(
    file: Path, backup: Backup, expected: Collection[archive.Content]
) -> None:
    manifest = backup.manifest
    if manifest.content not in expected:
        raise CommandError(
            f"{file} only has the keys: name it with --keys, and before it the backup "
            "of the data."
            if manifest.content == "keys"
            else f"{file} is not a file that `goatherd backup --keys` wrote."
        )
    newest = max(number for number, _, _ in known_migrations())
    if manifest.schema > newest:
        raise CommandError(
            f"{file} has schema {manifest.schema}, this Goatherd knows {newest}: "
            f"restore it with the release that made it, {manifest.goatherd}."
        )


def _restore_database(
    backups: Sequence[Backup], url: str, settings: Settings
) -> Repeated | None:
    """Restore the files, and return the repeated erasures; None without any keys."""
    backup, *keys = backups
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
                progress_bar("Restoring", total=each.database_bytes) as advance,
            ):
                programs.restore(pg_restore, url, source=source, advance=advance)
        note_loaded(connection)
    has_keys = backup.manifest.content == "all" or bool(keys)
    repeated = finish_restore(url, settings, has_keys=has_keys)
    return repeated if has_keys else None


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
def _new_data_dir(data_dir: Path) -> Generator[Path]:
    """Make a data directory; remove it if the block fails or is interrupted.

    Raises:
        CommandError: the folder is not empty.
    """
    folder = data_dir.expanduser().absolute()
    is_new = not folder.exists()
    if not is_new and any(folder.iterdir()):
        raise CommandError(
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


def _print_finished(repeated: Repeated, *, json: bool) -> None:
    if json:
        print_json(repeated)
        return
    _print_repeated(repeated)
    print("The restore is complete.")


def _print_repeated(repeated: Repeated) -> None:
    erased, forgotten = repeated.erased, repeated.forgotten
    print(
        f"{counted(len(erased), 'creator')} had been erased after the backup, "
        "according to the keys, and was erased again."
        if len(erased) == 1
        else f"{counted(len(erased), 'creator')} had been erased after the backup, "
        "according to the keys, and were erased again."
    )
    if forgotten:
        kinds = Counter(each.kind.replace("api_key", "API key") for each in forgotten)
        whose = joined([counted(amount, kind) for kind, amount in kinds.items()])
        print(
            f"Names and notes of {whose} had been forgotten after the backup, "
            "according to the keys, and were forgotten again. The name is `erased` "
            "until somebody gives it another one."
        )


def _print_restored(
    file: Path,
    backups: Sequence[Backup],
    settings: Settings,
    repeated: Repeated | None,
    *,
    json: bool,
) -> None:
    backup = backups[0]
    manifest = backup.manifest
    if json:
        print_json(
            {
                "file": str(file),
                "position": manifest.position,
                "has_keys": repeated is not None,
                **asdict(repeated or Repeated()),
            }
        )
        return
    if repeated is None:
        print(_NO_KEYS)
    else:
        _print_repeated(repeated)
    print(
        f"Restored {file}, made at {manifest.made_at:%Y-%m-%d %H:%M} UTC: all up to "
        f"position {manifest.position} of the log."
    )
    if settings.database_url is None:
        print(f"Start it with `goatherd up --data-dir {settings.data_dir}`.")
    elif backup.text(archive.SECRET) is not None:
        print(
            f"The secret is not in the database: `unzip -p {file} {archive.SECRET}` "
            "shows it, for GOATHERD_SECRET; the master key is in the file of the keys, "
            f"as {archive.MASTER_KEY}, for GOATHERD_MASTER_KEY."
        )
