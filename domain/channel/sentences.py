"""Sentences for events of channels, without the actor."""

from collections.abc import Mapping

from msgspec import UNSET

from domain.channel import events as e
from domain.messages import Event
from domain.phrases import joined

KIND_NAMES: Mapping[e.ChannelKind, str] = {
    "email": "Email",
    "webhook": "Webhook",
    "slack": "Slack",
    "discord": "Discord",
    "ntfy": "ntfy",
    "creator_email": "Email to creators",
}


def sentence(event: Event, *, item: str) -> str:
    """Return the sentence of an event; ``item`` is the name of the channel now."""
    match event:
        case e.ChannelAdded(kind=kind):
            return f"Channel {item} added for {KIND_NAMES[kind]}"
        case e.ChannelChanged():
            return f"Channel {item} changed: {joined(_changes(event))},"
        case _:
            return f"Channel {item} removed"


def _changes(event: e.ChannelChanged) -> list[str]:
    changes = [
        *(["name"] if event.name is not UNSET else []),
        *(["address"] if event.address_changed else []),
        *(["project"] if event.project_id is not UNSET else []),
    ]
    if event.enabled is not UNSET:
        changes.append("switched on" if event.enabled else "switched off")
    return changes
