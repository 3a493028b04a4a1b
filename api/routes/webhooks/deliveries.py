"""/webhooks/{id}/deliveries: what was sent, a test, and one event once more."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.http.reading.paging import ListRequest
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.webhooks.routes import ADMIN, READ_MODEL
from application.webhooks.by_hand import send_again, send_test
from application.webhooks.feed import LogFeed
from application.webhooks.sending import Delivery
from domain.errors import NotFoundError
from infra.eventstore.execute import Executed
from projections.webhooks.queries import (
    WebhookDelivery,
    delivery_within,
    one_webhook,
    page_of_deliveries,
)


class WebhookDeliveryRoutes(Controller):
    """The deliveries of a webhook."""

    path = "/webhooks/{webhook_id:uuid}"
    tags = ("Webhooks",)

    @read_route("/deliveries", "listWebhookDeliveries", **ADMIN)
    async def list_deliveries(
        self,
        webhook_id: FromPath[UUID],
        listing: NamedDependency[ListRequest],
        delivered: Annotated[
            bool | None,
            QueryParameter(
                description="Only tries that the endpoint took, or only failed ones."
            ),
        ] = None,
    ) -> ListPage[WebhookDelivery]:
        """List what was sent to a webhook in the last 30 days, newest first.

        Each try is a row, with the first 1,024 bytes of the answer.
        """
        await listing.caught_up(READ_MODEL)
        reader, organization_id = listing.reader, listing.organization_id
        if await one_webhook(reader, organization_id, webhook_id) is None:
            raise NotFoundError("webhook")
        return await listing.page(
            "webhook-deliveries",
            partial(
                page_of_deliveries,
                reader,
                organization_id,
                webhook_id,
                delivered=delivered,
            ),
            filters={
                "webhook": str(webhook_id),
                "delivered": None if delivered is None else str(delivered),
            },
            key=lambda row: (row.at, row.id),
            after=tuple[datetime, UUID],
        )

    @write_route(post, "/test", "testWebhook", **ADMIN, status=200, versioned=False)
    def test_webhook(
        self,
        request: Request,
        webhook_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[WebhookDelivery]:
        """Send an event of the type `webhook.test` now, and show what came back.

        It takes up to 20 seconds. The webhook may be disabled.
        """
        return _sent(
            request,
            writer,
            webhook_id,
            lambda: send_test(writer.store, request.organization_id, webhook_id),
        )

    @write_route(
        post,
        "/deliveries/{delivery_id:uuid}/retry",
        "retryWebhookDelivery",
        **ADMIN,
        status=200,
        versioned=False,
    )
    def retry(
        self,
        request: Request,
        webhook_id: FromPath[UUID],
        delivery_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[WebhookDelivery]:
        """Send the event of a delivery again now, and show what came back.

        It takes up to 20 seconds, and does not wait for earlier events.
        """
        store, organization_id = writer.store, request.organization_id
        return _sent(
            request,
            writer,
            webhook_id,
            lambda: send_again(
                store, LogFeed(store), organization_id, webhook_id, delivery_id
            ),
        )


def _sent(
    request: Request,
    writer: CommandWriter,
    webhook_id: UUID,
    send: Callable[[], Delivery],
) -> Answer[WebhookDelivery]:
    """Send once for each Idempotency-Key, and answer with what came back."""
    organization_id = request.organization_id

    def run(_: object) -> Executed[UUID]:
        writer.require_no_version(request)
        delivery = send()
        return Executed(delivery.id, [], writer.store.load(webhook_id))

    def answer(rows: Rows, done: Executed[UUID]) -> Answer[WebhookDelivery]:
        delivery = rows.ask(
            lambda cursor: delivery_within(
                cursor, organization_id, webhook_id, done.result
            )
        )
        if delivery is None:
            raise NotFoundError("delivery")
        return Answer(delivery)

    return writer.answer(request, run, answer)
