"""/projects/{id}: the dashboard of a project, and the form that changes it."""

from collections.abc import Mapping
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Template
from msgspec.structs import asdict

from api.http.error_codes import Code
from api.web.dashboard.dashboard import Programme
from api.web.dashboard.page import show_dashboard
from api.web.dashboard.query import DashboardQuery
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.projects.forms import PROJECT, SHOWN_ERRORS, ProjectForm
from api.web.projects.list import PATH
from projections.projects import Project


class ProjectPages(Controller):
    """One project."""

    path = f"{PATH}/{{project_id:uuid}}"

    @page_route(query=DashboardQuery)
    async def project(
        self,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
        choices: NamedDependency[DashboardQuery],
    ) -> Template:
        """Show the dashboard of the project."""
        got = await page.get(f"{PATH}/{project_id}", Project)
        page.remember_project(str(project_id))
        programme = Programme(
            kind="project", id=str(project_id), project_id=str(project_id)
        )
        context = {"project": got.data}
        return await show_dashboard(
            page, "projects/project.html", programme, choices, context
        )

    @page_route("/settings", scope="write")
    async def settings(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> Template:
        """Show the form that renames or describes the project."""
        return await _show_settings(page, project_id)

    @form_route("/settings", form=ProjectForm)
    async def change(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> PageResponse:
        """Rename or describe the project, unless another person changed it."""
        form = page.form(ProjectForm)
        path, body = f"{PATH}/{project_id}", PROJECT.read(asdict(form))
        try:
            await page.send("PATCH", path, Project, body, version=form.made_from)
        except ApiRefusedError as error:
            if error.code not in SHOWN_ERRORS:
                raise
            return await _show_settings(page, project_id, asdict(form), error=error)
        page.site.forget(page.principal.organization_id)
        page.flash("The project was saved.")
        return page.go_to(path)


async def _show_settings(
    page: PageContext,
    project_id: UUID,
    texts: Mapping[str, str] | None = None,
    *,
    error: ApiRefusedError | None = None,
) -> Template:
    project = (await page.get(f"{PATH}/{project_id}", Project)).data
    context = {
        "form": texts or PROJECT.texts(project),
        "has_conflict": error is not None and error.code is Code.VERSION_CONFLICT,
        "project": project,
    }
    return page.show("projects/settings.html", context, error=error)
