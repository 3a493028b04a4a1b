"""The settings of a running ``goatherd up``, kept in its data directory for commands.

A killed one leaves the file behind, like that of its address, until the next start.
"""

import os
from collections.abc import Mapping

import msgspec

from infra.embedded.data_dir import settings_path
from infra.private_file import write_private
from infra.settings import PREFIX, Settings, SettingsError

_DATABASE = f"{PREFIX}DATABASE_URL"
# The data directory has files of their own for the embedded servers.
_SERVERS = {_DATABASE, f"{PREFIX}REDIS_URL"}
# The two keys are either in files of the data directory, or kept elsewhere on purpose.
# The key of another installation is for commands alone. The others say how one process
# behaves.
_LEFT_OUT = {
    f"{PREFIX}{name}"
    for name in (
        "SECRET",
        "MASTER_KEY",
        "KEY",
        "DATA_DIR",
        "DATABASE_PATIENCE_SECONDS",
        "LOG_LEVEL",
        "LOG_FORMAT",
    )
}


def keep_settings(settings: Settings, environment: Mapping[str, str]) -> None:
    """Write the settings of the processes, whose environment is given."""
    kept = {
        name: text
        for name, text in environment.items()
        if name.startswith(PREFIX)
        and name not in _LEFT_OUT
        and (name not in _SERVERS or os.environ.get(name, "").strip())
    }
    text = msgspec.json.format(msgspec.json.encode(kept)).decode()
    write_private(settings_path(settings.data_dir), text)


def kept_settings(settings: Settings) -> dict[str, str]:
    """Return the variables that are kept in the data directory of ``settings``.

    There are none for a command that names another database, or that another account
    runs.

    Raises:
        SettingsError: the file is not one that ``keep_settings`` wrote.
    """
    path = settings_path(settings.data_dir)
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except msgspec.MsgspecError as error:
        msg = f"The settings in {path} cannot be read: {error}."
        raise SettingsError(msg) from error
    is_other = settings.database_url not in {None, kept.get(_DATABASE)}
    return {} if is_other else kept
