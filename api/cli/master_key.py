"""``goatherd keys rotate-master``: a new master key for the same data."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.kit.databases import check_fit, connected, served_database
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json
from infra.keys.master_key import MasterKey, master_key_path
from infra.keys.opened import opened_master_key
from infra.keys.rotation import InUseError, change_master_key, is_master_key
from infra.private_file import write_private


def rotate_master(
    *,
    new_key_file: Annotated[
        Path,
        Parameter(help="A file with the new key: `openssl rand -base64 32 > FILE`."),
    ],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Encrypt all keys with another master key, while Goatherd is stopped.

    The log is not changed. After an interruption the database still has the old master
    key, or has the new one; running the command again completes it.
    """
    settings = read_settings(data_dir=data_dir)
    try:
        text = new_key_file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{new_key_file} cannot be read: {error}") from error
    new = MasterKey.from_text(text, source=str(new_key_file))
    with (
        served_database(settings) as url,
        connected(url) as connection,
    ):
        check_fit(connection)
        changed = 0
        if not is_master_key(connection, new):
            old = opened_master_key(settings, connection)
            try:
                changed = change_master_key(connection, old, new)
            except InUseError as error:
                raise CommandError(str(error)) from error
    path = master_key_path(settings.data_dir.expanduser())
    is_in_file = settings.master_key is None
    if is_in_file:
        write_private(path, text.strip())
    if json:
        print_json({"changed": changed, "file": str(path) if is_in_file else None})
        return
    print(
        f"Encrypted {changed:,} keys with the new master key."
        if changed
        else "All keys are encrypted with the new master key already."
    )
    print(
        f"The new master key is in {path} now."
        if is_in_file
        else "Set GOATHERD_MASTER_KEY to the new key before you start Goatherd."
    )
    print("Earlier backups need the old key: keep it as long as you keep them.")
