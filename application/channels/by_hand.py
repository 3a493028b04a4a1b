"""Test messages, which are sent while somebody waits for the answer."""

import threading
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from application.channels.delivery import OpenedChannel, opened_channel
from application.channels.messages import Message
from application.channels.recipients import address_for, opt_out_url
from application.channels.results import Sent
from domain.channel.errors import InvalidChannelError
from domain.errors import NotFoundError
from infra.eventstore.store import Store
from infra.http_out.outbound import OutboundBusyError
from infra.http_out.posting import Poster
from infra.ids import new_id

# A slow service holds a thread of the server, so few may be asked at a time.
_ROOM = threading.BoundedSemaphore(4)


class ChannelTest(Struct, frozen=True, kw_only=True):
    """The result of a test.

    ``answer`` is the start of the answer, and ``status`` its status over HTTP. If it
    was not ``delivered``, ``error`` says why.
    """

    id: UUID
    delivered: bool
    status: int | None
    answer: str | None
    error: str | None
    duration_ms: int


def send_test(
    store: Store,
    organization_id: UUID,
    channel_id: UUID,
    *,
    creator_id: UUID | None = None,
) -> ChannelTest:
    """Send a test message over a channel, which may be switched off.

    A channel for mails to creators needs ``creator_id``, and no other takes it.

    Raises:
        NotFoundError: the organization has no such channel.
        InvalidChannelError: the channel's project has no such creator.
        NoContactAddressError: the creator has no contact address.
        OptedOutError: the creator wants no mails.
        MailNotSetUpError: it would be a mail, and there is no mail server.
        OutboundBusyError: too many tests run already.
    """
    channel = _channel(store, organization_id, channel_id)
    message = Message(
        id=new_id(),
        type="channel.test",
        title="A test from Goatherd",
        text="This channel works.",
        link=f"{store.settings.own_url}/settings/channels/{channel_id}",
        at=datetime.now(UTC),
        organization=channel.organization,
        data={"channel_id": channel_id},
    )
    if channel.kind == "creator_email":
        channel, message = _to_creator(store, channel, message, creator_id)
    elif creator_id is not None:
        raise InvalidChannelError("creator_id", "is for channels to creators alone")
    sent = _sent(store, channel, message)
    return ChannelTest(
        id=message.id,
        delivered=sent.is_taken,
        status=sent.status,
        answer=sent.answer,
        error=sent.failed,
        duration_ms=sent.duration_ms,
    )


def _to_creator(
    store: Store, channel: OpenedChannel, message: Message, creator_id: UUID | None
) -> tuple[OpenedChannel, Message]:
    if creator_id is None:
        raise InvalidChannelError("creator_id", "is required: it gets the test")
    address = address_for(
        store,
        creator_id,
        organization_id=channel.organization_id,
        project_id=channel.project_id,
    )
    message = replace(
        message,
        text="This is a test: mails to you arrive at this address.",
        link=None,
        unsubscribe_url=opt_out_url(store, creator_id),
    )
    return replace(channel, address=address), message


def _channel(store: Store, organization_id: UUID, channel_id: UUID) -> OpenedChannel:
    master_key = store.keyring.master_key()
    with store.pool.connection() as connection:
        channel = opened_channel(connection, master_key, channel_id, only_enabled=False)
    if channel is None or channel.organization_id != organization_id:
        raise NotFoundError("channel")
    return channel


def _sent(store: Store, channel: OpenedChannel, message: Message) -> Sent:
    if not _ROOM.acquire(blocking=False):
        raise OutboundBusyError
    try:
        with Poster(store.settings.webhook_allowed_hosts) as poster:
            return channel.send(store, poster, message)
    finally:
        _ROOM.release()
