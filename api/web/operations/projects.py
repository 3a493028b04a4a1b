"""/operations/projects: the projects that creators are in, and their descriptions."""

from typing import Annotated
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.form_body import typed
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.operations.layout import show_operations
from projections.projects import Project

PATH = "/operations/projects"

_PER_PAGE = 50
_SHOWN_ERRORS = {Code.INVALID_BODY, Code.LIMIT_REACHED, Code.VERSION_CONFLICT}


class ProjectForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A project as typed; ``version`` is the version that the form was made from."""

    name: Annotated[str, typed("Name")] = ""
    description: Annotated[str, typed("Description")] = ""
    version: str = ""


_EMPTY = ProjectForm()


class ProjectPages(Controller):
    """The projects of the organization."""

    path = PATH

    @page_route()
    async def projects(
        self, page: NamedDependency[PageContext], cursor: FromQuery[str] = ""
    ) -> Template:
        """List the projects, newest first, with the form for a new one."""
        return await _show_list(page, cursor=cursor)

    @form_route(form=ProjectForm)
    async def make(self, page: NamedDependency[PageContext]) -> PageResponse:
        form = page.form(ProjectForm)
        try:
            got = await page.send("POST", "/projects", Project, _body(form))
        except ApiRefusedError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_list(page, form=form, error=error)
        page.flash(f"The project {got.data.name} was created.")
        return page.go_to(PATH)

    @page_route("/{project_id:uuid}", scope="write")
    async def project(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> Template:
        """Show the form that renames or describes a project."""
        return await _show_one(page, project_id)

    @form_route("/{project_id:uuid}", form=ProjectForm)
    async def change(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> PageResponse:
        """Rename or describe a project, unless another person did meanwhile."""
        form = page.form(ProjectForm)
        version = int(form.version) if form.version.isdecimal() else 0
        path = f"/projects/{project_id}"
        try:
            await page.send("PATCH", path, Project, _body(form), version=version)
        except ApiRefusedError as error:
            if error.code not in _SHOWN_ERRORS:
                raise
            return await _show_one(page, project_id, form=form, error=error)
        page.flash("The project was saved.")
        return page.go_to(PATH)


async def _show_list(
    page: PageContext,
    *,
    cursor: str = "",
    form: ProjectForm = _EMPTY,
    error: ApiRefusedError | None = None,
) -> Template:
    got = await page.get("/projects", list[Project], limit=_PER_PAGE, cursor=cursor)
    context = {"form": form, "more_url": got.next_url(PATH), "projects": got.data}
    return await show_operations(
        page, "operations/projects.html", context, tab=PATH, error=error
    )


async def _show_one(
    page: PageContext,
    project_id: UUID,
    *,
    form: ProjectForm | None = None,
    error: ApiRefusedError | None = None,
) -> Template:
    project = (await page.get(f"/projects/{project_id}", Project)).data
    context = {
        "form": form
        or ProjectForm(name=project.name, description=project.description or ""),
        "has_conflict": error is not None and error.code is Code.VERSION_CONFLICT,
        "project": project,
    }
    return await show_operations(
        page, "operations/project.html", context, tab=PATH, error=error
    )


def _body(form: ProjectForm) -> dict[str, str | None]:
    return {
        "name": form.name.strip(),
        "description": form.description.strip() or None,
    }
