"""The registry of due work: every kind, with the handler that does it."""

from collections.abc import Sequence

from application.due.worker import DueKind
from infra.eventstore.store import Store


def due_kinds(store: Store) -> Sequence[DueKind]:  # noqa: ARG001
    """Return the kinds of work that fall due by time."""
    return ()
