"""/creators/{id}/connect-links: links with which creators connect their accounts."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import msgspec
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
from application.connect.links import find_link, links_of, revoke_link
from application.connect.service import Connections
from domain.connection.links import ConnectLink
from domain.errors import NotFoundError
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from projections.creators.queries import one_creator
from projections.engine.reader import Reader

_HIDDEN = ""


class ConnectLinkShown(Struct, frozen=True, kw_only=True):
    """A link with which the creator can connect their account once.

    The link works until it was used or revoked, or has expired. Everybody who has `url`
    can use it, but only with the creator's account. `url` is null for keys that may
    only read.
    """

    id: UUID
    url: str | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, link: ConnectLink, *, url: str | None) -> "ConnectLinkShown":
        return cls(
            id=link.id,
            url=url,
            created_at=link.created_at,
            expires_at=link.expires_at,
            used_at=link.used_at,
            revoked_at=link.revoked_at,
        )

    @property
    def is_open(self) -> bool:
        """Return whether the link can still be used."""
        is_over = self.expires_at <= datetime.now(UTC)
        return self.used_at is None and self.revoked_at is None and not is_over


class ConnectLinkRoutes(Controller):
    """Links with which creators connect their accounts."""

    path = "/creators/{creator_id:uuid}/connect-links"
    tags = ("Creators",)

    @read_route("/", "listConnectLinks", versioned=False)
    async def list_links(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[list[ConnectLinkShown]]:
        """List the newest 100 links of a creator, newest first.

        Keys that may only read get no `url`, because everybody who has a link can use
        it.
        """
        await caught_up(request, reader, "creator_list")
        organization_id = request.organization_id
        if await one_creator(reader, organization_id, creator_id) is None:
            raise NotFoundError("creator")
        links = await asyncio.to_thread(
            Rows(writer.store).ask,
            lambda cursor: links_of(cursor, organization_id, creator_id),
        )
        shown = [_shown(request, connections, link) for link in links]
        if "write" not in request.principal.scopes:
            shown = [msgspec.structs.replace(link, url=None) for link in shown]
        return Answer(shown)

    @write_route(
        post,
        "/",
        "createConnectLink",
        versioned=False,
        errors=[Code.CREATOR_REMOVED, Code.GONE],
        status=201,
    )
    def create_link(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[ConnectLinkShown]:
        """Create a link for a creator, which works once within seven days.

        The page behind the link says which organization asks, and which data will be
        read. The page leads the creator to TikTok, where they consent with the account
        that has the creator's handle.
        """
        writer.require_visible(request, creator_id, "creator")

        def run(_: object) -> Executed[ConnectLink]:
            link = connections.make_link(
                creator_id,
                link_id=request.command_id,
                organization_id=request.organization_id,
            )
            return Executed(link, events=[], loaded={})

        return writer.answer(
            request,
            run,
            # The stored answer to a repeated request has no secret.
            lambda _, done: Answer(
                _shown(request, connections, done.result, url=_HIDDEN), status=201
            ),
            unseal=lambda body: _unsealed(body, request, connections, writer.store),
        )

    @write_route(delete, "/{link_id:uuid}", "revokeConnectLink", versioned=False)
    def revoke_link(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        link_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        connections: NamedDependency[Connections],
    ) -> Answer[ConnectLinkShown]:
        """Revoke a link, which cannot be used any more.

        A connection that was made with the link stays.
        """
        writer.require_no_version(request)
        writer.require_visible(request, creator_id, "link")
        with writer.store.pool.connection() as connection:
            link = revoke_link(
                connection.cursor(), request.organization_id, creator_id, link_id
            )
        if link is None:
            raise NotFoundError("link")
        return Answer(_shown(request, connections, link))


def own_address(request: Request) -> str:
    """Return the scheme and host at which the request reached this installation."""
    host = (request.raw_header(b"host") or b"localhost").decode("latin-1")
    return f"{'https' if request.is_tls else 'http'}://{host}"


def _unsealed(
    body: bytes, request: Request, connections: Connections, store: Store
) -> bytes:
    answered = msgspec.json.decode(body, type=_LinkBody)
    link = Rows(store).ask(lambda cursor: find_link(cursor, answered.data.id))
    if link is None:
        return body
    shown = _shown(request, connections, link)
    return msgspec.json.encode(
        msgspec.structs.replace(
            answered, data=msgspec.structs.replace(answered.data, url=shown.url)
        )
    )


class _LinkBody(Struct):
    data: ConnectLinkShown
    error: str | None
    meta: None = None


def _shown(
    request: Request,
    connections: Connections,
    link: ConnectLink,
    *,
    url: str | None = None,
) -> ConnectLinkShown:
    if url is None:
        url = connections.address(link, own_address=own_address(request))
    return ConnectLinkShown.of(link, url=url)
