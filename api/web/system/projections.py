"""/system/read-models: the position of each projection, and rebuilds."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec import Meta, Struct

from api.http.access.stream_places import StreamPlaces
from api.http.error_codes import Code
from api.http.errors import ApiError
from api.http.request import Request
from api.routes.projection_responses import ProjectionState
from api.routes.projections import DecisionOutcome
from api.web.kit.api_client import ApiClient, ApiRefusedError
from api.web.kit.cell_stream import answer_with_cells
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.sign_in.page import SignIn
from api.web.system.layout import show_system
from api.web.system.projection_stream import ProjectionStream
from domain.phrases import counted
from projections.rebuild.state import RUNNING

PATH = "/system/read-models"

_NAMES = {
    "activity": "Activity",
    "alert_touches": "Reasons to judge alerts",
    "alerts": "Alerts",
    "analytics": "Analytics",
    "annotations": "Annotations of charts",
    "api_keys": "API keys and organizations",
    "audit": "Audit",
    "bans": "Banned handles",
    "campaigns": "Campaigns",
    "channels": "Channels",
    "feed": "Public events",
    "creator_history": "Change logs of creators",
    "connection_endings": "Ends of connections",
    "creator_identities": "Identities of accounts",
    "creator_list": "Creators",
    "known_videos": "Known videos and their policies",
    "list_turns": "Turns of long lists",
    "people": "People, members and invitations",
    "projects": "Projects",
    "report_touches": "Reasons to make reports",
    "reports": "Reports",
    "schedule": "Schedule of scrapes",
    "scrape_jobs": "Jobs",
    "scrape_runs": "Scrapes",
    "shares": "Shared links",
    "verdict_streaks": "Failures in a row",
    "videos": "Videos",
    "views": "Saved views",
    "webhooks": "Webhooks",
}


class RebuildForm(Struct, frozen=True, forbid_unknown_fields=True):
    """``force`` swaps in the rebuilt rows even if they differ from the live ones."""

    force: bool = False


class DecisionForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A decision on a dead letter, and its reason."""

    position: Annotated[str, Meta(pattern="^[0-9]{1,18}$")]
    decision: Literal["retry", "skip"]
    reason: str = ""


class ProjectionPages(Controller):
    """Projections of the whole installation."""

    path = PATH

    @page_route(scope="admin", operator=True)
    async def projections(self, page: NamedDependency[PageContext]) -> Template:
        """Show the position of each projection."""
        context = {"projections": await _projections(page), "name_of": name_of}
        return await show_system(page, "system/projections.html", context, tab=PATH)

    @page_route("/stream", scope="admin", operator=True)
    async def stream(
        self,
        request: Request,
        page: NamedDependency[PageContext],
        sign_in: NamedDependency[SignIn],
        projection_stream: NamedDependency[ProjectionStream],
        stream_places: NamedDependency[StreamPlaces],
    ) -> PageResponse:
        """Send changes for as long as the page is open."""
        api = ApiClient(request)

        async def load() -> list[ProjectionState]:
            got = await api.request("GET", "/admin/projections", list[ProjectionState])
            return got.data

        async def is_allowed() -> bool:
            return await sign_in.still_operates(request)

        def render(states: list[ProjectionState]) -> dict[str, str]:
            return _cells(page, states)

        stream = projection_stream.watch(
            load=load, is_allowed=is_allowed, render=render
        )
        return answer_with_cells(request, stream_places, stream)

    @page_route("/{name:str}", scope="admin", operator=True)
    async def projection(
        self, page: NamedDependency[PageContext], name: FromPath[str]
    ) -> Template:
        """Show a projection, with its dead letters and its last rebuild."""
        return await _show(page, name)

    @form_route("/{name:str}/rebuild", form=RebuildForm, scope="admin", operator=True)
    async def rebuild(
        self, page: NamedDependency[PageContext], name: FromPath[str]
    ) -> PageResponse:
        body = {"force": page.form(RebuildForm).force}
        try:
            await page.send("POST", _rebuild_path(name), ProjectionState, body)
        except ApiRefusedError as error:
            if error.code is not Code.CANNOT_REBUILD:
                raise
            return await _show(page, name, error=error)
        page.flash(f"{name_of(name)}: the rebuild was requested.")
        return page.go_to(f"{PATH}/{quote(name)}")

    @form_route("/{name:str}/cancel", scope="admin", operator=True)
    async def cancel(
        self, page: NamedDependency[PageContext], name: FromPath[str]
    ) -> PageResponse:
        await page.send("DELETE", _rebuild_path(name), ProjectionState)
        page.flash(f"{name_of(name)}: the rebuild is being cancelled.")
        return page.go_to(f"{PATH}/{quote(name)}")

    @form_route(
        "/{name:str}/dead-letters", form=DecisionForm, scope="admin", operator=True
    )
    async def decide(
        self, page: NamedDependency[PageContext], name: FromPath[str]
    ) -> PageResponse:
        form = page.form(DecisionForm)
        path = f"/admin/projections/{quote(name, safe='')}/dead-letters/{form.position}"
        body = {"decision": form.decision, "reason": form.reason.strip()}
        try:
            sent = await page.send("POST", path, DecisionOutcome, body)
        except ApiRefusedError as error:
            if error.code is Code.NOT_FOUND:
                raise
            return await _show(page, name, error=error)
        page.flash(_said(form, sent.data))
        return page.go_to(f"{PATH}/{quote(name)}#dead-letters")


def _said(form: DecisionForm, outcome: DecisionOutcome) -> str:
    """Say what came of a decision, for a notice."""
    at = f"{int(form.position):,}"
    if outcome.error is not None:
        return f"The event at position {at} failed again: {outcome.error}"
    done = "was applied" if form.decision == "retry" else "was left out"
    applied = counted(outcome.events, "event")
    text = f"The event at position {at} {done}; {applied} applied."
    if outcome.next_position is not None:
        text += f" Its stream stops now at position {outcome.next_position:,}."
    return text


def name_of(projection: str) -> str:
    return _NAMES.get(projection, projection)


async def _projections(page: PageContext) -> list[ProjectionState]:
    got = await page.get("/admin/projections", list[ProjectionState])
    return got.data


async def _show(
    page: PageContext, name: str, *, error: ApiRefusedError | None = None
) -> Template:
    found = [each for each in await _projections(page) if each.name == name]
    if not found:
        raise ApiError(Code.NOT_FOUND, "No such projection.")
    rebuild = found[0].rebuild
    context = {
        "is_own": _is_own(page, found[0]),
        "is_running": rebuild is not None and rebuild.status in RUNNING,
        "name_of": name_of,
        "projection": found[0],
    }
    return await show_system(
        page, "system/projection.html", context, tab=PATH, error=error
    )


def _is_own(page: PageContext, projection: ProjectionState) -> bool:
    """Return whether the session's key began the rebuild."""
    by = "" if projection.rebuild is None else projection.rebuild.started_by
    return by == page.principal.actor


def _rebuild_path(name: str) -> str:
    return f"/admin/projections/{quote(name, safe='')}/rebuild"


def _cells(page: PageContext, states: list[ProjectionState]) -> dict[str, str]:
    """Return the HTML of each cell of a projection, by the name of the cell."""
    app: Any = page.request.app
    engine: Any = app.template_engine
    drawn = engine.get_template("system/projection_cells.html").make_module(
        {"page": page}
    )
    return {
        f"{state.name}.{fragment}": str(getattr(drawn, fragment)(state)).strip()
        for state in states
        for fragment in ("status", "position", "lag", "rebuild", "stage")
    }
