"""/admin/projections: the state of each projection, and rebuilds of read models."""

import asyncio
from typing import Annotated, Any, ClassVar, Literal

from litestar import Controller, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from api.http.errors import ApiError, Code
from api.http.reading.paging import caught_up
from api.http.request import Request
from api.http.responses import Answer
from api.http.routes import read_route, write_route
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
from projections.engine.dead_letters import (
    FailedAgainError,
    NoDeadLetterError,
    newest_dead_letters,
    without_rows,
)
from projections.engine.follower import FencedError, Follower
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


class DecisionBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision on a dead letter, and the reason for it, which is stored."""

    decision: Literal["retry", "skip"]
    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]


class DecisionOutcome(Struct, frozen=True, kw_only=True):
    """The result of a decision: the events applied, or why the event failed again.

    ``next_position`` is that of the dead letter at which the stream stops now.
    """

    events: int = 0
    error: str | None = None
    next_position: int | None = None


_DEFAULT_OPTIONS = RebuildBody()
_OPERATOR: dict[str, Any] = {"scope": "admin", "operator": True}


class ProjectionRoutes(Controller):
    """The projections of the whole installation, and their rebuilds."""

    path = "/admin/projections"
    tags = ("Administration",)
    entities: ClassVar = {"projection": ProjectionState}

    @read_route("/", "listProjections", **_OPERATOR, example=[EXAMPLE])
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

    @write_route(
        post,
        "/{name:str}/rebuild",
        "rebuildProjection",
        **_OPERATOR,
        errors=[Code.CANNOT_REBUILD],
        example=EXAMPLE,
        status=202,
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

    @write_route(
        delete, "/{name:str}/rebuild", "cancelRebuild", **_OPERATOR, example=EXAMPLE
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

    @post(
        "/{name:str}/dead-letters/{position:int}",
        opt={**_OPERATOR, "versioned": False},
        # It serves the page of operators: others have goatherd projection.
        include_in_schema=False,
        status_code=200,
        sync_to_thread=True,
    )
    def decide(
        self,
        request: Request,
        name: FromPath[str],
        position: FromPath[int],
        writer: NamedDependency[CommandWriter],
        data: JSONBody[DecisionBody],
    ) -> Answer[DecisionOutcome]:
        """Apply the event of a dead letter again, or leave it out for good."""

        def run(_: object) -> Executed[DecisionOutcome]:
            by = writer.context(request).actor
            outcome = _decided(writer.store, name, position, data, by=by)
            return Executed(outcome, events=[], loaded={})

        return writer.answer(request, run, lambda _, done: Answer(done.result))


def _decided(
    store: Store, name: str, position: int, body: DecisionBody, *, by: str
) -> DecisionOutcome:
    projection = next((each for each in ALL_PROJECTIONS if each.name == name), None)
    if projection is None:
        raise NotFoundError("projection")
    follower = Follower(projection, pool=store.pool, codec=store.codec)
    decide = follower.retry if body.decision == "retry" else follower.skip
    try:
        done = decide(position, by=by, reason=body.reason)
    except NoDeadLetterError as error:
        raise NotFoundError("dead letter") from error
    except FencedError as error:
        raise ApiError(Code.CANNOT_REBUILD, str(error)) from error
    except FailedAgainError as error:
        return DecisionOutcome(error=without_rows(str(error)))
    return DecisionOutcome(events=done.events, next_position=done.next_position)


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
