"""The events of a webhook: one stream for each endpoint that gets public events."""

from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from domain.messages import Event, Personal

# ``full`` bodies are the public events, ``thin`` ones have ids and positions only.
WebhookPayload = Literal["full", "thin"]
WebhookSignature = Literal["v1", "v1a"]
# An endpoint is off by a decision, because it answered 410, or after failures in a row.
WebhookOff = Literal["by_hand", "gone", "failing"]


class WebhookFilters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The events that an endpoint gets: those that fit all filters that are set.

    ``min_milestone`` is the least number of a milestone.
    """

    creator_id: UUID | None = None
    campaign_id: UUID | None = None
    tag: str | None = None
    min_milestone: int | None = None


class WebhookFields(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    url: Personal[str]
    types: tuple[str, ...]
    project_id: UUID | None = None
    description: Personal[str | None] = None
    filters: Personal[WebhookFilters | None] = None
    payload: WebhookPayload = "full"
    signatures: tuple[WebhookSignature, ...] = ("v1",)


class WebhookCreated(WebhookFields, Event, frozen=True, kw_only=True):
    """An endpoint gets public events from now on.

    ``types`` are names of public events, or ``*``. ``project_id`` limits the events to
    one project; null means all. Secrets are not in the log.
    """

    stored_name: ClassVar[str] = "webhook_created"


class WebhookChanged(Event, frozen=True, kw_only=True):
    """The endpoint gets other events, or elsewhere; unset fields stay as they were."""

    stored_name: ClassVar[str] = "webhook_changed"
    organization_id: UUID
    url: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    types: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    project_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    description: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    filters: Personal[WebhookFilters | msgspec.UnsetType | None] = msgspec.UNSET
    payload: WebhookPayload | msgspec.UnsetType = msgspec.UNSET
    signatures: tuple[WebhookSignature, ...] | msgspec.UnsetType = msgspec.UNSET


class WebhookEnabled(Event, frozen=True, kw_only=True):
    """The endpoint gets events again; with ``from_now`` not those that it missed."""

    stored_name: ClassVar[str] = "webhook_enabled"
    organization_id: UUID
    from_now: bool = False


class WebhookDisabled(Event, frozen=True, kw_only=True):
    """The endpoint gets no events until it is enabled again."""

    stored_name: ClassVar[str] = "webhook_disabled"
    organization_id: UUID
    reason: WebhookOff


class WebhookSecretRotated(Event, frozen=True, kw_only=True):
    """The endpoint has a new secret; the old one signs as well for a day."""

    stored_name: ClassVar[str] = "webhook_secret_rotated"
    organization_id: UUID


class WebhookReplayRequested(Event, frozen=True, kw_only=True):
    """The endpoint gets the events from ``first`` to ``last`` again.

    Both are positions, and are included. Null ``types`` are those of the endpoint.
    """

    stored_name: ClassVar[str] = "webhook_replay_requested"
    organization_id: UUID
    first: int
    last: int
    types: tuple[str, ...] | None = None


class WebhookRemoved(Event, frozen=True, kw_only=True):
    """The endpoint is gone.

    The key that seals its address and description is destroyed.
    """

    stored_name: ClassVar[str] = "webhook_removed"
    organization_id: UUID


WebhookEvent = (
    WebhookCreated
    | WebhookChanged
    | WebhookEnabled
    | WebhookDisabled
    | WebhookSecretRotated
    | WebhookReplayRequested
    | WebhookRemoved
)
