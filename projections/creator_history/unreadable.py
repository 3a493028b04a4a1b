"""Events about an erased creator, as they are read: without a text of the person."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from infra.eventstore.sealing import fields_of

_HANDLES = frozenset({"handle", "old", "new"})
# Not sealed, as they are no text of the person's, but not of nobody either.
_ALSO: dict[type[e.Event], dict[str, Any]] = {
    e.ScrapeSucceeded: {"missing_video_ids": (), "payload_sha256": None},
    # In an old log it is TikTok's id.
    e.VideoAdded: {"pseudonym": None},
    e.VideoDiscovered: {"pseudonym": None},
}


def without_person(event: e.Event, *, handle: str) -> e.Event:
    """Return the event without what is personal in it; ``handle`` stands for any.

    Events from before sealing have it in the clear.
    """
    kind = type(event)
    emptied: dict[str, Any] = {
        field.attribute: handle if field.attribute in _HANDLES else field.erased
        for field in fields_of(kind, kind.stored_name)
    }
    emptied |= _ALSO.get(kind, {})
    return replace(
        event,
        **{
            name: value
            for name, value in emptied.items()
            if getattr(event, name) is not UNSET
        },
    )
