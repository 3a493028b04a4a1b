"""Bans: keeping a handle out of every project of the installation."""

from domain import commands as c
from domain.creator import handle_ban
from domain.creator.handle import normalize_handle
from domain.streams import ban_stream
from infra.eventstore.append import Context
from infra.eventstore.store import RecordedEvent, Store, retry_conflicts
from infra.handlers.handling import banned_by, next_entries


def ban_handle(
    store: Store, handle: str, *, reason: str | None = None, context: Context
) -> list[RecordedEvent]:
    """Ban a handle; creators that have it already are not touched.

    Raises:
        InvalidHandleError: the text is no handle.
    """
    return _carry_out(
        store, c.BanHandle(handle=normalize_handle(handle), reason=reason), context
    )


def unban_handle(store: Store, handle: str, *, context: Context) -> list[RecordedEvent]:
    """Lift a ban.

    Raises:
        InvalidHandleError: the text is no handle.
    """
    return _carry_out(store, c.UnbanHandle(handle=normalize_handle(handle)), context)


def _carry_out(
    store: Store, command: c.BanHandle | c.UnbanHandle, context: Context
) -> list[RecordedEvent]:
    stream = ban_stream(command.handle)

    def attempt() -> list[RecordedEvent]:
        past = store.load(stream)[stream]
        events = handle_ban.decide(banned_by(past), command)
        if not events:
            return []
        return store.append(next_entries(stream, past, events), context=context)

    return retry_conflicts(attempt)
