"""Channels: the state of one, the events that commands cause, and their effects."""

from uuid import UUID

from msgspec import UNSET

from domain.channel import commands as c
from domain.channel import events as e
from domain.channel.errors import InvalidChannelError
from domain.decisions import check_name
from domain.errors import NotFoundError
from domain.messages import changed_fields, copied
from domain.texts import EarlierTextsForgotten, texts_after
from domain.thing import Thing

# The fields of a channel that people can change.
DETAILS = ("name", "shown", "project_id", "enabled")
TEXTS = ("name", "shown")


class ChannelState(e.ChannelFields, frozen=True, kw_only=True):
    version: int = 1
    is_removed: bool = False


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


_CHANNEL = Thing(
    "channel",
    ChannelState,
    e.ChannelEvent,
    made=e.ChannelAdded,
    changed=e.ChannelChanged,
    ended=e.ChannelRemoved,
    details=DETAILS,
    ends="is_removed",
    effects={EarlierTextsForgotten: lambda _, event: texts_after(event, TEXTS)},
)
evolve, channel_of, living_channel = _CHANNEL.evolve, _CHANNEL.of, _CHANNEL.living


def _check_project(kind: e.ChannelKind, project_id: UUID | None) -> None:
    if kind == "creator_email" and project_id is None:
        reason = "is required: the channel sends mails to creators of a project"
        raise InvalidChannelError("project_id", reason)
