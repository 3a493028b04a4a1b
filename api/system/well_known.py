"""/.well-known: the key that roots are signed with and the newest root, for all."""

import asyncio

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from api.http.responses import Answer
from api.http.writer import CommandWriter
from domain.errors import NotFoundError
from domain.integrity.roots import PublicRoot
from infra.database import run_read
from infra.integrity.log import newest_recorded
from infra.integrity.signing import InstallationSigner


class PublicKey(Struct, frozen=True, kw_only=True):
    """The public Ed25519 key of an installation, in hex."""

    algorithm: str = "Ed25519"
    key: str


def well_known_routes() -> list[HTTPRouteHandler]:
    """Return the routes; nothing that they answer tells how much happens here."""

    @get(
        "/.well-known/goatherd-key.json",
        opt={"scope": None},
        operation_id="getSigningKey",
        tags=["Operations"],
    )
    async def key(
        signer: NamedDependency[InstallationSigner],
    ) -> Answer[PublicKey]:
        """Read the public half of the key that this installation signs roots with."""
        opened = await asyncio.to_thread(signer.open)
        return Answer(PublicKey(key=opened.key), headers=_cached(seconds=3_600))

    @get(
        "/.well-known/goatherd-root.json",
        opt={"scope": None},
        operation_id="getNewestRoot",
        tags=["Operations"],
    )
    async def root(
        writer: NamedDependency[CommandWriter],
    ) -> Answer[PublicRoot]:
        """Read the newest signed root of the log, without what only operators see.

        Keep it: `goatherd verify --against` compares the log with it.
        """
        newest = await asyncio.to_thread(run_read, writer.store.pool, newest_recorded)
        if newest is None:
            raise NotFoundError("root")
        return Answer(PublicRoot.of(newest), headers=_cached(seconds=300))

    return [key, root]


def _cached(*, seconds: int) -> dict[str, str]:
    return {"Cache-Control": f"public, max-age={seconds}"}
