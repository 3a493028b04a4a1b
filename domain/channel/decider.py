"""Channels: the state of one, the events that commands cause, and their effects."""

from collections.abc import Sequence
from typing import assert_never
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from domain.channel import commands as c
from domain.channel import events as e
from domain.channel.errors import InvalidChannelError
from domain.decisions import check_name, state_after
from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import Event, changed_fields, copied, set_fields
from domain.texts import EarlierTextsForgotten, texts_after

# The fields of a channel that people can change.
DETAILS = ("name", "shown", "project_id", "enabled")
TEXTS = ("name", "shown")


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """A channel; the version counts the events of its stream."""

    organization_id: UUID
    kind: e.ChannelKind
    name: str
    shown: str
    project_id: UUID | None
    enabled: bool
    is_removed: bool = False
    version: int = 1


def decide(
    channel: ChannelState | None, command: c.ChannelCommand
) -> list[e.ChannelEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no channel with this id, or it was removed.
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
        InvalidChannelError: a channel for mails to creators would have no project.
    """
    if isinstance(command, c.AddChannel):
        if channel is not None:
            return []
        check_name(command.name)
        _check_project(command.kind, command.project_id)
        return [copied(command, e.ChannelAdded)]
    if channel is None or channel.is_removed:
        raise NotFoundError("channel")
    if isinstance(command, c.RemoveChannel):
        return [e.ChannelRemoved(organization_id=channel.organization_id)]
    if command.name is not UNSET:
        check_name(command.name)
    if command.project_id is not UNSET:
        _check_project(channel.kind, command.project_id)
    changed = changed_fields(command, channel, DETAILS)
    # Two addresses may look the same in short.
    has_address = command.shown is not UNSET
    if not changed and not has_address:
        return []
    if has_address:
        changed["shown"] = command.shown
    return [
        e.ChannelChanged(
            organization_id=channel.organization_id,
            address_changed=has_address,
            **changed,
        )
    ]


def evolve(channel: ChannelState | None, event: e.ChannelEvent) -> ChannelState:
    """Return the channel after ``event``; it never refuses."""
    if isinstance(event, e.ChannelAdded):
        return copied(event, ChannelState)
    if channel is None:
        msg = "A channel's history must begin with channel_added."
        raise CorruptHistoryError(msg)
    channel = replace(channel, version=channel.version + 1)
    match event:
        case e.ChannelChanged():
            return replace(channel, **set_fields(event, DETAILS))
        case EarlierTextsForgotten():
            return replace(channel, **texts_after(event, TEXTS))
        case e.ChannelRemoved():
            return replace(channel, is_removed=True)
        case _:
            assert_never(event)


def channel_of(history: Sequence[Event]) -> ChannelState | None:
    """Return the channel of this history, None if the history is not a channel's."""
    return state_after(history, e.ChannelEvent, evolve)


def living_channel(history: Sequence[Event], organization_id: UUID) -> ChannelState:
    """Return the channel of an organization with this history.

    Raises:
        NotFoundError: the history is not that of a channel that it has.
    """
    channel = channel_of(history)
    if (
        channel is None
        or channel.is_removed
        or channel.organization_id != organization_id
    ):
        raise NotFoundError("channel")
    return channel


def _check_project(kind: e.ChannelKind, project_id: UUID | None) -> None:
    if kind == "creator_email" and project_id is None:
        reason = "is required: the channel sends mails to creators of a project"
        raise InvalidChannelError("project_id", reason)
