"""Events about an erased creator without personal data."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from domain import events as e
from domain.analytics.buckets import beginning_of_day
from infra.eventstore.sealing import fields_of

_HANDLES = frozenset({"handle", "old", "new"})
# These fields are not sealed as personal texts, but could still identify a person.
_ALSO: dict[type[e.Event], dict[str, Any]] = {
    e.ScrapeSucceeded: {
        "missing_video_ids": (),
        "payload_sha256": None,
        "older": None,
    },
    # In an old log the pseudonym is TikTok's id.
    e.VideoAdded: {"pseudonym": None},
    e.VideoDiscovered: {"pseudonym": None},
}


def of_nobody(event: e.Event, erasure: e.SubjectErased) -> e.Event:
    """Return the event without anything that identifies the erased person.

    The time at which a video was posted is reduced to its day.
    """
    event = without_person(event, handle=erasure.handle)
    if isinstance(event, e.VideoDiscovered) and event.posted_at is not None:
        day = beginning_of_day(event.posted_at, erasure.time_zone)
        return replace(event, posted_at=day)
    return event


def without_person(event: e.Event, *, handle: str) -> e.Event:
    """Return the event without personal data; ``handle`` replaces every handle."""
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
