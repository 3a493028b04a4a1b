"""The checks of ``goatherd doctor`` whether history is sealed, and has its keys."""

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.doctor.finding import WarningError, WrongError
from domain.phrases import counted, counted_are
from infra.integrity.kept_keys import erased_subjects_with_key, subjects_without_key
from infra.integrity.seal_history import clear_events, clear_history
from workers.policies.retention import due_in_clear


def check_sealing(connection: Connection[TupleRow]) -> str:
    """Check that history is sealed, and that no sealing of it was left unfinished.

    Raises:
        WrongError: a sealing was left unfinished.
        WarningError: events of earlier releases are in the clear.
    """
    state = clear_history(connection)
    if state is None:
        return "What is personal in the event log is sealed."
    if state.before is not None:
        raise WrongError(
            f"History is sealed up to position {state.position} only, so that chains "
            "do not fit.",
            advice="Stop Goatherd and go on with `goatherd seal-history`.",
        )
    waiting = due_in_clear(connection)
    late = (
        f", and {counted_are(waiting, 'removed creator')} kept longer than their "
        "organization wants"
        if waiting
        else ""
    )
    raise WarningError(
        f"{counted(clear_events(connection), 'event')} of earlier releases may hold "
        f"personal data in the clear: nobody whose data lie there can be erased{late}.",
        advice="Stop Goatherd, make a backup, and run `goatherd seal-history`.",
    )


def check_keys(connection: Connection[TupleRow]) -> str:
    """Check that there are keys for all persons in the log but those who are erased.

    Raises:
        WrongError: one lacks, or is there again.
    """
    if back := erased_subjects_with_key(connection):
        raise WrongError(
            f"{counted(len(back), 'person')} who had been erased can be read again, "
            f"such as {min(back)}: somebody put old keys into table subject_keys.",
            advice="Set wrapped to null, and destroyed_at and erasure, in their rows; "
            "find out who can write there.",
        )
    if lacking := subjects_without_key(connection):
        raise WrongError(
            f"Table subject_keys lacks {counted(len(lacking), 'person')} of the log: "
            "what is sealed of them cannot be read.",
            advice="Stop Goatherd before it makes new keys for them, and restore a "
            "backup with its keys.",
        )
    return "There is a key for everybody in the log, and for nobody who was erased."
