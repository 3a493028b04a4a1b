"""``goatherd webhooks``: the endpoints, their deliveries, and replays."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Annotated, Literal, LiteralString
from uuid import UUID

import msgspec
from cyclopts import Parameter
from msgspec import UNSET, UnsetType

from api.cli import CommandError, UsageError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import (
    ChosenOrganizationOption,
    OnlyProjectOption,
    chosen_organization,
    project_named,
)
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import print_json, print_list
from api.routes.webhooks.positions import positions_of
from api.routes.webhooks.schemas import CreatedWebhook, RequestedFilters
from application.webhooks.by_hand import send_again, send_test
from application.webhooks.feed import LogFeed
from application.webhooks.follow import following, newest_secret
from application.webhooks.sending import Delivery, body_of
from application.webhooks.signatures import signature_headers
from application.webhooks.types import check_types
from domain import commands as c
from domain.decisions import Handler
from domain.errors import DomainError
from domain.feed.types import chosen
from domain.webhook.events import WebhookFilters, WebhookPayload
from domain.webhook.handlers import change_webhook, create_webhook
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.http_out.posting import check_url
from infra.ids import new_id
from infra.keys.webhook_secrets import draw_webhook_secret
from infra.structs import shared_fields
from projections.feed.queries import FeedFilter, FeedPlace, public_events_now
from projections.webhooks.queries import (
    Webhook,
    WebhookDelivery,
    all_webhooks,
    deliveries_within,
    webhook_within,
)

# Looking for new events costs one small query.
_LOOK_SECONDS = 0.3
_AT_ONCE = 100

_OWNER: LiteralString = """
SELECT organization_id FROM webhooks WHERE id = %s AND removed_at IS NULL
"""

WebhookId = Annotated[
    UUID,
    Parameter(help="The id of the webhook: `goatherd webhooks list --ids` shows it."),
]
UrlOption = Annotated[
    str | None,
    Parameter("--url", help="Another address."),
]
TypesOption = Annotated[
    tuple[str, ...],
    Parameter(
        "--types",
        negative=(),
        consume_multiple=True,
        help="Names of events, or * for all that it includes.",
    ),
]
DescriptionOption = Annotated[
    str | None, Parameter(help="The purpose of the webhook, in your own words.")
]
PayloadOption = Annotated[
    WebhookPayload | None,
    Parameter(help="Whole events (full), or ids and positions only (thin)."),
]
CreatorOption = Annotated[
    UUID | None, Parameter("--creator", help="Only events of this creator, by its id.")
]
CampaignOption = Annotated[
    UUID | None,
    Parameter("--campaign", help="Only events of this campaign, by its id."),
]
TagOption = Annotated[
    str | None, Parameter("--tag", help="Only events of creators with this tag.")
]
MilestoneOption = Annotated[
    int | None,
    Parameter("--min-milestone", help="No milestones that are smaller."),
]
KeyOption = Annotated[
    bool | None,
    Parameter(
        "--sign-with-key",
        help="Sign with the organization's own key as well (v1a, by Ed25519).",
    ),
]


def list_webhooks(
    *,
    org: ChosenOrganizationOption = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List the webhooks of an organization, without their secrets."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        organization_id = chosen_organization(connection, org)
        found = all_webhooks(connection.cursor(), organization_id)
    print_list(
        found,
        "url types state failures waiting last_delivery=last_delivery_at",
        ids="id" if ids else "",
        json=json,
        types=lambda webhook: ", ".join(webhook.types),
        state=lambda webhook: (webhook.disabled_reason or "enabled").replace("_", " "),
    )


def add(
    url: Annotated[str, Parameter(help="The address that takes POST requests.")],
    /,
    *,
    types: TypesOption = ("*",),
    project: OnlyProjectOption = None,
    description: DescriptionOption = None,
    creator: CreatorOption = None,
    campaign: CampaignOption = None,
    tag: TagOption = None,
    min_milestone: MilestoneOption = None,
    payload: PayloadOption = None,
    sign_with_key: KeyOption = None,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send public events to an address from now on.

    Only this command shows the secret with which the receiver verifies deliveries.
    """
    settings = read_settings(data_dir=data_dir)
    webhook_id = new_id()
    with fitting(settings) as connection:
        organization_id = chosen_organization(connection, org)
        project_id = (
            project_named(connection, project, org=organization_id).id
            if project is not None
            else None
        )
    with opened_store(settings) as store, _refused():
        _check(store, url, types)
        command = c.CreateWebhook(
            organization_id=organization_id,
            url=url,
            types=tuple(dict.fromkeys(types)),
            project_id=project_id,
            description=description or None,
            filters=_filters(creator, campaign, tag, min_milestone),
            payload=payload or "full",
            signatures=("v1", "v1a") if sign_with_key else ("v1",),
        )
        execute(
            store,
            lambda: create_webhook(webhook_id, command),
            context=cli_context(),
            in_transaction=following(store),
        )
        made = _shown(store, organization_id, webhook_id)
        secret = newest_secret(store, webhook_id) or ""
    if json:
        print_json(CreatedWebhook(**shared_fields(Webhook, made), secret=secret))
        return
    print(f"Webhook {made.id}")
    print(f"Events  {', '.join(made.types)}")
    print(f"Secret  {secret} (shown only this once)")


