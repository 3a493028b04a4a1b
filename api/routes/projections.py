"""/admin/projections: the state of each projection, and rebuilds of read models."""

import asyncio
from typing import Any

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from api.http.errors import ApiError, Code
from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.writer import CommandWriter
from api.routes.projection_responses import (
    EXAMPLE,
    READ_MODELS,
    ProjectionState,
    projection_state,
)
from api.system.all_projections import ALL_PROJECTIONS
from domain.errors import NotFoundError
from infra.database import run_read
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from projections.engine.dead_letters import newest_dead_letters
from projections.engine.follower import FencedError
from projections.engine.reader import Reader
from projections.rebuild.errors import CannotRebuildError, DryRunPendingError
from projections.rebuild.rebuild import cancel
from projections.rebuild.transitions import RebuildOptions, begin
from projections.registry import PROJECTIONS
from projections.status import progress

_NEWEST_DEAD_LETTERS = 5


class RebuildBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a rebuild.

    With ``force`` the new tables are swapped in even if the same rules gave other rows
    than the live tables have.
    """

    force: bool = False


_DEFAULT_OPTIONS = RebuildBody()
_OPERATOR: dict[str, Any] = {"scope": "admin", "operator": True}


class ProjectionRoutes(Controller):
    """The projections of the whole installation, and their rebuilds."""

    path = "/admin/projections"
    tags = ("Administration",)

    @get(
        "/",
        opt={**_OPERATOR, "example": [EXAMPLE]},
        operation_id="listProjections",
    )
    async def list_projections(
        self,
        request: Request,
        writer: NamedDependency[CommandWriter],
        reader: NamedDependency[Reader],
    ) -> Answer[list[ProjectionState]]:
        """List every projection by name, with its position and its rebuild.

        A request with `Goatherd-Min-Position` waits until all read models have reached
        it.
        """
        for projection in PROJECTIONS:
            await caught_up(request, reader, projection.name)
        return Answer(await asyncio.to_thread(projection_states, writer.store))

    @post(
        "/{name:str}/rebuild",
        opt={
            **_OPERATOR,
            "errors": [Code.CANNOT_REBUILD],
            "example": EXAMPLE,
        },
        operation_id="rebuildProjection",
        status_code=202,
        sync_to_thread=True,
    )
    def rebuild(
        self,
        request: Request,
        name: FromPath[str],
        writer: NamedDependency[CommandWriter],
        data: JSONBody[RebuildBody] = _DEFAULT_OPTIONS,
    ) -> Answer[ProjectionState]:
        """Rebuild a read model from the log while the live tables still serve reads.

        A running `goatherd project` builds new tables, compares them with the live
        ones, and swaps them in. A failed rebuild continues where it stopped. If a
        rebuild runs already, the answer shows it.
        """

        def run(_: object) -> Executed[ProjectionState]:
            options = RebuildOptions(force=data.force)
            by = writer.context(request).actor
            _request_rebuild(writer.store, name, by=by, options=options)
            return Executed(_state_of(writer.store, name), events=[], loaded={})

        return writer.answer(
            request, run, lambda _, done: _answer(done.result, status=202)
        )

    @delete(
        "/{name:str}/rebuild",
        opt={**_OPERATOR, "example": EXAMPLE},
        operation_id="cancelRebuild",
        status_code=200,
        sync_to_thread=True,
    )
    def cancel(
        self,
        request: Request,
        name: FromPath[str],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ProjectionState]:
        """Cancel a rebuild; the live tables stay unchanged.

        The process that rebuilds ends after its current batch; until then
        `cancel_requested` is true. Without a rebuild nothing happens.
        """
        writer.require_no_version(request)
        state = _state_of(writer.store, name)
        if name in READ_MODELS and cancel(writer.store, READ_MODELS[name]):
            state = _state_of(writer.store, name)
        return _answer(state)


def _answer(state: ProjectionState, *, status: int = 200) -> Answer[ProjectionState]:
    # Operators may read the whole log, so its end tells them nothing new.
    position = str(state.head)
    return Answer(state, status=status, headers={"Goatherd-Position": position})


def projection_states(store: Store) -> list[ProjectionState]:
    def read(connection: Connection[TupleRow]) -> list[ProjectionState]:
        dead_letters = newest_dead_letters(connection, limit=_NEWEST_DEAD_LETTERS)
        return [
            projection_state(each, dead_letters.get(each.name, []))
            for each in progress(connection, ALL_PROJECTIONS)
        ]

    return run_read(store.pool, read)


def _state_of(store: Store, name: str) -> ProjectionState:
    for state in projection_states(store):
        if state.name == name:
            return state
    raise NotFoundError("projection")


def _request_rebuild(
    store: Store, name: str, *, by: str, options: RebuildOptions
) -> None:
    projection = READ_MODELS.get(name)
    if projection is None:
        _state_of(store, name)
        message = f"{name} is no read model, so it cannot be rebuilt."
        raise ApiError(Code.CANNOT_REBUILD, message)
    try:
        begin(store.pool, projection, by=by, options=options, is_driver=False)
    except (FencedError, CannotRebuildError, DryRunPendingError) as error:
        raise ApiError(Code.CANNOT_REBUILD, str(error)) from error
