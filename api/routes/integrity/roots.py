"""/admin/roots: signed roots, each of which fixes the log up to a position."""

import asyncio
from typing import Any, ClassVar

from litestar import Controller, post
from litestar.di import NamedDependency

from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from application.integrity.log import recorded_roots
from application.integrity.make_root import make_root
from application.integrity.signing import InstallationSigner
from domain.integrity.events import RootSigned
from domain.integrity.roots import SignedRoot
from infra.database import run_read
from infra.eventstore.execute import Executed
from projections.engine.reader import Reader

_NEWEST = 100
_OPERATOR: dict[str, Any] = {"scope": "admin", "operator": True}


class RootRoutes(Controller):
    """Signed roots of the log."""

    path = "/admin/roots"
    tags = ("Administration",)
    entities: ClassVar = {"root": SignedRoot}

    @read_route("/", "listRoots", **_OPERATOR)
    async def list_roots(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[list[SignedRoot]]:
        """List the newest 100 roots, newest first."""
        # Roots are read from the log itself, which is never behind.
        await caught_up(request, reader, "bans")
        recorded = await asyncio.to_thread(run_read, writer.store.pool, recorded_roots)
        return Answer(
            [SignedRoot.of(each.root) for each in reversed(recorded[-_NEWEST:])]
        )

    @write_route(post, "/", "makeRoot", **_OPERATOR, status=201)
    def make(
        self,
        request: Request,
        writer: NamedDependency[CommandWriter],
        signer: NamedDependency[InstallationSigner],
    ) -> Answer[SignedRoot]:
        """Sign a root of the present log.

        Keep the root where nobody can change it: `goatherd verify --against` compares
        the log with it. Goatherd also makes a root every day.
        """
        return writer.answer(
            request,
            lambda hook: make_root(
                writer.store,
                signer.open(),
                context=writer.context(request),
                in_transaction=hook,
            ),
            lambda _, done: Answer(_made(done), status=201),
        )


def _made(done: Executed[RootSigned | None]) -> SignedRoot:
    assert done.result is not None
    return SignedRoot.of(done.result)
