"""The check of ``goatherd doctor`` whether the keys fit the log."""

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.doctor.results import WrongError
from application.integrity.kept_keys import key_faults
from infra.keys.installation_keys import check_keys_there, is_initialized
from infra.keys.master_key import MasterKey, MasterKeyError
from infra.keys.opened import opened_master_key
from infra.settings import Settings


def check_keys(connection: Connection[TupleRow], settings: Settings) -> str:
    """Check that every key can be opened, and that keys and erasures agree.

    Raises:
        WrongError: the master key is missing or another one; or a key cannot be opened,
            is missing, exists after its erasure, or is destroyed without an erasure.
    """
    try:
        faults = key_faults(connection, _master_key(connection, settings))
    except MasterKeyError as error:
        raise WrongError(
            str(error),
            advice="Restore the right master key, from a file of keys or another copy, "
            "before Goatherd starts.",
        ) from None
    if faults:
        raise WrongError(
            " ".join(fault.text for fault in faults), advice=faults[0].advice
        )
    return "Everybody in the log has a key, and no erased person has one."


def _master_key(
    connection: Connection[TupleRow], settings: Settings
) -> MasterKey | None:
    """Return the master key, None for a database that was never used with one.

    Raises:
        MasterKeyError: the key is not the database's, or the keys are gone.
    """
    check_keys_there(connection)
    if not is_initialized(connection):
        return None
    return opened_master_key(settings, connection)
