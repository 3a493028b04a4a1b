"""Sends the messages of a channel in their order, and tries again after failures."""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, LiteralString
from uuid import UUID

import structlog
from msgspec import Struct
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.channels import alerts
from application.channels.follow import HOLD, WORK
from application.channels.kinds import KINDS
from application.channels.messages import Message
from application.channels.results import SendingContext, Sent
from application.channels.waiting import WaitingMessage
from application.due.work import DueWork, finish_work, put_off_work, renew_lease
from application.due.worker import DueKind, Turn
from application.notifications.news import notify
from domain.channel.errors import MailNotSetUpError
from domain.channel.events import ChannelKind
from domain.webhook.retries import wait_before_retry
from infra.eventstore.store import Store
from infra.http_out.posting import Poster
from infra.keys.master_key import MasterKey
from infra.keys.sealed_addresses import CHANNEL_ADDRESSES
from infra.keys.webhook_secrets import webhook_secrets

# An older message is of no use, so it is given up at its next failure.
KEPT_FOR: Final = timedelta(days=1)
# Admins get a notice at so many failures in a row, and of each message given up.
NOTICE_AFTER: Final = 3

# A turn sends so many messages, and its lease begins anew with each. The slowest one is
# a mail, whose conversation ends after 60 seconds.
_MESSAGES: Final = 5
_LEASE: Final = timedelta(minutes=3)
_CHANNELS_AT_ONCE: Final = 4

_CHANNEL: LiteralString = """
SELECT c.id, c.organization_id, o.name, c.kind, c.project_id FROM channels c
JOIN organizations o ON o.organization_id = c.organization_id
WHERE c.id = %s AND (c.enabled OR NOT %s) AND c.removed_at IS NULL
"""
_NEXT: LiteralString = """
SELECT m.id, m.organization_id, o.name, m.kind, m.content, m.tries, m.created_at
FROM channel_messages m
JOIN organizations o ON o.organization_id = m.organization_id
WHERE m.channel_id = %s ORDER BY m.number LIMIT 1
"""
_DONE: LiteralString = "DELETE FROM channel_messages WHERE id = %s"
_TRIED: LiteralString = "UPDATE channel_messages SET tries = tries + 1 WHERE id = %s"
_TAKEN: LiteralString = """
UPDATE channel_states SET failures = 0, last_sent_at = now(), last_error = NULL,
    last_error_at = NULL
WHERE channel_id = %s
"""
_FAILED: LiteralString = """
UPDATE channel_states SET failures = failures + 1, last_error = %s,
    last_error_at = now()
WHERE channel_id = %s RETURNING failures
"""
_LEFT: LiteralString = """
SELECT clock_timestamp() WHERE EXISTS (
    SELECT FROM channel_messages WHERE channel_id = %s)
"""

Composer = Callable[..., Message]
# The function that makes the text of each kind of message.
COMPOSERS: Final[Mapping[str, Composer]] = MappingProxyType(
    {alerts.KIND: alerts.alert_message}
)

_log = structlog.get_logger()


class OpenedChannel(Struct, frozen=True, kw_only=True):
    """A channel with all that is needed to send to it.

    The address of one for mails to creators is that of the creator, so it has none yet.
    """

    id: UUID
    organization_id: UUID
    organization: str
    kind: ChannelKind
    project_id: UUID | None
    address: str
    secrets: list[str]

    def __repr__(self) -> str:
        return f"OpenedChannel({self.id}, {self.kind})"

    def send(self, store: Store, poster: Poster, message: Message) -> Sent:
        """Send a message once.

        Raises:
            MailNotSetUpError: it would be a mail, and there is no mail server.
        """
        context = SendingContext(
            settings=store.settings,
            poster=poster,
            secrets=self.secrets,
            channel_id=self.id,
            organization_id=self.organization_id,
        )
        return KINDS[self.kind].send(context, self.address, message)


def opened_channel(
    connection: Connection[TupleRow],
    master_key: MasterKey,
    channel_id: UUID,
    *,
    only_enabled: bool = True,
) -> OpenedChannel | None:
    """Return a channel, None if there is none with the id, or it is switched off.

    Raises:
        MasterKeyError: another key encrypted its address.
    """
    row = connection.execute(_CHANNEL, (channel_id, only_enabled)).fetchone()
    cursor = connection.cursor()
    address = CHANNEL_ADDRESSES.get(cursor, master_key, channel_id)
    if row is None:
        return None
    id_, organization_id, organization, kind, project_id = row
    if KINDS[kind].form.field is None:
        address = ""
    if address is None:
        return None
    return OpenedChannel(
        id=id_,
        organization_id=organization_id,
        organization=organization,
        kind=kind,
        project_id=project_id,
        address=address,
        secrets=webhook_secrets(cursor, master_key, channel_id),
    )


