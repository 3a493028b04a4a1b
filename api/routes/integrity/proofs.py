"""/creators/{id}/proof: events of a creator, to be checked elsewhere."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route
from api.http.writer import CommandWriter
from application.integrity.make_proof import make_proof
from application.integrity.signing import InstallationSigner
from domain.integrity.proofs import Proof
from infra.database import run_read
from projections.creator_streams import streams_of_creator
from projections.engine.reader import Reader

_ADMIN: dict[str, Any] = {"scope": "admin", "versioned": False}


class ProofRoutes(Controller):
    """Proofs of creators."""

    tags = ("Creators",)

    @read_route("/creators/{creator_id:uuid}/proof", "getProof", **_ADMIN)
    async def get_proof(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
        signer: NamedDependency[InstallationSigner],
        root: Annotated[
            str | None,
            QueryParameter(
                description="The hash of a root that somebody kept; the proof leads to "
                "it as well.",
                max_length=64,
            ),
        ] = None,
    ) -> Answer[Proof]:
        """Show all stored events of a creator, with the hashes up to the newest root.

        `docs/verify.py` checks the proof on a machine without Goatherd. The proof has
        the streams of the creator and of their videos and scrapes; erased data are
        unreadable in it and proven all the same. The answer is 404 if there is no root,
        or if the log does not have the `root` of the request. Events from before
        history was sealed have no proof; `kept` says so.
        """
        await caught_up(request, reader, "videos", "scrape_runs")

        def make() -> Proof:
            pool = writer.store.pool
            streams = run_read(
                pool,
                lambda connection: streams_of_creator(
                    connection, creator_id, organization_id=request.organization_id
                ),
            )
            return make_proof(pool, signer.open(), creator_id, streams, kept=root)

        return Answer(await asyncio.to_thread(make))
