"""/admin/log-check: a check of the whole log, which another process runs."""

import asyncio
from typing import Any

from litestar import Controller, post
from litestar.di import NamedDependency

from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter
from application.integrity.requested_check import LogCheck, newest_check, request_check
from infra.database import Pool, run_read
from infra.eventstore.execute import Executed
from projections.engine.reader import Reader

_OPERATOR: dict[str, Any] = {"scope": "admin", "operator": True, "versioned": False}


class LogCheckRoutes(Controller):
    """Checks of the log."""

    path = "/admin/log-check"
    tags = ("Administration",)

    @read_route("/", "getLogCheck", **_OPERATOR)
    async def get_check(
        self,
        request: Request,
        reader: NamedDependency[Reader],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[LogCheck]:
        """Show the progress and the result of the newest requested check of the log."""
        # The check has a table of its own, which is never behind.
        await caught_up(request, reader, "bans")
        return Answer(await asyncio.to_thread(_newest, writer.store.pool))

    @write_route(post, "/", "requestLogCheck", **_OPERATOR, status=202)
    def check(
        self, request: Request, writer: NamedDependency[CommandWriter]
    ) -> Answer[LogCheck]:
        """Request a check of the whole log, as `goatherd verify` makes it.

        `goatherd dispatch` runs the check. While a check waits or runs, the answer
        shows it, and no other is requested.
        """

        def run(_: object) -> Executed[LogCheck]:
            pool = writer.store.pool
            with pool.connection() as connection:
                request_check(connection, by=writer.context(request).actor)
            return Executed(_newest(pool), events=[], loaded={})

        return writer.answer(
            request, run, lambda _, done: Answer(done.result, status=202)
        )


def _newest(pool: Pool) -> LogCheck:
    return run_read(pool, newest_check)
