"""The bodies of requests about channels, and the answer with a secret."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.bodies.fields_to_change import FieldsToChange
from domain.channel.events import ChannelKind
from projections.channels.queries import Channel

ChannelName = Annotated[str, Meta(min_length=1, max_length=100)]
ChannelUrl = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=2_000,
        description="The `https://` address to which a channel for Slack, Discord, "
        "ntfy or a webhook posts. No answer shows the whole of it.",
        examples=["https://hooks.example.com/services/T00000000/B00000000/XXXXXXXX"],
    ),
]
ChannelEmail = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        description="The mailbox of an email channel. No answer shows the whole of it.",
        examples=["team@example.com"],
    ),
]
ChannelKindField = Annotated[
    ChannelKind,
    Meta(description="The service. A channel keeps its kind."),
]


class NewChannel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel to add; one for email has an ``address``, the others a ``url``.

    With ``project_id`` it gets messages about that project only. A channel of the kind
    ``creator_email`` has neither address nor URL, and needs ``project_id``: it sends
    mails to the contact addresses of the creators of that project. Without ``name`` it
    is named after the service.
    """

    kind: ChannelKindField
    name: ChannelName | None = None
    url: ChannelUrl | None = None
    address: ChannelEmail | None = None
    project_id: UUID | None = None
    enabled: bool = True


class ChannelChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; others stay. At least one field is needed."""

    name: ChannelName | UnsetType = UNSET
    url: ChannelUrl | UnsetType = UNSET
    address: ChannelEmail | UnsetType = UNSET
    project_id: UUID | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class TestOfChannel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The creator who gets a test; only a channel for mails to creators takes one."""

    creator_id: UUID | None = None


class AddedChannel(Channel, frozen=True, kw_only=True):
    """A new channel; one for a webhook has a secret, which no other answer has."""

    secret: str | None


class RemovedChannel(Struct, frozen=True, kw_only=True):
    """A channel that gets nothing any more."""

    id: UUID
    removed: bool = True
