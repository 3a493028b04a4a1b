"""Sends one public event to an endpoint, signed, and notes what became of it."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, LiteralString
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.webhooks.signatures import signature_headers
from domain.feed.event import PublicEvent
from domain.webhook.events import WebhookPayload, WebhookSignature
from domain.webhook.retries import FailedTry
from infra.database import Pool
from infra.eventstore.store import Store
from infra.http_out.posting import Posted, Poster
from infra.http_out.refusals import seconds_of
from infra.ids import new_id
from infra.keys.webhook_secrets import (
    prune_webhook_secrets,
    webhook_secrets,
    webhook_signing_key,
)

# As answers of the API are encoded.
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode

KEPT_FOR: Final = timedelta(days=30)

DeliveryKind = Literal["live", "replay", "test", "retry"]

_ADD: LiteralString = """
INSERT INTO webhook_deliveries (organization_id, id, webhook_id, event_id, event_type,
    position, ordinal, kind, try, at, status, failed, duration_ms, answer, next_try_at)
VALUES (%(organization)s, %(id)s, %(webhook)s, %(event)s, %(type)s, %(position)s,
    %(ordinal)s, %(kind)s, %(try)s, %(at)s, %(status)s, %(failed)s, %(duration)s,
    %(answer)s, %(next_try_at)s)
"""
_PRUNE: LiteralString = "DELETE FROM webhook_deliveries WHERE at < now() - %s"


class Signers(Struct, frozen=True, kw_only=True):
    """The secrets and the key that sign the deliveries of one endpoint."""

    secrets: Sequence[str]
    signing_key: Ed25519PrivateKey | None

    def __repr__(self) -> str:
        return "Signers(***)"


class Delivery(Struct, frozen=True, kw_only=True):
    """One try: the event, and what the endpoint did with it."""

    id: UUID
    event: PublicEvent
    ordinal: int
    kind: DeliveryKind
    attempt: int
    at: datetime
    posted: Posted
    next_try_at: datetime | None = None


def signers_of(
    cursor: Cursor[TupleRow],
    store: Store,
    webhook_id: UUID,
    organization_id: UUID,
    signatures: Sequence[WebhookSignature],
) -> Signers:
    """Return what signs deliveries of an endpoint.

    Raises:
        MasterKeyError: another key encrypted it.
    """
    master_key = store.keyring.master_key(cursor.connection)
    return Signers(
        secrets=webhook_secrets(cursor, master_key, webhook_id)
        if "v1" in signatures
        else [],
        signing_key=webhook_signing_key(cursor, master_key, organization_id)
        if "v1a" in signatures
        else None,
    )


def body_of(event: PublicEvent, payload: WebhookPayload) -> bytes:
    """Return the body of a delivery: the event as the feed has it, or its ids only."""
    if payload == "full":
        return _ENCODE(event)
    return _ENCODE(
        {
            "id": event.id,
            "type": event.type,
            "timestamp": event.timestamp,
            "recorded_at": event.recorded_at,
            "version": event.version,
            "position": event.position,
            "organization_id": event.organization_id,
            "project_id": event.project_id,
            "subject": event.subject,
            "data": {},
        }
    )


def deliver(
    poster: Poster,
    url: str,
    event: PublicEvent,
    *,
    ordinal: int,
    payload: WebhookPayload,
    signers: Signers,
    kind: DeliveryKind,
    attempt: int,
) -> Delivery:
    """Send an event once, and return what became of it."""
    body = body_of(event, payload)
    signed = signature_headers(
        body,
        message_id=event.id,
        timestamp=int(time.time()),
        secrets=signers.secrets,
        signing_key=signers.signing_key,
    )
    headers = {"content-type": "application/json", **signed}
    if kind == "replay":
        headers["webhook-replay"] = "true"
    at = datetime.now(UTC)
    return Delivery(
        id=new_id(),
        event=event,
        ordinal=ordinal,
        kind=kind,
        attempt=attempt,
        at=at,
        posted=poster.post(url, body, headers=headers),
    )


def failure_of(posted: Posted) -> FailedTry:
    """Return the failure of a request that was not taken."""
    retry_after = None
    if posted.retry_after is not None:
        seconds = seconds_of(posted.retry_after, now=datetime.now(UTC))
        retry_after = timedelta(seconds=seconds)
    return FailedTry(
        status=posted.status, retry_after=retry_after, was_sent=posted.was_sent
    )


def note_deliveries(
    cursor: Cursor[TupleRow],
    webhook_id: UUID,
    organization_id: UUID,
    deliveries: Sequence[Delivery],
) -> None:
    """Keep what became of tries, for 30 days."""
    if not deliveries:
        return
    rows: list[dict[str, Any]] = [
        {
            "organization": organization_id,
            "id": each.id,
            "webhook": webhook_id,
            "event": each.event.id,
            "type": each.event.type,
            "position": each.event.position,
            "ordinal": each.ordinal,
            "kind": each.kind,
            "try": each.attempt,
            "at": each.at,
            "status": each.posted.status,
            "failed": each.posted.failed,
            "duration": each.posted.duration_ms,
            "answer": _text(each.posted.answer),
            "next_try_at": each.next_try_at,
        }
        for each in deliveries
    ]
    cursor.executemany(_ADD, rows)


def prune(pool: Pool) -> int:
    """Delete notes older than 30 days, and secrets that no longer sign.

    Return the number of notes.
    """
    with pool.connection() as connection:
        prune_webhook_secrets(connection)
        return connection.execute(_PRUNE, (KEPT_FOR,)).rowcount


def _text(answer: bytes) -> str | None:
    """Return the start of an answer as text that PostgreSQL can store."""
    return answer.decode(errors="replace").replace("\0", "\ufffd") or None
