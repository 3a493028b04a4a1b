"""/creators/{id}/connection: the connection of a creator's own account."""

import asyncio
from datetime import datetime
from typing import Literal
from uuid import UUID

from litestar import Controller, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from api.http.errors import Code
from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from application.connect import rows
from application.connect.acceptance import ConsentGoneError, accept_consent
from application.connect.consent import PROVIDER
from application.connect.endings import end_with_append
from application.connect.service import Connections
from domain import commands as c
from domain.connection.consent import explained
from domain.creator.decider import check_not_erased
from domain.creator.handlers.change import own_creator
from domain.creator.handlers.connect import disconnect_creator
from domain.errors import NotFoundError
from domain.messages import ConnectionEnd, ConnectionProvider
from infra.eventstore.execute import Executed, InTransaction
from infra.eventstore.store import plain_events
from projections.creators.queries import one_creator
from projections.engine.reader import Reader

ConnectionStatus = Literal["none", "waiting", "connected", "lost"]


class CreatorConnection(Struct, frozen=True, kw_only=True):
    """The connection of a creator's own account.

    `waiting`: the account `other_handle` consented and says that it is the creator's; a
    key with the scope for writing must accept it. `lost`: the account was connected
    until `lost_at`; `reason` says why the connection ended. `allows` says in plain
    words which data the `scopes` give access to.
    """

    creator_id: UUID
    status: ConnectionStatus = "none"
    provider: ConnectionProvider | None = None
    scopes: list[str] = []
    allows: list[str] = []
    consented_at: datetime | None = None
    connected_at: datetime | None = None
    last_used_at: datetime | None = None
    lost_at: datetime | None = None
    reason: ConnectionEnd | None = None
    other_handle: str | None = None


class ConnectionRoutes(Controller):
    """Connections of creators."""

    tags = ("Creators",)

    @read_route(
        "/creators/{creator_id:uuid}/connection", "getConnection", versioned=False
    )
    async def get_connection(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[CreatorConnection]:
        """Show whether a creator's own account is connected."""
        await caught_up(request, reader, "creator_list")
        organization_id = request.organization_id
        if await one_creator(reader, organization_id, creator_id) is None:
            raise NotFoundError("creator")
        return Answer(
            await asyncio.to_thread(
                _connection,
                Rows(writer.store),
                connections,
                organization_id,
                creator_id,
            )
        )

    @write_route(
        post,
        "/creators/{creator_id:uuid}/connection/accept",
        "acceptConnection",
        versioned=False,
        errors=[
            Code.HANDLE_TAKEN,
            Code.CREATOR_BANNED,
            Code.ERASED_AND_BANNED,
            Code.CREATOR_REMOVED,
            Code.CONSENT_REFUSED,
            Code.GONE,
        ],
        status=200,
    )
    def accept(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[CreatorConnection]:
        """Accept that an account with another handle is the creator's.

        The creator gets the handle of that account, and the account is connected.
        """
        writer.require_visible(request, creator_id, "creator")
        organization_id = request.organization_id
        answered = Rows(writer.store)

        def run(hook: InTransaction[UUID] | None) -> Executed[UUID]:
            consent = answered.ask(
                lambda cursor: rows.waiting_consent(cursor, organization_id, creator_id)
            )
            if consent is None:
                history = plain_events(writer.store.load(creator_id)[creator_id])
                check_not_erased(own_creator(history, organization_id, None))
                raise NotFoundError("consent that waits")
            try:
                return accept_consent(
                    writer.store,
                    connections.seal,
                    consent,
                    may_rename=True,
                    context=writer.context(request),
                    in_transaction=hook,
                )
            except ConsentGoneError:
                raise NotFoundError("consent that waits") from None

        return writer.answer(
            request,
            run,
            lambda _, __: Answer(
                _connection(answered, connections, organization_id, creator_id)
            ),
        )

    @write_route(
        delete,
        "/creators/{creator_id:uuid}/connection",
        "endConnection",
        versioned=False,
        errors=[Code.GONE],
    )
    def end(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[CreatorConnection]:
        """End a connection, or refuse an account that waits to be accepted.

        The consent is withdrawn at TikTok as soon as TikTok answers.
        """
        writer.require_no_version(request)
        writer.require_visible(request, creator_id, "creator")
        organization_id = request.organization_id
        answered = Rows(writer.store)
        with writer.store.pool.connection() as connection:
            rows.refuse_waiting(connection.cursor(), organization_id, creator_id)
        return writer.perform(
            request,
            lambda: disconnect_creator(
                creator_id,
                c.EndConnection(provider=PROVIDER, reason="revoked_here"),
                organization_id=organization_id,
            ),
            lambda _, __: Answer(
                _connection(answered, connections, organization_id, creator_id)
            ),
            in_transaction=lambda cursor, done: end_with_append(cursor, done.events),
        )


def _connection(
    answered: Rows, connections: Connections, organization_id: UUID, creator_id: UUID
) -> CreatorConnection:
    shown = answered.ask(
        lambda cursor: rows.shown_connection(cursor, organization_id, creator_id)
    )
    if shown is None:
        return CreatorConnection(creator_id=creator_id)
    status: ConnectionStatus = "lost"
    other_handle = None
    if shown.state == "waiting" and shown.sealed is not None:
        status = "waiting"
        other_handle = connections.seal.open(shown.id, shown.sealed).username
    elif shown.state == "connected":
        status = "connected"
    return CreatorConnection(
        creator_id=creator_id,
        status=status,
        provider=shown.provider,
        scopes=shown.scopes,
        allows=[*explained(shown.scopes)],
        consented_at=shown.consented_at,
        connected_at=shown.connected_at,
        last_used_at=shown.last_used_at,
        lost_at=shown.ended_at,
        reason=shown.reason,
        other_handle=other_handle,
    )
