"""Commands about bans: keep a handle out of every project of the installation."""

from domain.handlers import creators as handlers
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import RecordedEvent, Store


def ban_handle(
    store: Store, handle: str, *, reason: str | None = None, context: Context
) -> list[RecordedEvent]:
    """Ban a handle; creators that have it already stay as they are.

    Raises:
        InvalidHandleError: the text is not a handle.
    """
    return execute(
        store, lambda: handlers.ban_handle(handle, reason=reason), context=context
    ).events


def unban_handle(store: Store, handle: str, *, context: Context) -> list[RecordedEvent]:
    """Lift the ban of a handle.

    Raises:
        InvalidHandleError: the text is not a handle.
    """
    return execute(store, lambda: handlers.unban_handle(handle), context=context).events
