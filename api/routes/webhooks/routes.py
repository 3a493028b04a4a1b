"""/webhooks: endpoints that get public events, their secrets and their replays."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, UnsetType

from api.http.bodies.hidden_secret import with_secret
from api.http.errors import Code, field_error
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.webhooks.positions import InvalidBoundError, positions_of
from api.routes.webhooks.schemas import (
    CreatedWebhook,
    NewWebhook,
    RemovedWebhook,
    ReplayRange,
    RequestedFilters,
    WebhookChange,
    WebhookReplay,
    WebhookSecret,
)
from application.webhooks.follow import following, newest_secret
from application.webhooks.types import check_types
from domain import commands as c
from domain import events as e
from domain.decisions import Handler
from domain.errors import NotFoundError
from domain.webhook.handlers import change_webhook, create_webhook
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.webhook_secrets import OVERLAP
from infra.structs import shared_fields
from projections.engine.reader import Reader
from projections.webhooks.queries import (
    Webhook,
    one_webhook,
    page_of_webhooks,
    webhook_within,
)

READ_MODEL = "webhooks"
ADMIN: dict[str, Any] = {"scope": "admin", "whole_organization": True}


class WebhookRoutes(Controller):
    """The list of webhooks, and one webhook."""

    path = "/webhooks"
    tags = ("Webhooks",)

    @read_route("/", "listWebhooks", **ADMIN)
    async def list_webhooks(
        self, listing: NamedDependency[ListRequest]
    ) -> ListPage[Webhook]:
        """List the webhooks of the organization, newest first, without secrets."""
        await listing.caught_up(READ_MODEL)
        return await listing.page(
            "webhooks",
            partial(page_of_webhooks, listing.reader, listing.organization_id),
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/{webhook_id:uuid}", "getWebhook", **ADMIN)
    async def get_webhook(
        self,
        request: Request,
        webhook_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Webhook]:
        """Show one webhook without its secret."""
        await caught_up(request, reader, READ_MODEL)
        webhook = await one_webhook(reader, request.organization_id, webhook_id)
        return found("webhook", webhook)

    @write_route(
        post,
        "/",
        "createWebhook",
        **ADMIN,
        recent_proof=True,
        errors=[Code.NOT_FOUND, Code.LIMIT_REACHED],
        body_examples={
            "NewWebhook": {
                "url": "https://example.com/goatherd",
                "types": ["creator.added", "video.reviewed"],
            }
        },
    )
    def create_webhook(
        self,
        request: Request,
        data: JSONBody[NewWebhook],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[CreatedWebhook]:
        """Send public events to an address from now on.

        Only this answer shows the secret. Each delivery is a POST whose body is an
        event as `GET /events` has it, signed as
        [Standard Webhooks](https://www.standardwebhooks.com) define. Each event is
        delivered at least once, and events about one thing come in order.
        """
        organization_id, webhook_id = request.organization_id, new_id()
        _check(writer.store, url=data.url, types=data.types)
        command = c.CreateWebhook(
            organization_id=organization_id,
            url=data.url,
            types=_once_each(data.types),
            project_id=data.project_id,
            description=data.description or None,
            filters=_filters(data.filters),
            payload=data.payload,
            signatures=_once_each(data.signatures),
        )

        def handler() -> Handler[UUID]:
            return create_webhook(webhook_id, command, enabled=data.enabled)

        def answer(rows: Rows, done: Executed[UUID]) -> Answer[CreatedWebhook]:
            webhook = _written(rows, request, done)
            created = CreatedWebhook(**shared_fields(Webhook, webhook), secret="")
            return Answer(created, status=201, version=webhook.version)

        return writer.perform(
            request,
            handler,
            answer,
            in_transaction=following(writer.store),
            unseal=partial(with_secret, partial(newest_secret, writer.store)),
        )

    @write_route(
        patch, "/{webhook_id:uuid}", "changeWebhook", **ADMIN, recent_proof=True
    )
    def change_webhook(
        self,
        request: Request,
        webhook_id: FromPath[UUID],
        data: JSONBody[WebhookChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Webhook]:
        """Change, enable or disable a webhook.

        One that is enabled again gets what it missed, of the last 30 days, unless
        `from` is `now`.
        """
        _check(writer.store, url=data.url, types=data.types)
        commands = _commands(data)
        return writer.perform(
            request,
            partial(_changing, request, writer, webhook_id, *commands),
            lambda rows, done: _shown(_written(rows, request, done)),
            in_transaction=following(writer.store),
        )

    @write_route(
        delete,
        "/{webhook_id:uuid}",
        "deleteWebhook",
        **ADMIN,
        recent_proof=True,
    )
    def delete_webhook(
        self,
        request: Request,
        webhook_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[RemovedWebhook]:
        """Delete a webhook; its address and its deliveries can't be read any more."""
        return writer.perform(
            request,
            partial(_changing, request, writer, webhook_id, c.RemoveWebhook()),
            lambda _, __: Answer(RemovedWebhook(id=webhook_id)),
            in_transaction=following(writer.store),
        )

    @write_route(
        post,
        "/{webhook_id:uuid}/rotate-secret",
        "rotateWebhookSecret",
        **ADMIN,
        recent_proof=True,
        status=200,
        versioned=False,
    )
    def rotate_secret(
        self,
        request: Request,
        webhook_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[WebhookSecret]:
        """Give a webhook a new secret, which only this answer has.

        Both secrets sign each delivery for 24 hours, so that the receiver can change in
        its own time.
        """
        return writer.perform(
            request,
            partial(_changing, request, writer, webhook_id, c.RotateWebhookSecret()),
            lambda _, done: Answer(
                WebhookSecret(
                    id=webhook_id,
                    secret="",
                    old_secret_until=done.events[-1].recorded_at + OVERLAP,
                )
            ),
            in_transaction=following(writer.store),
            unseal=partial(with_secret, partial(newest_secret, writer.store)),
        )

    @write_route(
        post,
        "/{webhook_id:uuid}/replay",
        "replayToWebhook",
        **ADMIN,
        recent_proof=True,
        status=202,
        versioned=False,
        body_examples={"ReplayRange": {"from": 1, "types": ["creator.added"]}},
    )
    def replay(
        self,
        request: Request,
        webhook_id: FromPath[UUID],
        data: JSONBody[ReplayRange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[WebhookReplay]:
        """Send a part of the past again, in order, behind everything that is new.

        These deliveries have the header `webhook-replay: true`. Events keep their ids,
        so a receiver that drops doubles takes only what it missed.
        """
        if data.types is not None:
            check_types(data.types)
        first, last = _positions(writer.store, data)
        types = None if data.types is None else _once_each(data.types)
        command = c.ReplayToWebhook(first=first, last=last, types=types)
        return writer.perform(
            request,
            partial(_changing, request, writer, webhook_id, command),
            lambda _, done: Answer(_replay(done), status=202),
            in_transaction=following(writer.store),
        )


def _changing(
    request: Request,
    writer: CommandWriter,
    webhook_id: UUID,
    *commands: c.WebhookCommand,
) -> Handler[UUID]:
    return change_webhook(
        webhook_id,
        *commands,
        organization_id=request.organization_id,
        expected_versions=writer.expected_versions(request),
    )


def _commands(data: WebhookChange) -> list[c.WebhookCommand]:
    """Return the commands of a change: what is set, and then whether it is enabled.

    Raises:
        ApiError: ``invalid_body``, if ``from`` is set and ``enabled`` is not true.
    """
    if data.from_ is not UNSET and data.enabled is not True:
        message = "needs enabled to be true"
        raise field_error(Code.INVALID_BODY, "/from", message)
    change = c.ChangeWebhook(
        url=data.url,
        types=UNSET if data.types is UNSET else _once_each(data.types),
        project_id=data.project_id,
        description=data.description or None
        if data.description is not UNSET
        else UNSET,
        filters=UNSET if data.filters is UNSET else _filters(data.filters),
        payload=data.payload,
        signatures=UNSET if data.signatures is UNSET else _once_each(data.signatures),
    )
    if data.enabled is UNSET:
        return [change]
    if data.enabled:
        return [change, c.EnableWebhook(from_now=data.from_ is not UNSET)]
    return [change, c.DisableWebhook()]


def _check(
    store: Store, *, url: str | UnsetType, types: Sequence[str] | UnsetType
) -> None:
    if url is not UNSET:
        # It loads httpx, and a command that shows webhooks needs none.
        from infra.http_out.posting import check_url  # noqa: PLC0415

        check_url(url, allowed_hosts=store.settings.webhook_allowed_hosts)
    if types is not UNSET:
        check_types(types)


def _once_each(names: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(names))


def _filters(filters: RequestedFilters | None) -> e.WebhookFilters | None:
    return None if filters is None else filters.as_filters()


def _written(rows: Rows, request: Request, done: Executed[UUID]) -> Webhook:
    """Return the webhook after a command, which wrote its row as well."""
    organization_id = request.organization_id
    webhook = rows.ask(
        lambda cursor: webhook_within(cursor, organization_id, done.result)
    )
    if webhook is None:
        raise NotFoundError("webhook")
    return webhook


def _shown(webhook: Webhook) -> Answer[Webhook]:
    return Answer(webhook, version=webhook.version)


def _replay(done: Executed[UUID]) -> WebhookReplay:
    event = done.events[-1].event
    assert isinstance(event, e.WebhookReplayRequested)
    return WebhookReplay(
        webhook_id=done.result,
        from_=event.first,
        to=event.last,
        types=None if event.types is None else [*event.types],
    )


def _positions(store: Store, data: ReplayRange) -> tuple[int, int]:
    """Return the first and the last position of a replay.

    Raises:
        ApiError: ``invalid_body``, if an end is neither a position nor a time, or the
            last one is before the first.
    """
    try:
        with store.pool.connection() as connection:
            return positions_of(connection.cursor(), data.from_, data.to)
    except InvalidBoundError as error:
        raise field_error(Code.INVALID_BODY, f"/{error.field}", error.reason) from None
