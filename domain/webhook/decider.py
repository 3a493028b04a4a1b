"""Webhooks: the state of one, the events that commands cause, and their effects."""

from typing import Any, assert_never

from domain.errors import NotFoundError
from domain.messages import Event, changed_fields, copied
from domain.thing import Thing
from domain.webhook import commands as c
from domain.webhook import events as e

# The fields of a webhook that people can change.
DETAILS = (
    *("url", "types", "project_id", "description", "filters"),
    *("payload", "signatures"),
)


class WebhookState(e.WebhookFields, frozen=True, kw_only=True):
    """An endpoint; ``off`` is the reason why it gets nothing, None if it gets events.

    The version counts the events of its stream.
    """

    version: int = 1
    off: e.WebhookOff | None = None
    is_removed: bool = False


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


def _unchanged(_state: WebhookState, _event: Event) -> dict[str, Any]:
    return {}


_WEBHOOK = Thing(
    "webhook",
    WebhookState,
    e.WebhookEvent,
    made=e.WebhookCreated,
    changed=e.WebhookChanged,
    ended=e.WebhookRemoved,
    details=DETAILS,
    ends="is_removed",
    effects={
        e.WebhookEnabled: lambda _state, _event: {"off": None},
        e.WebhookDisabled: lambda _, event: {"off": event.reason},
        e.WebhookSecretRotated: _unchanged,
        e.WebhookReplayRequested: _unchanged,
    },
)
evolve, webhook_of = _WEBHOOK.evolve, _WEBHOOK.of
