"""``goatherd channels``: channels are listed, added, tested and removed."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, LiteralString
from uuid import UUID

from cyclopts import Parameter

from api.cli import CommandError
from api.cli.kit.databases import cli_context, fitting, opened_store
from api.cli.kit.names import (
    ChosenOrganizationOption,
    OnlyProjectOption,
    chosen_organization,
    project_named,
)
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import plain, print_json, print_list
from api.routes.channels.schemas import AddedChannel
from application.channels.by_hand import send_test
from application.channels.follow import channel_secret, following
from application.channels.kinds import KINDS, checked_address
from domain import commands as c
from domain.channel.errors import InvalidChannelError
from domain.channel.events import ChannelKind
from domain.channel.handlers import add_channel, change_channel
from domain.errors import DomainError, NotFoundError
from infra.eventstore.execute import execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.structs import shared_fields
from projections.channels.queries import Channel, all_channels, channel_within

_OWNER: LiteralString = """
SELECT organization_id FROM channels WHERE id = %s AND removed_at IS NULL
"""

ChannelId = Annotated[
    UUID,
    Parameter(help="The id of the channel: `goatherd channels list --ids` shows it."),
]


def list_channels(
    *,
    org: ChosenOrganizationOption = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List the channels of an organization, with their addresses in short."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        organization_id = chosen_organization(connection, org)
        found = all_channels(connection.cursor(), organization_id)
    print_list(
        found,
        "name kind address state waiting last_sent=last_sent_at error=last_error",
        ids="id" if ids else "",
        json=json,
        address=lambda channel: channel.url or channel.address or "",
        state=lambda channel: "on" if channel.enabled else "off",
    )


def add(
    kind: Annotated[ChannelKind, Parameter(help="The service.")],
    address: Annotated[
        str | None,
        Parameter(
            help="The address of a mailbox, or the URL to post to; none for "
            "`creator_email`, which needs `--project`."
        ),
    ] = None,
    *,
    name: Annotated[
        str | None, Parameter(help="A name; by default that of the service.")
    ] = None,
    project: OnlyProjectOption = None,
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Add a channel, which alert rules may name then.

    Only this command shows the secret that signs the messages of a webhook.
    """
    settings = read_settings(data_dir=data_dir)
    channel_id, form = new_id(), KINDS[kind].form
    with fitting(settings) as connection:
        organization_id = chosen_organization(connection, org)
        project_id = (
            project_named(connection, project, org=organization_id).id
            if project is not None
            else None
        )
    with opened_store(settings) as store, _refused():
        checked = checked_address(
            kind,
            url=address if form.field == "url" else None,
            address=None if form.field == "url" else address,
            allowed_hosts=settings.webhook_allowed_hosts,
        )
        if checked is None and form.field is not None:
            raise InvalidChannelError(form.field, "is required")
        command = c.AddChannel(
            organization_id=organization_id,
            kind=kind,
            name=name or form.label,
            shown=form.shown(checked or ""),
            project_id=project_id,
        )
        execute(
            store,
            lambda: add_channel(channel_id, command),
            context=cli_context(),
            in_transaction=following(store, address=checked),
        )
        with store.pool.connection() as connection:
            cursor = connection.cursor()
            added = channel_within(cursor, organization_id, channel_id)
        secret = channel_secret(store, channel_id)
    if added is None:
        raise CommandError("Somebody removed the channel at the same moment.")
    if json:
        print_json(AddedChannel(**shared_fields(Channel, added), secret=secret))
        return
    print(f"Channel {added.id}")
    if secret is not None:
        print(f"Secret  {secret} (shown only this once)")


def try_channel(
    channel_id: ChannelId,
    /,
    *,
    creator: Annotated[
        UUID | None,
        Parameter(
            help="The id of the creator who gets the test of a channel for mails to "
            "creators."
        ),
    ] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Send a test message now, and print what came back."""
    with opened_store(read_settings(data_dir=data_dir)) as store, _refused():
        owner = _owner(store, channel_id)
        test = send_test(store, owner, channel_id, creator_id=creator)
    if json:
        print_json(test)
        return
    if not test.delivered:
        answer = f" {plain(test.answer)}" if test.answer else ""
        raise CommandError(f"It was not taken. {plain(test.error or '')}{answer}")
    print(f"Taken in {test.duration_ms:,} ms")


def remove(
    channel_id: ChannelId, /, *, data_dir: DataDir = None, json: Json = False
) -> None:
    """Remove a channel with its address."""
    with opened_store(read_settings(data_dir=data_dir)) as store, _refused():
        organization_id = _owner(store, channel_id)
        execute(
            store,
            lambda: change_channel(
                channel_id, c.RemoveChannel(), organization_id=organization_id
            ),
            context=cli_context(),
            in_transaction=following(store),
        )
    if json:
        print_json({"id": channel_id, "removed": True})
        return
    print(f"Removed {channel_id}")


def _owner(store: Store, channel_id: UUID) -> UUID:
    with store.pool.connection() as connection:
        row = connection.execute(_OWNER, (channel_id,)).fetchone()
    if row is None:
        raise NotFoundError("channel")
    return row[0]


@contextmanager
def _refused() -> Generator[None]:
    """Turn refusals into errors of the command line."""
    try:
        yield
    except DomainError as error:
        raise CommandError(str(error)) from error
