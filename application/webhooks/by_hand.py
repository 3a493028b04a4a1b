"""Deliveries that somebody asks for: a test, or one event again."""

import threading
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, cast
from uuid import UUID

from application.webhooks.delivery import EndpointFeed
from application.webhooks.endpoints import Endpoint, any_endpoint, wait_no_longer
from application.webhooks.sending import (
    Delivery,
    DeliveryKind,
    deliver,
    note_deliveries,
    signers_of,
)
from domain.errors import NotFoundError
from domain.feed.event import PublicEvent, Subject
from infra.eventstore.store import Store
from infra.http_out.outbound import OutboundBusyError
from infra.http_out.posting import Poster
from infra.ids import new_id

TEST_TYPE: Final = "webhook.test"

# A slow endpoint holds a thread of the server, so few may be asked at a time.
_ROOM = threading.BoundedSemaphore(4)

_PLACE: LiteralString = """
SELECT position, ordinal FROM webhook_deliveries
WHERE organization_id = %s AND webhook_id = %s AND id = %s
"""


def send_test(store: Store, organization_id: UUID, webhook_id: UUID) -> Delivery:
    """Send an event of the type ``webhook.test`` to an endpoint, which may be off.

    Raises:
        NotFoundError: the organization has no such webhook.
        OutboundBusyError: too many deliveries by hand run already.
    """
    endpoint = _endpoint(store, organization_id, webhook_id)
    now = datetime.now(UTC)
    event = PublicEvent(
        id=f"evt_{new_id().hex}",
        type=TEST_TYPE,
        timestamp=now,
        recorded_at=now,
        version=1,
        position=endpoint.position,
        organization_id=organization_id,
        project_id=endpoint.project_id,
        subject=Subject(type=cast("Any", "webhook"), id=webhook_id),
        actor="webhooks",
        data={"webhook_id": str(webhook_id)},
    )
    return _send(store, endpoint, event, ordinal=0, kind="test")


def send_again(
    store: Store,
    feed: EndpointFeed,
    organization_id: UUID,
    webhook_id: UUID,
    delivery_id: UUID,
) -> Delivery:
    """Send the event of a delivery once more.

    Raises:
        NotFoundError: there is no such delivery, or its event is gone.
        OutboundBusyError: too many deliveries by hand run already.
    """
    endpoint = _endpoint(store, organization_id, webhook_id)
    with store.pool.connection() as connection:
        row = connection.execute(
            _PLACE, (organization_id, webhook_id, delivery_id)
        ).fetchone()
    fed = (
        [] if row is None else feed.at(endpoint, [(row[0], row[1])], is_filtered=False)
    )
    if not fed:
        raise NotFoundError("delivery")
    (found,) = fed
    return _send(store, endpoint, found.event, ordinal=found.ordinal, kind="retry")


def _endpoint(store: Store, organization_id: UUID, webhook_id: UUID) -> Endpoint:
    with store.pool.connection() as connection:
        endpoint = any_endpoint(connection, webhook_id)
    if endpoint is None or endpoint.organization_id != organization_id:
        raise NotFoundError("webhook")
    return endpoint


def _send(
    store: Store,
    endpoint: Endpoint,
    event: PublicEvent,
    *,
    ordinal: int,
    kind: DeliveryKind,
) -> Delivery:
    webhook_id, organization_id = endpoint.webhook_id, endpoint.organization_id
    with store.pool.connection() as connection:
        signers = signers_of(
            connection.cursor(),
            store,
            webhook_id,
            organization_id,
            endpoint.signatures,
        )
    if not _ROOM.acquire(blocking=False):
        raise OutboundBusyError
    try:
        with Poster(store.settings.webhook_allowed_hosts) as poster:
            delivery = deliver(
                poster,
                endpoint.url,
                event,
                ordinal=ordinal,
                payload=endpoint.payload,
                signers=signers,
                kind=kind,
                attempt=1,
            )
    finally:
        _ROOM.release()
    with store.pool.connection() as connection, connection.transaction():
        cursor = connection.cursor()
        note_deliveries(cursor, webhook_id, organization_id, [delivery])
        if delivery.posted.is_taken:
            wait_no_longer(cursor, webhook_id, event.id)
    return delivery
