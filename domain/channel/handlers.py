"""The handlers that add, change and remove channels."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from domain import commands as c
from domain.channel.decider import channel_of, decide, living_channel
from domain.channel.events import ChannelAdded
from domain.decisions import Decision, Handler, QuotaCounter, check_version, on
from domain.errors import NotFoundError
from domain.messages import Event
from domain.organization.decider import organization_of, project_owner
from domain.streams import channels_counter, texts_subject
from domain.texts import EarlierTextsForgotten

# Each of them may get every alert.
MOST_CHANNELS: Final = 50


def add_channel(channel_id: UUID, command: c.AddChannel) -> Handler[UUID]:
    """Add a channel if there is room for one more.

    Raises:
        NotFoundError: there is no such organization, or it has no such project.
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
    """
    organization_id = command.organization_id
    histories = yield (channel_id, organization_id)
    if organization_of(histories[organization_id]) is None:
        raise NotFoundError("organization")
    if command.project_id is not None:
        project_owner(histories[organization_id], command.project_id)
    events = on(channel_id, decide(channel_of(histories[channel_id]), command))
    counter = QuotaCounter(
        key=channels_counter(organization_id),
        delta=1,
        limit_key="max_channels_per_org",
        maximum=MOST_CHANNELS,
    )
    return Decision(
        channel_id, events=events, quota_counters=[counter] if events else []
    )


def change_channel(
    channel_id: UUID,
    command: c.ChangeChannel | c.RemoveChannel,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Change or remove a channel of an organization.

    Raises:
        NotFoundError: the organization has no such channel, or no such project.
        BlankNameError: the name is only blanks.
        InvalidFieldError: the name has control characters.
        StaleVersionError: the channel has another version.
    """
    histories = yield (channel_id, organization_id)
    channel = living_channel(histories[channel_id], organization_id)
    check_version(channel.version, expected_versions)
    if isinstance(command, c.ChangeChannel) and isinstance(command.project_id, UUID):
        project_owner(histories[organization_id], command.project_id)
    is_removed = isinstance(command, c.RemoveChannel)
    forgotten = _last_texts(channel_id, histories[channel_id]) if is_removed else []
    events = on(channel_id, [*forgotten, *decide(channel, command)])
    counter = QuotaCounter(key=channels_counter(organization_id), delta=-1)
    return Decision(
        channel_id, events=events, quota_counters=[counter] if is_removed else []
    )


def _last_texts(
    channel_id: UUID, history: Sequence[Event]
) -> list[EarlierTextsForgotten]:
    """Forget the texts since the last forgetting, if there was one.

    The first texts are sealed with the key of the channel, which its removal destroys.
    """
    times = sum(isinstance(event, EarlierTextsForgotten) for event in history)
    if times == 0:
        return []
    added = history[0]
    assert isinstance(added, ChannelAdded), "the channel exists"
    return [
        EarlierTextsForgotten(
            organization_id=added.organization_id,
            kind="channel",
            of=channel_id,
            subject=texts_subject(channel_id, times),
        )
    ]
