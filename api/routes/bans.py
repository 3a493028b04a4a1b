"""/admin/bans: handles that no organization on this installation may track."""

from functools import partial
from typing import Annotated, Any, ClassVar

from litestar import Controller, delete, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.http.errors import Code
from api.http.reading.paging import ListRequest
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from domain.creator.handle import normalize_handle
from domain.creator.handlers.change import ban_handle, unban_handle
from infra.database import AsyncPool
from infra.eventstore.execute import Executed
from projections.bans import Ban, page_of_bans


class BanReason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reason for a ban."""

    reason: Annotated[str, Meta(max_length=1_000)] | None = None


_NO_REASON = BanReason()


class BanState(Struct, frozen=True, kw_only=True):
    """A handle, and whether it is banned now."""

    tiktok_handle: str
    banned: bool


_OPERATOR: dict[str, Any] = {"scope": "admin", "operator": True}


class BanRoutes(Controller):
    """Handles that are banned on the whole installation."""

    path = "/admin/bans"
    tags = ("Administration",)
    entities: ClassVar = {"ban": Ban}

    @read_route("/", "listBans", **_OPERATOR)
    async def list_bans(
        self, listing: NamedDependency[ListRequest], own: NamedDependency[AsyncPool]
    ) -> ListPage[Ban]:
        """List banned handles by name."""
        await listing.caught_up("bans")
        return await listing.page(
            "bans",
            partial(page_of_bans, own),
            key=lambda row: row.tiktok_handle,
            after=str,
        )

    @write_route(
        put, "/{handle:str}", "banHandle", **_OPERATOR, errors=[Code.INVALID_HANDLE]
    )
    def ban(
        self,
        request: Request,
        handle: FromPath[str],
        writer: NamedDependency[CommandWriter],
        data: JSONBody[BanReason] = _NO_REASON,
    ) -> Answer[BanState]:
        """Ban a handle: nobody can add a creator with it, or rename one to it.

        Creators who have the handle already stay unchanged.
        """
        return writer.perform(
            request,
            lambda: ban_handle(handle, reason=data.reason, names=writer.store.names),
            lambda _, done: _answer(writer, handle, done, banned=True),
        )

    @write_route(
        delete,
        "/{handle:str}",
        "unbanHandle",
        **_OPERATOR,
        errors=[Code.INVALID_HANDLE],
    )
    def unban(
        self,
        request: Request,
        handle: FromPath[str],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[BanState]:
        """Lift a ban."""
        writer.require_no_version(request)
        return writer.perform(
            request,
            lambda: unban_handle(handle, names=writer.store.names),
            lambda _, done: _answer(writer, handle, done, banned=False),
        )


def _answer(
    writer: CommandWriter, handle: str, done: Executed[None], *, banned: bool
) -> Answer[BanState]:
    # Operators may read the whole log, so its end tells them nothing new.
    position = done.position or writer.store.head()
    return Answer(
        BanState(tiktok_handle=normalize_handle(handle), banned=banned),
        headers={"Goatherd-Position": str(position)},
    )
