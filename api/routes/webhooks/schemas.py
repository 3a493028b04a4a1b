"""The bodies of requests about webhooks, and the answers with secrets."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from api.http.bodies.fields_to_change import FieldsToChange
from domain.webhook.events import WebhookFilters, WebhookPayload, WebhookSignature
from projections.webhooks.queries import Webhook

EndpointUrl = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=2_000,
        description="An `https://` address that takes POST requests. It must not be "
        "inside of a private network, unless the installation allows its host.",
        examples=["https://example.com/goatherd"],
    ),
]
EventNames = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=60)], ...],
    Meta(
        min_length=1,
        max_length=60,
        description="Names of events, or `*` alone for all that it includes.",
        examples=[["creator.added", "video.reviewed"]],
    ),
]
WebhookDescription = Annotated[str, Meta(max_length=500)]
SignatureKinds = Annotated[
    tuple[WebhookSignature, ...],
    Meta(
        min_length=1,
        max_length=2,
        description="`v1` signs with the secret, by HMAC-SHA256, and `v1a` with the "
        "organization's key, by Ed25519.",
        examples=[["v1"]],
    ),
]
BodyKind = Annotated[
    WebhookPayload,
    Meta(
        description="`full` bodies are events as `GET /events` has them. `thin` ones "
        "have ids and positions only, and an empty `data`."
    ),
]


class RequestedFilters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The events to send: those that fit all filters that are set."""

    creator_id: UUID | None = None
    campaign_id: UUID | None = None
    tag: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    min_milestone: Annotated[int, Meta(ge=1, le=10**12)] | None = None

    def as_filters(self) -> WebhookFilters | None:
        """Return the filters, None if none is set."""
        values: dict[str, Any] = {
            name: getattr(self, name) for name in self.__struct_fields__
        }
        if not any(value is not None for value in values.values()):
            return None
        return WebhookFilters(**values)


class NewWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint, and the events that it is to get from now on."""

    url: EndpointUrl
    types: EventNames = ("*",)
    project_id: UUID | None = None
    description: WebhookDescription | None = None
    enabled: bool = True
    filters: RequestedFilters | None = None
    payload: BodyKind = "full"
    signatures: SignatureKinds = ("v1",)


class WebhookChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; others stay. At least one field is needed.

    A webhook that is enabled again gets what it missed, of the last 30 days, unless
    ``from`` is `now`.
    """

    url: EndpointUrl | UnsetType = UNSET
    types: EventNames | UnsetType = UNSET
    project_id: UUID | UnsetType | None = UNSET
    description: WebhookDescription | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    from_: Literal["now"] | UnsetType = field(name="from", default=UNSET)
    filters: RequestedFilters | UnsetType | None = UNSET
    payload: BodyKind | UnsetType = UNSET
    signatures: SignatureKinds | UnsetType = UNSET


class CreatedWebhook(Webhook, frozen=True, kw_only=True):
    """A new webhook, with the secret that no other answer has."""

    secret: str


class WebhookSecret(Struct, frozen=True, kw_only=True):
    """A new secret, which no other answer has; the old one signs for 24 hours more."""

    id: UUID
    secret: str
    old_secret_until: datetime


class RemovedWebhook(Struct, frozen=True, kw_only=True):
    """A webhook that gets nothing any more."""

    id: UUID
    removed: bool = True


ReplayBound = Annotated[
    int | str,
    Meta(
        description="A position, or a time such as 2026-11-24T14:30:00Z.",
        examples=[1],
    ),
]


class ReplayRange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of the past to send again, with both ends.

    Without ``to`` it ends now, and without ``types`` it has those of the webhook.
    """

    from_: ReplayBound = field(name="from")
    to: ReplayBound | None = None
    types: EventNames | None = None


class WebhookReplay(Struct, frozen=True, kw_only=True):
    """A replay that began: the positions, both of which are included."""

    webhook_id: UUID
    from_: int = field(name="from")
    to: int
    types: list[str] | None