class ChannelMessages:
    """Sends waiting messages, each until the service took it once.

    A message is sent at least once: a process that dies after the service took it has
    not noted that. The state of the channel is changed in the transaction that deletes
    the message. While a message fails, later ones of its channel wait, so that news
    come in their order; other channels go on.
    """

    def __init__(self, store: Store, *, lease: timedelta = _LEASE) -> None:
        self._store = store
        self._lease = lease

    @property
    def due_kind(self) -> DueKind:
        return DueKind(
            name=WORK,
            handle=self.handle,
            at_once=_CHANNELS_AT_ONCE,
            lease=self._lease,
        )

    def handle(self, turn: Turn) -> None:
        """Send up to five messages of a channel; plan the next turn if some are left.

        Raises:
            WorkLostError: the channel is another worker's, or is gone.
        """
        work = turn.work
        channel_id = UUID(work.key)
        with Poster(self._store.settings.webhook_allowed_hosts) as poster:
            for _ in range(_MESSAGES):
                found = self._next(work, channel_id)
                if found is None:
                    break
                channel, message_id, tries, created_at, message = found
                sent = self._send(poster, channel, message)
                if sent.is_taken:
                    self._note_taken(channel_id, message_id)
                    continue
                is_over = sent.is_final or datetime.now(UTC) - created_at >= KEPT_FOR
                self._note_failed(channel, message_id, sent, is_given_up=is_over)
                if not is_over:
                    self._put_off(work, tries + 1, sent)
                    return
        with self._store.pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(HOLD, (channel_id,))
            row = cursor.execute(_LEFT, (channel_id,)).fetchone()
            finish_work(cursor, work, next_at=None if row is None else row[0])

    def _next(
        self, work: DueWork, channel_id: UUID
    ) -> tuple[OpenedChannel, UUID, int, datetime, Message] | None:
        """Return the oldest message with a new lease, None if there is none.

        A worker that was frozen for long finds its lease gone here, and sends nothing.
        """
        master_key = self._store.keyring.master_key()
        with self._store.pool.connection() as connection:
            row = connection.execute(_NEXT, (channel_id,)).fetchone()
            if row is None:
                return None
            channel = opened_channel(connection, master_key, channel_id)
            if channel is None:
                return None
            renew_lease(connection.cursor(), work, lease=self._lease)
            fields = WaitingMessage.__struct_fields__
            waiting = WaitingMessage(**dict(zip(fields, row, strict=True)))
            message = COMPOSERS[waiting.kind](
                connection.cursor(), waiting, own_url=self._store.settings.own_url
            )
        return channel, waiting.id, waiting.tries, waiting.created_at, message

    def _send(self, poster: Poster, channel: OpenedChannel, message: Message) -> Sent:
        try:
            return channel.send(self._store, poster, message)
        except MailNotSetUpError as error:
            return Sent(failed=str(error))

    def _note_taken(self, channel_id: UUID, message_id: UUID) -> None:
        with self._store.pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(HOLD, (channel_id,))
            cursor.execute(_DONE, (message_id,))
            cursor.execute(_TAKEN, (channel_id,))

    def _note_failed(
        self,
        channel: OpenedChannel,
        message_id: UUID,
        sent: Sent,
        *,
        is_given_up: bool,
    ) -> None:
        """Note a failure, and tell admins at the third one or if it is the last."""
        with self._store.pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(HOLD, (channel.id,))
            cursor.execute(_DONE if is_given_up else _TRIED, (message_id,))
            row = cursor.execute(_FAILED, (sent.failed, channel.id)).fetchone()
            # A channel that was removed meanwhile has no state.
            if row is not None and (is_given_up or row[0] == NOTICE_AFTER):
                tell_admins(cursor, channel, is_given_up=is_given_up)
        _log.warning(
            "channel_failed",
            channel=str(channel.id),
            kind=channel.kind,
            reason=sent.failed,
            given_up=is_given_up,
        )

    def _put_off(self, work: DueWork, tries: int, sent: Sent) -> None:
        chance = random.random()  # noqa: S311 - no secret
        wait = wait_before_retry(tries, chance=chance).total_seconds()
        seconds = max(wait, sent.retry_after or 0.0)
        put_off_work(self._store.pool, work, seconds=seconds)


def tell_admins(
    cursor: Cursor[Any], channel: OpenedChannel, *, is_given_up: bool
) -> None:
    """Tell admins at the bell that a channel does not work."""
    label = KINDS[channel.kind].form.label
    title = f"A channel for {label} did not take {NOTICE_AFTER} messages in a row"
    if is_given_up:
        title = f"A channel for {label} did not take a message, which was given up"
    notify(
        cursor,
        channel.organization_id,
        kind="channel",
        title=title,
        severity="warning",
        path=f"/settings/channels/{channel.id}",
        for_admins=True,
    )
