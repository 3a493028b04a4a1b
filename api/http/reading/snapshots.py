"""The snapshots of requests that only read, so that an answer shows one moment."""

from litestar.di import Provide
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from api.http.request import Request, context_of
from infra.database import AsyncPool
from infra.eventstore.codec import Codec
from projections.engine.kept_results import KeptResults
from projections.engine.reader import Reader
from projections.engine.snapshot_reader import SnapshotReader

_READING = frozenset({"GET", "HEAD"})


def provide_reader(pool: AsyncPool, codec: Codec) -> Provide:
    """Return the dependency that reads: in one snapshot, if the request only reads.

    The answer to a writing request shows the state after the write, so each of its
    reads has a snapshot of its own.
    """
    always = Reader(pool, codec)
    kept = KeptResults()

    def provide(request: Request) -> Reader:
        context = request.context
        principal = context.principal
        project_ids = None if principal is None else principal.project_ids
        if request.method not in _READING:
            if project_ids is None:
                return always
            return Reader(pool, codec, project_ids=project_ids)
        if context.shared is not None:
            return context.shared.reader_of(
                pool, codec, project_ids=project_ids, kept=kept
            )
        if context.snapshot is None:
            context.snapshot = SnapshotReader(pool, codec, project_ids=project_ids)
        return context.snapshot

    return Provide(provide, sync_to_thread=False)


class OneMoment:
    """A wrapper of the API that ends the snapshot of a request after the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            await _end(scope)


async def _end(scope: HTTPScope) -> None:
    snapshot = context_of(scope).snapshot
    if snapshot is not None:
        await snapshot.close()
