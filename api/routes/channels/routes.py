"""/channels: the services that get messages about alerts, and tests of them."""

from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from api.http.access.failed_logins import FailedLogins
from api.http.bodies.hidden_secret import with_secret
from api.http.errors import Code
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.channels.schemas import (
    AddedChannel,
    ChannelChange,
    NewChannel,
    RemovedChannel,
    TestOfChannel,
)
from application.channels.by_hand import ChannelTest, send_test
from application.channels.follow import channel_secret, following
from application.channels.kinds import KINDS, checked_address
from domain import commands as c
from domain.channel.errors import InvalidChannelError
from domain.channel.handlers import add_channel, change_channel
from domain.decisions import Handler
from domain.errors import NotFoundError
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.structs import shared_fields
from projections.channels.queries import (
    Channel,
    channel_within,
    one_channel,
    page_of_channels,
)
from projections.engine.reader import Reader

READ_MODEL = "channels"
_TESTS: Final = FailedLogins(
    limit=20, window=3_600, refusal="Too many tests of channels."
)
_ADMIN: dict[str, Any] = {"scope": "admin", "whole_organization": True}


class ChannelRoutes(Controller):
    """The list of channels, and one channel."""

    path = "/channels"
    tags = ("Channels",)

    @read_route("/", "listChannels", **_ADMIN)
    async def list_channels(
        self, listing: NamedDependency[ListRequest]
    ) -> ListPage[Channel]:
        """List the channels of the organization, newest first."""
        await listing.caught_up(READ_MODEL)
        return await listing.page(
            "channels",
            partial(page_of_channels, listing.reader, listing.organization_id),
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/{channel_id:uuid}", "getChannel", **_ADMIN)
    async def get_channel(
        self,
        request: Request,
        channel_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Channel]:
        """Show one channel, with its address in short."""
        await caught_up(request, reader, READ_MODEL)
        channel = await one_channel(reader, request.organization_id, channel_id)
        return found("channel", channel)

    @write_route(
        post,
        "/",
        "createChannel",
        **_ADMIN,
        recent_proof=True,
        errors=[Code.NOT_FOUND, Code.LIMIT_REACHED],
        body_examples={
            "NewChannel": {
                "kind": "email",
                "name": "The team",
                "address": "team@example.com",
            }
        },
    )
    def create_channel(
        self,
        request: Request,
        data: JSONBody[NewChannel],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[AddedChannel]:
        """Create a channel, which alert rules may name in `channels` then.

        Messages of a `webhook` are signed as
        [Standard Webhooks](https://www.standardwebhooks.com) define, with a secret that
        only this answer shows.
        """
        store, channel_id = writer.store, new_id()
        address = checked_address(
            data.kind,
            url=data.url,
            address=data.address,
            allowed_hosts=store.settings.webhook_allowed_hosts,
        )
        form = KINDS[data.kind].form
        if address is None and form.field is not None:
            raise InvalidChannelError(form.field, "is required")
        command = c.AddChannel(
            organization_id=request.organization_id,
            kind=data.kind,
            name=data.name or form.label,
            shown=form.shown(address or ""),
            project_id=data.project_id,
            enabled=data.enabled,
        )

        def answer(rows: Rows, done: Executed[UUID]) -> Answer[AddedChannel]:
            channel = _written(rows, request, done)
            secret = "" if channel.kind == "webhook" else None
            added = AddedChannel(**shared_fields(Channel, channel), secret=secret)
            return Answer(added, status=201, version=channel.version)

        return writer.perform(
            request,
            lambda: add_channel(channel_id, command),
            answer,
            in_transaction=following(store, address=address),
            unseal=partial(with_secret, partial(channel_secret, store)),
        )

    @write_route(
        patch,
        "/{channel_id:uuid}",
        "changeChannel",
        **_ADMIN,
        recent_proof=True,
        errors=[Code.NOT_FOUND],
        body_examples={"ChannelChange": {"name": "Night shift", "enabled": True}},
    )
    def change_channel(
        self,
        request: Request,
        channel_id: FromPath[UUID],
        data: JSONBody[ChannelChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[Channel]:
        """Change a channel, or switch it on or off.

        One that is switched off loses the messages that wait for it.
        """
        store = writer.store
        address, shown = None, UNSET
        if data.url is not UNSET or data.address is not UNSET:
            channel = _own(store, request.organization_id, channel_id)
            address = checked_address(
                channel.kind,
                url=data.url,
                address=data.address,
                allowed_hosts=store.settings.webhook_allowed_hosts,
            )
            if address is not None:
                shown = KINDS[channel.kind].form.shown(address)
        command = c.ChangeChannel(
            name=data.name,
            shown=shown,
            project_id=data.project_id,
            enabled=data.enabled,
        )
        return writer.perform(
            request,
            partial(_changing, request, writer, channel_id, command),
            lambda rows, done: _shown(_written(rows, request, done)),
            in_transaction=following(store, address=address),
        )

    @write_route(
        delete,
        "/{channel_id:uuid}",
        "deleteChannel",
        **_ADMIN,
        recent_proof=True,
    )
    def delete_channel(
        self,
        request: Request,
        channel_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[RemovedChannel]:
        """Delete a channel, its address and the messages that wait for it.

        Rules that name it go on with their other channels.
        """
        return writer.perform(
            request,
            partial(_changing, request, writer, channel_id, c.RemoveChannel()),
            lambda _, __: Answer(RemovedChannel(id=channel_id)),
            in_transaction=following(writer.store),
        )

    @write_route(
        post,
        "/{channel_id:uuid}/test",
        "testChannel",
        **_ADMIN,
        errors=[Code.MAIL_NOT_SET_UP, Code.NO_CONTACT_ADDRESS, Code.OPTED_OUT],
        body_examples={"TestOfChannel": {}},
        status=200,
        versioned=False,
    )
    def test_channel(
        self,
        request: Request,
        channel_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        data: JSONBody[TestOfChannel | None] = None,
    ) -> Answer[ChannelTest]:
        """Send a test message now, and show what came back.

        It takes up to 20 seconds. The channel may be switched off. An organization
        sends 20 tests an hour, since an address need not be its own.

        A channel of the kind `creator_email` needs a `creator_id` of its project;
        others need no body.
        """
        store, organization_id = writer.store, request.organization_id
        creator_id = None if data is None else data.creator_id

        def run(_: object) -> Executed[ChannelTest]:
            writer.require_no_version(request)
            _TESTS.count(str(organization_id))
            test = send_test(store, organization_id, channel_id, creator_id=creator_id)
            return Executed(test, [], store.load(channel_id))

        return writer.answer(request, run, lambda _, done: Answer(done.result))


def _changing(
    request: Request,
    writer: CommandWriter,
    channel_id: UUID,
    command: c.ChangeChannel | c.RemoveChannel,
) -> Handler[UUID]:
    return change_channel(
        channel_id,
        command,
        organization_id=request.organization_id,
        expected_versions=writer.expected_versions(request),
    )


def _own(store: Store, organization_id: UUID, channel_id: UUID) -> Channel:
    with store.pool.connection() as connection:
        cursor = connection.cursor()
        channel = channel_within(cursor, organization_id, channel_id)
    if channel is None:
        raise NotFoundError("channel")
    return channel


def _written(rows: Rows, request: Request, done: Executed[UUID]) -> Channel:
    """Return the channel after a command, which wrote its row as well."""
    organization_id = request.organization_id
    channel = rows.ask(
        lambda cursor: channel_within(cursor, organization_id, done.result)
    )
    if channel is None:
        raise NotFoundError("channel")
    return channel


def _shown(channel: Channel) -> Answer[Channel]:
    return Answer(channel, version=channel.version)
