"""The keys of an installation, opened with its settings' master key."""

from psycopg import Connection
from psycopg.rows import TupleRow

from infra.keys.installation_keys import (
    InstallationKeys,
    check_master_key,
    is_initialized,
    open_installation_keys,
)
from infra.keys.master_key import (
    MasterKey,
    MasterKeyError,
    master_key_path,
    new_master_key,
)
from infra.private_file import write_private
from infra.settings import Settings

_LOST = (
    "The personal data in this database are encrypted, and the master key is not "
    "there: put it into GOATHERD_MASTER_KEY, or into {path}. Without it figures, times "
    "and ids can still be read, but no handle, name, title or note of the log ever "
    "again, and nothing new can be stored."
)
_NONE = (
    "A master key is needed, which encrypts personal data: set GOATHERD_MASTER_KEY to "
    "32 random bytes in base64 (`openssl rand -base64 32`), and keep a copy apart from "
    "the database's backups."
)


def master_key_text(
    settings: Settings, connection: Connection[TupleRow], *, make: bool = False
) -> str:
    """Return the settings' master key, else that of the data directory, as text.

    With ``make`` the data directory gets a new one if the database never had any.

    Raises:
        MasterKeyError: the key is missing, unreadable, or not the database's.
    """
    text, source = settings.master_key, "GOATHERD_MASTER_KEY"
    if text is None:
        path = master_key_path(settings.data_dir.expanduser())
        if not path.exists():
            if is_initialized(connection):
                raise MasterKeyError(_LOST.format(path=path))
            if not make:
                raise MasterKeyError(_NONE)
            write_private(path, new_master_key())
        text, source = path.read_text().strip(), str(path)
    check_master_key(connection, MasterKey.from_text(text, source=source))
    return text


def opened_master_key(
    settings: Settings, connection: Connection[TupleRow]
) -> MasterKey:
    """Return the database's master key.

    Raises:
        MasterKeyError: the key is missing, unreadable, or not the database's.
    """
    text = master_key_text(settings, connection)
    return MasterKey.from_text(text, source="The master key")


def opened_keys(
    settings: Settings, connection: Connection[TupleRow]
) -> tuple[MasterKey, InstallationKeys]:
    """Return the master key and the installation's keys; make missing ones.

    Raises:
        MasterKeyError: the key is missing, unreadable, or not the database's.
    """
    master_key = opened_master_key(settings, connection)
    return master_key, open_installation_keys(connection, master_key)
