"""The effects of channels' events outside of the log, in the append's transaction."""

from typing import Any, LiteralString
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.due.work import cancel_work
from domain import events as e
from infra.eventstore.execute import Executed, InTransaction
from infra.eventstore.store import Store
from infra.keys.keyring import destroy
from infra.keys.sealed_addresses import CHANNEL_ADDRESSES
from infra.keys.webhook_secrets import (
    draw_webhook_secret,
    remove_webhook_secrets,
    set_webhook_secret,
    webhook_secrets,
)
from projections.channels.projection import Channels

# The kind of due work that sends the messages of a channel, whose id is its key.
WORK: LiteralString = "channel"

_STATE: LiteralString = """
INSERT INTO channel_states (channel_id, organization_id) VALUES (%s, %s)
ON CONFLICT DO NOTHING
"""
_FORGIVE: LiteralString = """
UPDATE channel_states SET failures = 0, last_error = NULL, last_error_at = NULL
WHERE channel_id = %s
"""
_DROP: LiteralString = "DELETE FROM channel_messages WHERE channel_id = %s"
_REMOVE_STATE: LiteralString = "DELETE FROM channel_states WHERE channel_id = %s"
# Transactions that add or delete messages hold this row, so that none is left over.
HOLD: LiteralString = "SELECT FROM channel_states WHERE channel_id = %s FOR UPDATE"


def following(store: Store, *, address: str | None = None) -> InTransaction[Any]:
    """Return the hook with which commands to a channel have their effect at once.

    ``address`` is its new address, None if that stays. A channel that is switched off
    or removed loses the messages that wait. The key of a removed one is destroyed, so
    that nobody can read its name.
    """
    # The key is opened before the transaction, which would need a second connection.
    master_key = store.keyring.master_key()

    def follow(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
        Channels().write(cursor, done.events)
        for recorded in done.events:
            channel_id = recorded.stream
            match recorded.event:
                case e.ChannelAdded() as added:
                    cursor.execute(_STATE, (channel_id, added.organization_id))
                    if added.kind == "webhook":
                        secret = draw_webhook_secret()
                        set_webhook_secret(cursor, master_key, channel_id, secret)
                case e.ChannelChanged(enabled=False):
                    _drop(cursor, channel_id)
                case e.EarlierTextsForgotten(subject=subject):
                    destroy(cursor, [subject])
                case e.ChannelRemoved():
                    _drop(cursor, channel_id)
                    cursor.execute(_REMOVE_STATE, (channel_id,))
                    CHANNEL_ADDRESSES.remove(cursor, [channel_id])
                    remove_webhook_secrets(cursor, channel_id)
                    destroy(cursor, [channel_id])
                case _:
                    pass
            if address is not None and isinstance(
                recorded.event, e.ChannelAdded | e.ChannelChanged
            ):
                CHANNEL_ADDRESSES.put(cursor, master_key, channel_id, address)
                cursor.execute(_FORGIVE, (channel_id,))

    return follow


def channel_secret(store: Store, channel_id: UUID) -> str | None:
    """Return the secret that signs the messages of a channel, None without one."""
    with store.pool.connection() as connection:
        master_key = store.keyring.master_key(connection)
        secrets = webhook_secrets(connection.cursor(), master_key, channel_id)
    return next(iter(secrets), None)


def _drop(cursor: Cursor[TupleRow], channel_id: UUID) -> None:
    cursor.execute(HOLD, (channel_id,))
    cursor.execute(_DROP, (channel_id,))
    cancel_work(cursor, WORK, str(channel_id))
