"""``goatherd restore``: an installation from the files of a backup."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import asdict, replace

from api.cli import UsageError
from api.cli.kit.databases import connected, served_database
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, progress_bar
from api.cli.kit.whole_file import interruptible
from api.system.all_projections import ALL_PROJECTIONS
from application.backup import archive
from application.backup.archive import Backup, opened_backup
from application.backup.finish import Repeated, finish_restore
from application.backup.load import check_content, load, new_data_dir, write_secrets
from domain.phrases import counted, joined
from infra.embedded import EmbeddedPostgres
from infra.settings import Settings

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
            raise UsageError("--finish takes no files.")
        with served_database(settings) as url:
            repeated = _finish(url, settings, is_resumed=True)
        _print_finished(repeated, json=json)
        return
    if file is None:
        raise UsageError("Name a file to restore, or complete a restore with --finish.")
    repeated: Repeated | None
    with ExitStack() as stack:
        stack.enter_context(interruptible("nothing was restored"))
        backups = [stack.enter_context(opened_backup(file))]
        check_content(file, backups[0], {"all", "data"})
        if keys is not None:
            backups.append(stack.enter_context(opened_backup(keys)))
            check_content(keys, backups[1], {"keys"})
        master_key = next(
            (text for each in backups if (text := each.text(archive.MASTER_KEY))), None
        )
        opened = replace(settings, master_key=master_key or settings.master_key)
        if settings.database_url is not None:
            repeated = _restore(backups, settings.database_url, opened)
        else:
            with new_data_dir(settings.data_dir) as folder:
                write_secrets(folder, backups)
                server = EmbeddedPostgres(folder)
                try:
                    repeated = _restore(backups, server.start(), opened)
                finally:
                    server.stop()
        _print_restored(file, backups, settings, repeated, json=json)


def _restore(
    backups: Sequence[Backup], url: str, settings: Settings
) -> Repeated | None:
    """Restore the files, and return the repeated erasures; None without any keys."""
    with connected(url) as connection:
        load(connection, url, backups, progress=progress_bar)
    has_keys = backups[0].manifest.content == "all" or len(backups) > 1
    repeated = _finish(url, settings, has_keys=has_keys)
    return repeated if has_keys else None


def _finish(
    url: str, settings: Settings, *, has_keys: bool = True, is_resumed: bool = False
) -> Repeated:
    with connected(url) as connection:
        return finish_restore(
            connection,
            url,
            settings,
            projections=ALL_PROJECTIONS,
            has_keys=has_keys,
            is_resumed=is_resumed,
        )


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
