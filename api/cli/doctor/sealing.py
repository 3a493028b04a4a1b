"""The checks of ``goatherd doctor`` whether history is sealed, and has its keys."""

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.doctor.results import WarningError, WrongError
from application.integrity.kept_keys import key_faults
from application.integrity.seal_history import clear_events, clear_history
from domain.phrases import counted, counted_are
from infra.keys.installation_keys import check_keys_there, is_initialized
from infra.keys.master_key import MasterKey, MasterKeyError
from infra.keys.opened import opened_master_key
from infra.settings import Settings
from workers.policies.retention import due_in_clear


def check_sealing(connection: Connection[TupleRow]) -> str:
    """Check that history is sealed, and that no sealing was interrupted.

    Raises:
        WrongError: a sealing was interrupted.
        WarningError: events of earlier releases are in the clear.
    """
    state = clear_history(connection)
    if state is None:
        return "All personal data in the event log are sealed."
    if state.before is not None:
        raise WrongError(
            f"History is sealed up to position {state.position} only, so that the "
            "digest chains do not fit.",
            advice="Stop Goatherd and continue with `goatherd seal-history`.",
        )
    if state.only_texts:
        raise WarningError(
            f"{counted(clear_events(connection), 'event')} of earlier releases hold "
            "names of organizations, projects, keys and campaigns in the clear: "
            "earlier names cannot be forgotten.",
            advice="Stop Goatherd, make a backup, and run `goatherd seal-history`.",
        )
    waiting = due_in_clear(connection)
    late = (
        f", and {counted_are(waiting, 'removed creator')} kept longer than their "
        "organization allows"
        if waiting
        else ""
    )
    raise WarningError(
        f"{counted(clear_events(connection), 'event')} of earlier releases may hold "
        "personal data in the clear: people whose data are in these events cannot be "
        f"erased{late}.",
        advice="Stop Goatherd, make a backup, and run `goatherd seal-history`.",
    )


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