def change(
    webhook_id: WebhookId,
    /,
    *,
    url: UrlOption = None,
    types: TypesOption = (),
    project: OnlyProjectOption = None,
    description: DescriptionOption = None,
    creator: CreatorOption = None,
    campaign: CampaignOption = None,
    tag: TagOption = None,
    min_milestone: MilestoneOption = None,
    no_filters: Annotated[
        bool,
        Parameter(
            negative="",
            help="Drop creator, campaign, tag and least milestone. One of these "
            "options drops the others, too.",
        ),
    ] = False,
    payload: PayloadOption = None,
    sign_with_key: KeyOption = None,
    enabled: Annotated[
        bool | None,
        Parameter(
            negative="--disabled",
            help="Enable or disable the webhook. One that is enabled again gets what "
            "it missed, of the last 30 days.",
        ),
    ] = None,
    from_now: Annotated[
        bool,
        Parameter(negative="", help="Enable it without what it missed."),
    ] = False,
    rotate_secret: Annotated[
        bool,
        Parameter(
            negative="",
            help="Make a new secret, which only this command shows. The old one signs "
            "for 24 hours more.",
        ),
    ] = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Change, enable or disable a webhook, or give it a new secret."""
    settings = read_settings(data_dir=data_dir)
    with opened_store(settings) as store, _refused():
        organization_id = _owner(store, webhook_id)
        project_id: UUID | UnsetType = UNSET
        if project is not None:
            with store.pool.connection() as connection:
                project_id = project_named(connection, project, org=organization_id).id
        _check(store, url, types)
        filters = _filters(creator, campaign, tag, min_milestone)
        changes = c.ChangeWebhook(
            url=UNSET if url is None else url,
            types=tuple(dict.fromkeys(types)) or UNSET,
            project_id=project_id,
            description=UNSET if description is None else description or None,
            filters=filters if filters is not None or no_filters else UNSET,
            payload=UNSET if payload is None else payload,
            signatures=UNSET
            if sign_with_key is None
            else ("v1", "v1a")
            if sign_with_key
            else ("v1",),
        )
        commands: list[c.WebhookCommand] = [changes]
        if enabled is False:
            commands.append(c.DisableWebhook())
        elif enabled or from_now:
            commands.append(c.EnableWebhook(from_now=from_now))
        if rotate_secret:
            commands.append(c.RotateWebhookSecret())
        _execute(store, organization_id, webhook_id, *commands)
        changed = _shown(store, organization_id, webhook_id)
        secret = newest_secret(store, webhook_id) if rotate_secret else None
    if json:
        with_secret = {} if secret is None else {"secret": secret}
        print_json({**msgspec.to_builtins(changed), **with_secret})
        return
    print(f"Changed {webhook_id}")
    if secret is not None:
        print(f"Secret  {secret} (shown only this once)")


def _filters(
    creator_id: UUID | None,
    campaign_id: UUID | None,
    tag: str | None,
    min_milestone: int | None,
) -> WebhookFilters | None:
    """Return the filters of options, None if there is none.

    Raises:
        CommandError: the tag is too long, or no number is so small.
    """
    requested = {
        "creator_id": creator_id,
        "campaign_id": campaign_id,
        "tag": tag,
        "min_milestone": min_milestone,
    }
    try:
        return msgspec.convert(requested, RequestedFilters).as_filters()
    except msgspec.ValidationError:
        raise UsageError(
            "--min-milestone must be at least 1, and --tag must have 1 to 50 "
            "characters."
        ) from None


def remove(
    webhook_id: WebhookId, /, *, data_dir: DataDir = None, json: Json = False
) -> None:
    """Remove a webhook, whose address can't be read any more then."""
    with opened_store(read_settings(data_dir=data_dir)) as store, _refused():
        organization_id = _owner(store, webhook_id)
        _execute(store, organization_id, webhook_id, c.RemoveWebhook())
    if json:
        print_json({"id": webhook_id, "removed": True})
        return
    print(f"Removed {webhook_id}")


def try_webhook(
    webhook_id: WebhookId, /, *, data_dir: DataDir = None, json: Json = False
) -> None:
    """Send an event of the type webhook.test now, and print what came back."""
    with opened_store(read_settings(data_dir=data_dir)) as store, _refused():
        organization_id = _owner(store, webhook_id)
        _print_sent(
            store,
            organization_id,
            webhook_id,
            lambda: send_test(store, organization_id, webhook_id),
            json=json,
        )


def deliveries(
    webhook_id: WebhookId,
    /,
    *,
    failed: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Only tries that failed."),
    ] = False,
    limit: Annotated[int, Parameter(help="The number of rows.")] = 50,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List the newest deliveries of a webhook, each try by itself."""
    with opened_store(read_settings(data_dir=data_dir)) as store, _refused():
        organization_id = _owner(store, webhook_id)
        with store.pool.connection() as connection:
            found = deliveries_within(
                connection.cursor(),
                organization_id,
                webhook_id,
                delivered=False if failed else None,
                limit=limit,
            )
    print_list(
        found,
        "at type position kind attempt result ms=duration_ms",
        ids="event_id id" if ids else "",
        json=json,
        result=lambda row: row.status if row.failed is None else row.failed,
    )


def retry(
    webhook_id: WebhookId,
    delivery_id: Annotated[
        UUID,
        Parameter(
            help="The id of a delivery: `goatherd webhooks deliveries --ids` shows it."
        ),
    ],
    /,
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send the event of a delivery again now, and print what came back."""
    with opened_store(read_settings(data_dir=data_dir)) as store, _refused():
        organization_id = _owner(store, webhook_id)
        feed = LogFeed(store)
        _print_sent(
            store,
            organization_id,
            webhook_id,
            lambda: send_again(store, feed, organization_id, webhook_id, delivery_id),
            json=json,
        )


def replay(
    webhook_id: WebhookId,
    /,
    *,
    from_: Annotated[
        str, Parameter("--from", help="The first position, or a time with its zone.")
    ],
    to: Annotated[
        str | None,
        Parameter(help="The last position, or a time with its zone; by default now."),
    ] = None,
    types: TypesOption = (),
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send a part of the past again, in order and marked as a replay."""
    with opened_store(read_settings(data_dir=data_dir)) as store, _refused():
        organization_id = _owner(store, webhook_id)
        check_types(types)
        with store.pool.connection() as connection:
            try:
                first, last = positions_of(connection.cursor(), from_, to)
            except ValueError as error:
                raise UsageError(f"{error}.") from None
        command = c.ReplayToWebhook(first=first, last=last, types=types or None)
        _execute(store, organization_id, webhook_id, command)
    if json:
        print_json({"webhook_id": webhook_id, "from": first, "to": last})
        return
    print(f"Sending positions {first} to {last} again")


def listen(
    *,
    types: TypesOption = ("*",),
    payload: Annotated[
        Literal["full", "thin"],
        Parameter(help="Whole events, or ids and positions only."),
    ] = "full",
    from_: Annotated[
        int | None,
        Parameter("--from", help="Begin after this position, and not now."),
    ] = None,
    count: Annotated[
        int | None, Parameter(help="End after so many deliveries.")
    ] = None,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Print the deliveries that a webhook would get, without sending any.

    It ends with Ctrl-C. The signatures are by a secret that it makes and prints.
    """
    with opened_store(read_settings(data_dir=data_dir)) as store, _refused():
        with store.pool.connection() as connection:
            organization_id = chosen_organization(connection, org)
        check_types(types)
        secret = draw_webhook_secret()
        if not json:
            print(f"Secret {secret}\n", flush=True)
        requested = FeedFilter(types=chosen(types))
        position = store.head() if from_ is None else from_
        while True:
            with store.pool.connection() as connection:
                page = public_events_now(
                    connection,
                    store.codec,
                    organization_id,
                    requested,
                    after=FeedPlace(position),
                    limit=_AT_ONCE,
                )
            position = max(position, page.next_after)
            for each in page.events:
                body = body_of(each.event, payload)
                headers = signature_headers(
                    body,
                    message_id=each.event.id,
                    timestamp=int(time.time()),
                    secrets=[secret],
                    signing_key=None,
                )
                if json:
                    print_json({"headers": headers, "body": msgspec.Raw(body)})
                else:
                    lines = [f"{name}: {value}" for name, value in headers.items()]
                    print("\n".join([*lines, body.decode(), ""]), flush=True)
                if count is not None:
                    count -= 1
                    if count <= 0:
                        return
            if not page.events:
                time.sleep(_LOOK_SECONDS)


@contextmanager
def _refused() -> Generator[None]:
    """Turn a refusal of a command into an error of the command line."""
    try:
        yield
    except DomainError as error:
        raise CommandError(str(error)) from error


def _owner(store: Store, webhook_id: UUID) -> UUID:
    with store.pool.connection() as connection:
        row = connection.execute(_OWNER, (webhook_id,)).fetchone()
    if row is None:
        raise CommandError(f"There is no webhook {webhook_id}.")
    return row[0]


def _check(store: Store, url: str | None, types: Sequence[str]) -> None:
    if url is not None:
        check_url(url, allowed_hosts=store.settings.webhook_allowed_hosts)
    check_types(types)


def _execute(
    store: Store, organization_id: UUID, webhook_id: UUID, *commands: c.WebhookCommand
) -> Executed[UUID]:
    def handler() -> Handler[UUID]:
        return change_webhook(webhook_id, *commands, organization_id=organization_id)

    return execute(
        store, handler, context=cli_context(), in_transaction=following(store)
    )


def _shown(store: Store, organization_id: UUID, webhook_id: UUID) -> Webhook:
    with store.pool.connection() as connection:
        webhook = webhook_within(connection.cursor(), organization_id, webhook_id)
    if webhook is None:
        raise CommandError(f"There is no webhook {webhook_id}.")
    return webhook


def _print_sent(
    store: Store,
    organization_id: UUID,
    webhook_id: UUID,
    send: Callable[[], Delivery],
    *,
    json: bool,
) -> None:
    posted = send().posted
    with store.pool.connection() as connection:
        found: list[WebhookDelivery] = deliveries_within(
            connection.cursor(), organization_id, webhook_id, delivered=None, limit=1
        )
    if json:
        print_json(found[0])
    elif posted.is_taken:
        print(f"Delivered in {posted.duration_ms} ms: status {posted.status}")
    else:
        raise CommandError(posted.failed or f"It answered with {posted.status}.")
