"""Webhooks: the state of one, the events that commands cause, and their effects."""

from collections.abc import Sequence
from typing import Any, assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.decisions import state_after
from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import Event, changed_fields, copied, set_fields
from domain.webhook import commands as c
from domain.webhook import events as e

# The fields of a webhook that people can change.
DETAILS = (
    *("url", "types", "project_id", "description", "filters"),
    *("payload", "signatures"),
)


class WebhookState(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint; ``off`` is the reason why it gets nothing, None if it gets events.

    The version counts the events of its stream.
    """

    organization_id: UUID
    url: str
    types: tuple[str, ...]
    project_id: UUID | None
    description: str | None
    filters: e.WebhookFilters | None
    payload: e.WebhookPayload
    signatures: tuple[e.WebhookSignature, ...]
    off: e.WebhookOff | None = None
    is_removed: bool = False
    version: int = 1


def decide(
    webhook: WebhookState | None, command: c.WebhookCommand
) -> list[e.WebhookEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no webhook with this id, or it was removed.
    """
    if isinstance(command, c.CreateWebhook):
        return [copied(command, e.WebhookCreated)] if webhook is None else []
    if webhook is None:
        raise NotFoundError("webhook")
    of: dict[str, Any] = {"organization_id": webhook.organization_id}
    if isinstance(command, c.RemoveWebhook):
        return [] if webhook.is_removed else [e.WebhookRemoved(**of)]
    if webhook.is_removed:
        raise NotFoundError("webhook")
    match command:
        case c.ChangeWebhook():
            changed = changed_fields(command, webhook, DETAILS)
            return [e.WebhookChanged(**of, **changed)] if changed else []
        case c.EnableWebhook(from_now=from_now):
            is_off = webhook.off is not None
            return [e.WebhookEnabled(**of, from_now=from_now)] if is_off else []
        case c.DisableWebhook(reason=reason):
            is_on = webhook.off is None
            return [e.WebhookDisabled(**of, reason=reason)] if is_on else []
        case c.RotateWebhookSecret():
            return [e.WebhookSecretRotated(**of)]
        case c.ReplayToWebhook():
            return [copied(command, e.WebhookReplayRequested, **of)]
        case _:
            assert_never(command)


def evolve(webhook: WebhookState | None, event: e.WebhookEvent) -> WebhookState:
    """Return the webhook after ``event``; it never refuses."""
    if isinstance(event, e.WebhookCreated):
        return copied(event, WebhookState)
    if webhook is None:
        msg = "A webhook's history must begin with webhook_created."
        raise CorruptHistoryError(msg)
    webhook = replace(webhook, version=webhook.version + 1)
    match event:
        case e.WebhookChanged():
            return replace(webhook, **set_fields(event, DETAILS))
        case e.WebhookEnabled():
            return replace(webhook, off=None)
        case e.WebhookDisabled(reason=reason):
            return replace(webhook, off=reason)
        case e.WebhookSecretRotated() | e.WebhookReplayRequested():
            return webhook
        case e.WebhookRemoved():
            return replace(webhook, is_removed=True)
        case _:
            assert_never(event)


def webhook_of(history: Sequence[Event]) -> WebhookState | None:
    """Return the webhook of this history, None if the history is not a webhook's."""
    return state_after(history, e.WebhookEvent, evolve)
