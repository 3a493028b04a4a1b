"""/operations/projections: how far each projection is, and rebuilds of read models."""

from typing import Any
from urllib.parse import quote

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import ServerSentEvent, Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.form_body import NoFields
from api.http.request import Request
from api.routes.projection_responses import ProjectionState
from api.web.kit.api_client import Inside, RefusedError
from api.web.kit.page import Visit
from api.web.operations.frame import show_operations
from api.web.operations.projection_stream import Board
from api.web.sign_in.page import Door
from projections.rebuild.state import RUNNING

PATH = "/operations/projections"

_ADMIN = {"scope": "admin", "page": True}
_NAMES = {
    "analytics": "Analytics",
    "api_keys": "API keys and organizations",
    "bans": "Banned handles",
    "creator_history": "Change logs of creators",
    "creator_identities": "Identities of accounts",
    "creator_list": "Creators",
    "known_videos": "Known videos and their policies",
    "projects": "Projects",
    "schedule": "Schedule of scrapes",
    "scrape_jobs": "Jobs",
    "scrape_runs": "Scrapes",
    "verdict_streaks": "Streaks of failed verdicts",
    "videos": "Videos",
}


class RebuildForm(Struct, frozen=True, forbid_unknown_fields=True):
    """How to rebuild: ``force`` swaps in rows that differ, too."""

    force: bool = False


class ProjectionPages(Controller):
    """Projections of the whole installation."""

    path = PATH

    @get("/", opt=_ADMIN)
    async def projections(self, visit: NamedDependency[Visit]) -> Template:
        """Show how far each is."""
        return await show_operations(
            visit,
            "operations/projections.html",
            {"projections": await _projections(visit), "name_of": name_of},
            tab=PATH,
        )

    @get("/stream", opt=_ADMIN)
    async def stream(
        self,
        request: Request,
        visit: NamedDependency[Visit],
        door: NamedDependency[Door],
        board: NamedDependency[Board],
    ) -> ServerSentEvent:
        """Tell what changes, for as long as somebody looks."""
        inside = Inside(request, request.app.state.inside)

        async def ask() -> list[ProjectionState]:
            got = await inside.ask("GET", "/admin/projections", list[ProjectionState])
            return got.data

        async def is_allowed() -> bool:
            return await door.still_may(request, "admin")

        def draw(states: list[ProjectionState]) -> dict[str, str]:
            return _cells(visit, states)

        return ServerSentEvent(
            board.watch(ask=ask, is_allowed=is_allowed, draw=draw),
            headers={"Cache-Control": "no-store"},
        )

    @get("/{name:str}", opt=_ADMIN)
    async def projection(
        self, visit: NamedDependency[Visit], name: FromPath[str]
    ) -> Template:
        """Show one, with what it could not take in and how its rebuild went."""
        return await _one(visit, name)

    @post("/{name:str}/rebuild", opt={**_ADMIN, "form": RebuildForm})
    async def rebuild(
        self, request: Request, visit: NamedDependency[Visit], name: FromPath[str]
    ) -> Response[Any]:
        """Begin a rebuild."""
        body = {"force": request.form_as(RebuildForm).force}
        try:
            await visit.send("POST", _rebuild_path(name), ProjectionState, body)
        except RefusedError as error:
            if error.code is not Code.CANNOT_REBUILD:
                raise
            return await _one(visit, name, error=error)
        visit.tell(f"{name_of(name)}: the rebuild was asked for.")
        return visit.go_to(f"{PATH}/{quote(name)}")

    @post("/{name:str}/cancel", opt={**_ADMIN, "form": NoFields})
    async def cancel(
        self, visit: NamedDependency[Visit], name: FromPath[str]
    ) -> Response[Any]:
        """Give a rebuild up."""
        await visit.send("DELETE", _rebuild_path(name), ProjectionState)
        visit.tell(f"{name_of(name)}: the rebuild is being given up.")
        return visit.go_to(f"{PATH}/{quote(name)}")


def name_of(projection: str) -> str:
    """Return what a projection is called in words."""
    return _NAMES.get(projection, projection)


async def _projections(visit: Visit) -> list[ProjectionState]:
    got = await visit.get("/admin/projections", list[ProjectionState])
    return got.data


async def _one(visit: Visit, name: str, *, error: RefusedError | None = None) -> Any:  # noqa: ANN401
    found = [each for each in await _projections(visit) if each.name == name]
    if not found:
        raise ApiError(Code.NOT_FOUND, "No such projection.")
    return await show_operations(
        visit,
        "operations/projection.html",
        {
            "error": error,
            "is_own": _is_own(visit, found[0]),
            "is_running": found[0].rebuild is not None
            and found[0].rebuild.status in RUNNING,
            "name_of": name_of,
            "projection": found[0],
        },
        tab=PATH,
        status=200 if error is None else error.status,
    )


def _is_own(visit: Visit, projection: ProjectionState) -> bool:
    """Return whether the key that is signed in with began the rebuild."""
    by = "" if projection.rebuild is None else projection.rebuild.started_by
    return by == f"key:{visit.principal.key_id}"


def _rebuild_path(name: str) -> str:
    return f"/admin/projections/{quote(name, safe='')}/rebuild"


def _cells(visit: Visit, states: list[ProjectionState]) -> dict[str, str]:
    """Return what each place of a page that shows projections is to have in it."""
    app: Any = visit.request.app
    engine: Any = app.template_engine
    drawn = engine.get_template("operations/live.html").make_module({"visit": visit})
    return {
        f"{state.name}.{part}": str(getattr(drawn, part)(state)).strip()
        for state in states
        for part in ("status", "position", "lag", "rebuild", "stage")
    }
