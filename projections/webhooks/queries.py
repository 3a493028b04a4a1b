"""Webhooks and their deliveries as clients read them."""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct, convert
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.structs import structs
from projections.engine.reader import Reader, newest_first


class EventFilters(Struct, frozen=True, kw_only=True):
    """The events that a webhook gets: those that fit all filters that are not null."""

    creator_id: UUID | None = None
    campaign_id: UUID | None = None
    tag: str | None = None
    min_milestone: int | None = None


class Webhook(Struct, frozen=True, kw_only=True):
    """An endpoint that gets the public events of the organization.

    ``types`` are names of events, or `*`. A null ``project_id`` stands for all
    projects. While the webhook is not ``enabled``, ``disabled_reason`` is `by_hand`,
    `gone` after an answer 410, or `failing` after 20 failures in a row. ``failures``
    counts the present ones in a row, and ``waiting`` the events that it did not take
    yet. All events up to ``position`` were tried.
    """

    id: UUID
    org_id: UUID
    url: str
    types: list[str]
    project_id: UUID | None
    description: str | None
    enabled: bool
    disabled_reason: e.WebhookOff | None
    filters: EventFilters | None
    payload: e.WebhookPayload
    signatures: list[e.WebhookSignature]
    failures: int
    waiting: int
    position: int
    last_delivery_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class WebhookDelivery(Struct, frozen=True, kw_only=True):
    """One try to deliver an event.

    ``kind`` is `live`, `replay`, `test`, or `retry` by hand, and ``attempt`` counts the
    tries. ``status`` is that of the answer, whose first 1,024 bytes are ``answer``.
    Without an answer ``failed`` says why. ``next_try_at`` is set if it is tried again.
    """

    id: UUID
    event_id: str
    type: str
    position: int
    kind: str
    attempt: int
    at: datetime
    delivered: bool
    status: int | None
    failed: str | None
    duration_ms: int
    answer: str | None
    next_try_at: datetime | None


_WEBHOOKS: LiteralString = """
SELECT w.id, w.organization_id, w.url, w.types, w.project_id, w.description,
       w.disabled_reason IS NULL, w.disabled_reason, w.filters, w.payload,
       w.signatures, coalesce(c.failures, 0),
       (SELECT count(*) FROM webhook_waiting t
        WHERE t.organization_id = w.organization_id AND t.webhook_id = w.id),
       greatest(c.position, w.starts_after), c.last_delivery_at, w.version,
       w.created_at, w.updated_at
FROM webhooks w
LEFT JOIN webhook_cursors c
    ON c.organization_id = w.organization_id AND c.webhook_id = w.id
WHERE w.organization_id = %(organization)s AND w.removed_at IS NULL
"""
_PAGE = (_WEBHOOKS + newest_first("w.created_at", "w.id")).encode()
_ONE: LiteralString = f"{_WEBHOOKS} AND w.id = %(id)s"
_DELIVERIES: LiteralString = """
SELECT id, event_id, event_type, position, kind, try, at,
       coalesce(status BETWEEN 200 AND 299, false), status, failed, duration_ms, answer,
       next_try_at
FROM webhook_deliveries
WHERE organization_id = %(organization)s AND webhook_id = %(webhook)s
AND at > now() - interval '30 days'
"""
_PAGE_OF_DELIVERIES: LiteralString = f"""{_DELIVERIES}
AND (%(delivered)s::boolean IS NULL
     OR coalesce(status BETWEEN 200 AND 299, false) = %(delivered)s)
"""


async def page_of_webhooks(
    reader: Reader,
    organization_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Webhook]:
    """Return up to ``limit`` webhooks after the given one, newest first."""
    rows = await reader.page(organization_id, _PAGE, limit=limit, after=after)
    return [_webhook(row) for row in rows]


async def one_webhook(
    reader: Reader, organization_id: UUID, webhook_id: UUID
) -> Webhook | None:
    """Return a webhook of the organization, None if there is none with the id."""
    params = {"organization": organization_id, "id": webhook_id}
    rows = await reader.rows(organization_id, _ONE.encode(), params)
    return next(map(_webhook, rows), None)


def webhook_within(
    cursor: Cursor[TupleRow], organization_id: UUID, webhook_id: UUID
) -> Webhook | None:
    """Return the same as ``one_webhook``, read in a transaction."""
    params = {"organization": organization_id, "id": webhook_id}
    return next(map(_webhook, cursor.execute(_ONE, params).fetchall()), None)


async def page_of_deliveries(
    reader: Reader,
    organization_id: UUID,
    webhook_id: UUID,
    *,
    delivered: bool | None,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[WebhookDelivery]:
    """Return up to ``limit`` tries before the given one, newest first."""
    query = (_PAGE_OF_DELIVERIES + newest_first("at", "id")).encode()
    rows = await reader.page(
        organization_id,
        query,
        limit=limit,
        after=after,
        webhook=webhook_id,
        delivered=delivered,
    )
    return structs(WebhookDelivery, rows)


def delivery_within(
    cursor: Cursor[TupleRow], organization_id: UUID, webhook_id: UUID, delivery_id: UUID
) -> WebhookDelivery | None:
    """Return one try of the last 30 days, None if there is none with the id."""
    params = {"organization": organization_id, "webhook": webhook_id, "id": delivery_id}
    rows = cursor.execute(f"{_DELIVERIES} AND id = %(id)s", params).fetchall()
    return next(iter(structs(WebhookDelivery, rows)), None)


def _webhook(row: TupleRow) -> Webhook:
    values: dict[str, Any] = dict(zip(Webhook.__struct_fields__, row, strict=True))
    filters = values.pop("filters")
    return Webhook(
        **values,
        filters=None if filters is None else convert(filters, EventFilters),
    )
