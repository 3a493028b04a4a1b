"""/creators/add: one creator or fifty, from whatever was pasted."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import replace

from api.http.errors import Code, FieldProblem
from api.http.form_body import typed
from api.http.request import Request
from api.routes.creator_schemas import MOST_NEW, AddedCreator, AddedCreators
from api.web.creators.paste import handles_in
from api.web.kit.api_client import RefusedError
from api.web.kit.page import Visit
from api.web.kit.project_choices import all_projects
from domain.events import Scope

_FIELDS = {"tiktok_handle": "handles", "tracking_start_date": "first_day"}
_AT_FIELDS = {"handles", "project_id", "first_day"}
# A handle has 30 characters; this shows enough of what is none.
_SHOWN = 60
_WRITE: dict[str, Scope | bool] = {"scope": "write", "page": True}


class NewHandles(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form sends: handles, and how they are to be tracked.

    ``since`` is ``today``, ``day`` with that in ``first_day``, or ``ever``.
    """

    handles: Annotated[str, typed("Handles or profile URLs")] = ""
    project_id: str = ""
    tracking_mode: str = "auto"
    since: str = "today"
    first_day: Annotated[str, typed("First day")] = ""


class AddingPage(Controller):
    """Adding creators."""

    path = "/creators/add"

    @get("/", opt=_WRITE)
    async def form(
        self, visit: NamedDependency[Visit], project_id: FromQuery[str] = ""
    ) -> Template:
        """Show the form."""
        return await _form(visit, NewHandles(project_id=project_id))

    @post("/", opt={**_WRITE, "form": NewHandles})
    async def add(
        self, request: Request, visit: NamedDependency[Visit]
    ) -> Response[Any] | Template:
        """Add them, and show what became of each unless there was but one."""
        sent = request.form_as(NewHandles)
        handles = handles_in(sent.handles)
        if not 1 <= len(handles) <= MOST_NEW:
            return await _form(visit, sent, {"handles": _amiss(handles)}, status=400)
        try:
            added = await _added(visit, sent, handles)
        except RefusedError as error:
            return await _form(
                visit,
                sent,
                _problems(error, handles),
                refusal=_sentence(error, len(handles)),
                status=error.status,
            )
        if len(handles) == 1 and not added.failed_count:
            visit.tell(_told(added))
            return visit.go_to("/creators")
        failed = [one for one in added.results if one.status == "failed"]
        left = "\n".join(handles[one.index] for one in failed)
        outcomes = [(handles[one.index], one) for one in added.results]
        return await _form(visit, replace(sent, handles=left), outcomes=outcomes)


async def _added(
    visit: Visit, sent: NewHandles, handles: Sequence[str]
) -> AddedCreators:
    settings: dict[str, str | None] = {"tracking_mode": sent.tracking_mode}
    if sent.since != "today":
        settings["tracking_start_date"] = (
            sent.first_day if sent.since == "day" else None
        )
    got = await visit.send(
        "POST",
        f"/projects/{_project_id(sent)}/creators",
        AddedCreators,
        {"creators": [{"tiktok_handle": h, **settings} for h in handles]},
    )
    return got.data


async def _form(
    visit: Visit,
    sent: NewHandles,
    problems: dict[str, str] | None = None,
    *,
    refusal: str | None = None,
    outcomes: Sequence[tuple[str, AddedCreator]] = (),
    status: int = 200,
) -> Template:
    return visit.show(
        "creators/add.html",
        {
            "sent": sent,
            "projects": await all_projects(visit),
            "problems": defaultdict(str, problems or {}),
            # What is told at a field needs no second telling.
            "refusal": None if _AT_FIELDS & {*(problems or {})} else refusal,
            "outcomes": outcomes,
            "most": MOST_NEW,
        },
        status=status,
    )


def _project_id(sent: NewHandles) -> UUID:
    try:
        return UUID(sent.project_id)
    except ValueError:
        problem = FieldProblem("/project_id", "choose one of your projects")
        raise RefusedError(
            Code.INVALID_BODY, "Choose a project.", meta={"fields": [problem]}
        ) from None


def _amiss(handles: Sequence[str]) -> str:
    if not handles:
        return "write at least one handle or URL"
    return f"at most {MOST_NEW} at a time, and these are {len(handles)}"


def _sentence(error: RefusedError, wanted: int) -> str:
    """Return why none was added, in words for people."""
    if error.code is not Code.LIMIT_REACHED:
        return error.message
    most, current = error.meta["max"], error.meta["current"]
    return (
        f"Your plan has room for {most} creators, {current} are tracked, and these "
        f"are {wanted}. None was added."
    )


def _problems(error: RefusedError, handles: Sequence[str]) -> dict[str, str]:
    """Return what is wrong by field of the form; of a handle also which it is."""
    found: dict[str, str] = {}
    fields: list[FieldProblem] = error.meta.get("fields", [])
    for problem in fields:
        *_, index, name = ("", *problem.path.split("/"))
        message = problem.message
        if name == "tiktok_handle" and index.isdigit():
            message = f"'{handles[int(index)][:_SHOWN]}' {message}"
        found[_FIELDS.get(name, name)] = message
    return found


def _told(added: AddedCreators) -> str:
    parts: list[str] = []
    if added.created_count:
        parts.append(f"{_creators(added.created_count)} added")
    if added.reactivated_count:
        parts.append(f"{_creators(added.reactivated_count)} brought back")
    return f"{', '.join(parts)}. The first scrape is on its way."


def _creators(count: int) -> str:
    return "1 creator" if count == 1 else f"{count} creators"
