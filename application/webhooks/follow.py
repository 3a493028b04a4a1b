"""The effects of webhooks' events outside of the log, in the append's transaction."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from msgspec import UNSET
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.due.work import cancel_work
from application.webhooks.endpoints import NOTICES, WORK, unblock
from domain import events as e
from infra.eventstore.execute import Executed, InTransaction
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from infra.keys.keyring import destroy
from infra.keys.master_key import MasterKey
from infra.keys.webhook_secrets import (
    draw_webhook_secret,
    remove_webhook_secrets,
    set_webhook_secret,
    webhook_secrets,
    webhook_signing_key,
)
from projections.webhooks.projection import Webhooks

_FORGIVE: LiteralString = """
UPDATE webhook_cursors SET failures = 0, counted_at = NULL, pauses = 0,
    not_before = '-infinity' WHERE webhook_id = %s
"""
_TRY_ALL_AGAIN: LiteralString = """
UPDATE webhook_waiting t SET tries = 0, first_try_at = NULL,
    next_try_at = CASE WHEN next_try_at IS NOT NULL THEN now() END
WHERE webhook_id = %s
"""
_REPLAY: LiteralString = """
INSERT INTO webhook_replays
    (id, webhook_id, organization_id, types, position, ordinal, last_position)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_REMOVE: tuple[LiteralString, ...] = (
    "DELETE FROM webhook_cursors WHERE webhook_id = %s",
    "DELETE FROM webhook_waiting WHERE webhook_id = %s",
    "DELETE FROM webhook_replays WHERE webhook_id = %s",
    "DELETE FROM webhook_deliveries WHERE webhook_id = %s",
)
_NOTIFY: LiteralString = f"SELECT pg_notify('{NOTICES}', '')"
_AFTER_ALL = 2**31 - 1


def following(store: Store) -> InTransaction[Any]:
    """Return the hook with which commands to webhooks have their effect at once.

    A new webhook gets a secret, and another one when it is rotated. The key of a
    removed one is destroyed, so that nobody can read its address.
    """
    # The key is opened before the transaction, which would need a second connection.
    master_key = store.keyring.master_key()

    def follow(cursor: Cursor[TupleRow], done: Executed[Any]) -> None:
        _follow(cursor, done.events, master_key)

    return follow


def newest_secret(store: Store, webhook_id: UUID) -> str | None:
    """Return the secret of a webhook, None if it is gone."""
    with store.pool.connection() as connection:
        master_key = store.keyring.master_key(connection)
        secrets = webhook_secrets(connection.cursor(), master_key, webhook_id)
    return next(iter(secrets), None)


def _follow(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent], master_key: MasterKey
) -> None:
    Webhooks().write(cursor, events)
    cursor.execute(_NOTIFY)
    removed: list[UUID] = []
    for recorded in events:
        webhook_id = recorded.stream
        event = recorded.event
        if isinstance(event, e.WebhookCreated | e.WebhookSecretRotated):
            secret = draw_webhook_secret()
            set_webhook_secret(cursor, master_key, webhook_id, secret)
        if isinstance(event, e.WebhookCreated | e.WebhookChanged) and (
            event.signatures is not UNSET and "v1a" in event.signatures
        ):
            # Receivers fetch the public half before the first delivery.
            webhook_signing_key(cursor, master_key, event.organization_id)
        match event:
            case e.WebhookEnabled():
                cursor.execute(_FORGIVE, (webhook_id,))
                cursor.execute(_TRY_ALL_AGAIN, (webhook_id,))
                unblock(cursor, webhook_id)
            case e.WebhookReplayRequested() as replay:
                types = None if replay.types is None else [*replay.types]
                place = (replay.first - 1, _AFTER_ALL)
                cursor.execute(
                    _REPLAY,
                    (
                        *(new_id(), webhook_id, replay.organization_id, types),
                        *(*place, replay.last),
                    ),
                )
            case e.WebhookRemoved():
                removed.append(webhook_id)
            case _:
                pass
    for webhook_id in removed:
        remove_webhook_secrets(cursor, webhook_id)
        cancel_work(cursor, WORK, str(webhook_id))
        for query in _REMOVE:
            cursor.execute(query, (webhook_id,))
    if removed:
        destroy(cursor, removed)
