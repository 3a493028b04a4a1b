"""Sentences for events of webhooks, without the actor."""

from collections.abc import Mapping

from msgspec import UNSET

from domain.messages import Event
from domain.phrases import joined
from domain.webhook import events as e

_WHY: Mapping[e.WebhookOff, str] = {
    "by_hand": "",
    "gone": " because it answered that it is gone",
    "failing": " after 20 failures in a row",
}


def sentence(event: Event, *, item: str) -> str:
    """Return the sentence of an event; ``item`` is the address of the endpoint now."""
    match event:
        case e.WebhookCreated(types=types):
            which = "all events" if "*" in types else joined([*types])
            return f"Webhook to {item} created for {which}"
        case e.WebhookChanged():
            return f"Webhook to {item} changed: {joined(_changes(event))},"
        case e.WebhookEnabled(from_now=from_now):
            missed = " without what it missed" if from_now else ""
            return f"Webhook to {item} enabled{missed}"
        case e.WebhookDisabled(reason=reason):
            return f"Webhook to {item} disabled{_WHY[reason]}"
        case e.WebhookSecretRotated():
            return f"Secret of the webhook to {item} replaced"
        case e.WebhookReplayRequested(first=first, last=last):
            return f"Events {first:,} to {last:,} sent again to {item}, as asked for"
        case _:
            return f"Webhook to {item} removed"


def _changes(event: e.WebhookChanged) -> list[str]:
    names = {
        "address": event.url,
        "types": event.types,
        "project": event.project_id,
        "description": event.description,
        "filters": event.filters,
        "body": event.payload,
        "signatures": event.signatures,
    }
    return [name for name, value in names.items() if value is not UNSET]
