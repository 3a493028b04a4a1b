"""The events of a channel: one stream for each service to send messages to."""

from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from domain.messages import Event, Personal
from domain.texts import EarlierTextsForgotten

ChannelKind = Literal["email", "webhook", "slack", "discord", "ntfy", "creator_email"]


class ChannelFields(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    kind: ChannelKind
    name: Personal[str]
    shown: Personal[str]
    project_id: UUID | None = None
    enabled: bool = True


class ChannelAdded(ChannelFields, Event, frozen=True, kw_only=True):
    """Messages may go to an address from now on.

    ``shown`` is the address in short. The address itself is a secret, or that of a
    person, and is not in the log. With ``project_id`` the channel gets messages about
    that project only. A channel for mails to creators has no address of its own.
    """

    stored_name: ClassVar[str] = "channel_added"


class ChannelChanged(Event, frozen=True, kw_only=True):
    """The channel changed; unset fields stay as they were.

    With ``address_changed`` it has another address, which ``shown`` has in short.
    """

    stored_name: ClassVar[str] = "channel_changed"
    organization_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    shown: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    address_changed: bool = False
    project_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class ChannelRemoved(Event, frozen=True, kw_only=True):
    """The channel is gone, and so are its address and the messages that waited."""

    stored_name: ClassVar[str] = "channel_removed"
    organization_id: UUID


ChannelEvent = ChannelAdded | ChannelChanged | ChannelRemoved | EarlierTextsForgotten
