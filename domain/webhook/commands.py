"""The commands to a webhook."""

from uuid import UUID

import msgspec

from domain.messages import Command
from domain.webhook.events import (
    WebhookFields,
    WebhookFilters,
    WebhookOff,
    WebhookPayload,
    WebhookSignature,
)


class CreateWebhook(WebhookFields, Command, frozen=True, kw_only=True):
    pass


class ChangeWebhook(Command, frozen=True, kw_only=True):
    """Change the fields that are set."""

    url: str | msgspec.UnsetType = msgspec.UNSET
    types: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    project_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    filters: WebhookFilters | msgspec.UnsetType | None = msgspec.UNSET
    payload: WebhookPayload | msgspec.UnsetType = msgspec.UNSET
    signatures: tuple[WebhookSignature, ...] | msgspec.UnsetType = msgspec.UNSET


class EnableWebhook(Command, frozen=True, kw_only=True):
    """Let an endpoint get events again, with ``from_now`` only new ones."""

    from_now: bool = False


class DisableWebhook(Command, frozen=True, kw_only=True):
    reason: WebhookOff = "by_hand"


class RotateWebhookSecret(Command, frozen=True, kw_only=True):
    pass


class ReplayToWebhook(Command, frozen=True, kw_only=True):
    """Send the events of these positions again; no ``types`` are the endpoint's."""

    first: int
    last: int
    types: tuple[str, ...] | None = None


class RemoveWebhook(Command, frozen=True, kw_only=True):
    pass


WebhookCommand = (
    CreateWebhook
    | ChangeWebhook
    | EnableWebhook
    | DisableWebhook
    | RotateWebhookSecret
    | ReplayToWebhook
    | RemoveWebhook
)
