"""``goatherd backup``: an installation in a file, and its keys in another one."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from api.cli import CommandError, UsageError
from api.cli.kit.databases import check_fit, connected, served_database
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, progress_bar
from api.cli.kit.whole_file import check_file, interruptible, whole_file
from application.backup.archive import Content, Manifest
from application.backup.write import note_backup, write_backup


def backup(
    file: Annotated[Path | None, Parameter(help="The file to write.")] = None,
    /,
    *,
    keys: Annotated[
        Path | None,
        Parameter(help="The file to write the keys to, which open sealed data."),
    ] = None,
    overwrite: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="Replace files that exist already."
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Back up the installation, as of one moment, while Goatherd runs.

    FILE gets the database, the secret and the first key. With --keys another file gets
    the master key and the keys that open the sealed data of events. Keep that file
    elsewhere, and delete it soon: with keys from before an erasure, an erased person's
    data can be read again. A file that exists already is replaced only with
    --overwrite.
    """
    settings = read_settings(data_dir=data_dir)
    files: list[tuple[Path, Content]] = []
    if file is not None:
        files.append((file, "data"))
    if keys is not None:
        # The keys are read after the log, so that no event of the log lacks its key.
        files.append((keys, "keys"))
    if not files:
        raise UsageError("Name a file to write, or a file for the keys with --keys.")
    if file is not None and file == keys:
        raise UsageError("The keys go into a file of their own.")
    for path, _ in files:
        check_file(path)
        if path.exists() and not overwrite:
            raise CommandError(
                f"{path} exists already: name another file, or replace it with "
                "--overwrite."
            )
    with (
        interruptible("nothing more was written"),
        served_database(settings) as url,
        connected(url) as connection,
    ):
        check_fit(connection)
        for path, content in files:
            with whole_file(path) as output:
                manifest = write_backup(
                    connection,
                    url,
                    settings,
                    output,
                    content=content,
                    progress=progress_bar,
                )
            if content == "data":
                note_backup(connection, manifest)
            _print_backed_up(path, manifest, json=json, has_keys=keys is not None)


def _print_backed_up(
    file: Path, manifest: Manifest, *, json: bool, has_keys: bool
) -> None:
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
        missing = (
            ""
            if has_keys
            else " The keys that open it are not in it: back them up with --keys."
        )
        print(
            f"Backed up to {file} ({size / 1e6:,.1f} MB), up to position {position} of "
            f"the log.{missing}"
        )
