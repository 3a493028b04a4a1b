"""/operations/projects: the projects that creators are in, and their descriptions."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.form_body import typed
from api.http.request import Request
from api.web.kit.api_client import RefusedError
from api.web.kit.page import Visit
from api.web.operations.frame import show_operations
from projections.projects import Project

PATH = "/operations/projects"

_PER_PAGE = 50
_TOLD = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}


class ProjectForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A project as it was typed; ``version`` is the one that was seen of it."""

    name: Annotated[str, typed("Name")] = ""
    description: Annotated[str, typed("Description")] = ""
    version: str = ""


_EMPTY = ProjectForm()


class ProjectPages(Controller):
    """The projects of the organization."""

    path = PATH

    @get("/", opt={"scope": "read", "page": True})
    async def projects(
        self, visit: NamedDependency[Visit], cursor: FromQuery[str | None] = None
    ) -> Template:
        """Show the projects, newest first, and the form for a new one."""
        return await _list(visit, cursor=cursor or None)

    @post("/", opt={"scope": "write", "page": True, "form": ProjectForm})
    async def make(
        self, request: Request, visit: NamedDependency[Visit]
    ) -> Response[Any]:
        """Make a project."""
        form = request.form_as(ProjectForm)
        try:
            got = await visit.send("POST", "/projects", Project, _body(form))
        except RefusedError as error:
            if error.code not in _TOLD:
                raise
            return await _list(visit, form=form, error=error)
        visit.tell(f"The project {got.data.name} was made.")
        return visit.go_to(PATH)

    @get("/{project_id:uuid}", opt={"scope": "write", "page": True})
    async def project(
        self, visit: NamedDependency[Visit], project_id: FromPath[UUID]
    ) -> Template:
        """Show the form that renames or describes a project."""
        return await _one(visit, project_id)

    @post(
        "/{project_id:uuid}",
        opt={"scope": "write", "page": True, "form": ProjectForm},
    )
    async def change(
        self,
        request: Request,
        visit: NamedDependency[Visit],
        project_id: FromPath[UUID],
    ) -> Response[Any]:
        """Rename or describe a project, unless somebody else did meanwhile."""
        form = request.form_as(ProjectForm)
        version = int(form.version) if form.version.isdecimal() else 0
        path = f"/projects/{project_id}"
        try:
            await visit.send("PATCH", path, Project, _body(form), version=version)
        except RefusedError as error:
            if error.code not in _TOLD:
                raise
            return await _one(visit, project_id, form=form, error=error)
        visit.tell("The project was saved.")
        return visit.go_to(PATH)


async def _list(
    visit: Visit,
    *,
    cursor: str | None = None,
    form: ProjectForm = _EMPTY,
    error: RefusedError | None = None,
) -> Any:  # noqa: ANN401 - a Template, where the caller may answer anything
    got = await visit.get("/projects", list[Project], limit=_PER_PAGE, cursor=cursor)
    following = got.meta["nextCursor"]
    more = f"{PATH}?cursor={following}" if following else None
    told = _told(error)
    return await show_operations(
        visit,
        "operations/projects.html",
        {"form": form, "more_url": more, "projects": got.data, **told},
        tab=PATH,
        status=200 if error is None else error.status,
    )


async def _one(
    visit: Visit,
    project_id: UUID,
    *,
    form: ProjectForm | None = None,
    error: RefusedError | None = None,
) -> Any:  # noqa: ANN401 - a Template, where the caller may answer anything
    got = await visit.get(f"/projects/{project_id}", Project)
    project = got.data
    typed = form or ProjectForm(
        name=project.name, description=project.description or ""
    )
    return await show_operations(
        visit,
        "operations/project.html",
        {
            "form": typed,
            "has_conflict": error is not None and error.code is Code.VERSION_CONFLICT,
            "project": project,
            **_told(error),
        },
        tab=PATH,
        status=200 if error is None else error.status,
    )


def _told(error: RefusedError | None) -> dict[str, Any]:
    problems = {} if error is None else error.problems
    return {"error": None if problems else error, "problems": problems}


def _body(form: ProjectForm) -> dict[str, str | None]:
    return {
        "name": form.name.strip(),
        "description": form.description.strip() or None,
    }
