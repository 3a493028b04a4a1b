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
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from api.web.operations.layout import show_operations
from projections.projects import Project

PATH = "/operations/projects"

_PER_PAGE = 50
_SHOWN_ERRORS = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}


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
        self, page: NamedDependency[PageContext], cursor: FromQuery[str | None] = None
    ) -> Template:
        """Show the projects, newest first, and the form for a new one."""
        return await _projects_page(page, cursor=cursor or None)

    @post("/", opt={"scope": "write", "page": True, "form": ProjectForm})
    async def make(
        self, request: Request, page: NamedDependency[PageContext]
    ) -> Response[Any]:
        """Make a project."""
        form = request.form_as(ProjectForm)
        try:
            got = await page.send("POST", "/projects", Project, _body(form))
        except ApiRefusedError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _projects_page(page, form=form, error=error)
        page.flash(f"The project {got.data.name} was made.")
        return page.go_to(PATH)

    @get("/{project_id:uuid}", opt={"scope": "write", "page": True})
    async def project(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> Template:
        """Show the form that renames or describes a project."""
        return await _project_page(page, project_id)

    @post(
        "/{project_id:uuid}",
        opt={"scope": "write", "page": True, "form": ProjectForm},
    )
    async def change(
        self,
        request: Request,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
    ) -> Response[Any]:
        """Rename or describe a project, unless somebody else did meanwhile."""
        form = request.form_as(ProjectForm)
        version = int(form.version) if form.version.isdecimal() else 0
        path = f"/projects/{project_id}"
        try:
            await page.send("PATCH", path, Project, _body(form), version=version)
        except ApiRefusedError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _project_page(page, project_id, form=form, error=error)
        page.flash("The project was saved.")
        return page.go_to(PATH)


async def _projects_page(
    page: PageContext,
    *,
    cursor: str | None = None,
    form: ProjectForm = _EMPTY,
    error: ApiRefusedError | None = None,
) -> Any:  # noqa: ANN401 - a Template, where the caller may answer anything
    got = await page.get("/projects", list[Project], limit=_PER_PAGE, cursor=cursor)
    following = got.meta["nextCursor"]
    more = f"{PATH}?cursor={following}" if following else None
    error_context = _error_context(error)
    return await show_operations(
        page,
        "operations/projects.html",
        {"form": form, "more_url": more, "projects": got.data, **error_context},
        tab=PATH,
        status=200 if error is None else error.status,
    )


async def _project_page(
    page: PageContext,
    project_id: UUID,
    *,
    form: ProjectForm | None = None,
    error: ApiRefusedError | None = None,
) -> Any:  # noqa: ANN401 - a Template, where the caller may answer anything
    got = await page.get(f"/projects/{project_id}", Project)
    project = got.data
    typed = form or ProjectForm(
        name=project.name, description=project.description or ""
    )
    return await show_operations(
        page,
        "operations/project.html",
        {
            "form": typed,
            "has_conflict": error is not None and error.code is Code.VERSION_CONFLICT,
            "project": project,
            **_error_context(error),
        },
        tab=PATH,
        status=200 if error is None else error.status,
    )


def _error_context(error: ApiRefusedError | None) -> dict[str, Any]:
    problems = {} if error is None else error.problems
    return {"error": None if problems else error, "problems": problems}


def _body(form: ProjectForm) -> dict[str, str | None]:
    return {
        "name": form.name.strip(),
        "description": form.description.strip() or None,
    }
