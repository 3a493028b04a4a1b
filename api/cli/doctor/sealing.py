"""The check of ``goatherd doctor`` whether history is sealed."""

from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.doctor.finding import WrongError
from infra.integrity.seal_history import clear_events, clear_history


def check_sealing(connection: Connection[TupleRow]) -> str:
    """Check that no sealing of history was left unfinished.

    Raises:
        WrongError: one was.
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
    return (
        f"{clear_events(connection)} events of earlier releases hold personal data in "
        "the clear: `goatherd seal-history` seals them."
    )
