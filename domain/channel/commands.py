"""The commands to a channel."""

from uuid import UUID

import msgspec

from domain.channel.events import ChannelFields
from domain.messages import Command


class AddChannel(ChannelFields, Command, frozen=True, kw_only=True):
    """Add a channel; ``shown`` is its address in short."""


class ChangeChannel(Command, frozen=True, kw_only=True):
    """Change the fields that are set; a set ``shown`` means another address."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    shown: str | msgspec.UnsetType = msgspec.UNSET
    project_id: UUID | msgspec.UnsetType | None = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET


class RemoveChannel(Command, frozen=True, kw_only=True):
    pass


ChannelCommand = AddChannel | ChangeChannel | RemoveChannel
