"""/projects/{id}: the dashboard of a project, and the form that changes it."""

from collections.abc import Mapping
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec.structs import asdict

from api.http.error_codes import Code
from api.web.dashboard.dashboard import Programme
from api.web.dashboard.page import show_dashboard
from api.web.dashboard.query import DashboardQuery
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.projects.forms import (
    MOST_FORM_BYTES,
    PROJECT,
    SHOWN_ERRORS,
    SHOWN_ERRORS_OF_LOGOS,
    LogoForm,
    ProjectForm,
)
from api.web.projects.list import PATH
from domain.organization.logo import logo_of
from projections.projects import Project


class ProjectPages(Controller):
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
        """Show the form of the project's name, texts and logo."""
        return await _show_settings(page, project_id)

    @form_route("/settings", form=ProjectForm)
    async def change(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> PageResponse:
        """Change the project's texts, unless another person changed them."""
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

    @form_route("/settings/logo", form=LogoForm, most_bytes=MOST_FORM_BYTES)
    async def set_logo(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> PageResponse:
        """Print another logo on the project's reports."""
        path = f"{PATH}/{project_id}"
        content = page.form(LogoForm).logo
        try:
            await page.send("PUT", f"{path}/logo", Project, content)
        except ApiRefusedError as error:
            if error.code not in SHOWN_ERRORS_OF_LOGOS:
                raise
            return await _show_settings(page, project_id, error=error)
        return _logo_changed(page, path, "The logo was saved.")

    @form_route("/settings/logo/remove")
    async def remove_logo(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> PageResponse:
        """Print no logo on the project's reports any more."""
        path = f"{PATH}/{project_id}"
        await page.send("DELETE", f"{path}/logo", Project)
        return _logo_changed(page, path, "The logo was removed.")

    @form_route("/settings/archive")
    async def archive(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> PageResponse:
        """Let the project rest, and leave it out of lists."""
        path = f"{PATH}/{project_id}"
        try:
            got = await page.send("DELETE", path, Project)
        except ApiRefusedError as error:
            if error.code is not Code.LAST_PROJECT:
                raise
            return await _show_settings(page, project_id, error=error)
        page.site.forget(page.principal.organization_id)
        page.flash(f"The project {got.data.name} was archived.")
        return page.go_to(PATH)

    @form_route("/settings/restore")
    async def restore(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> PageResponse:
        """Let an archived project go on."""
        path = f"{PATH}/{project_id}"
        try:
            got = await page.send("POST", f"{path}/restore", Project)
        except ApiRefusedError as error:
            if error.code is not Code.LIMIT_REACHED:
                raise
            return await _show_settings(page, project_id, error=error)
        page.site.forget(page.principal.organization_id)
        page.flash(f"The project {got.data.name} goes on.")
        return page.go_to(path)

    @page_route("/logo")
    async def logo(
        self,
        page: NamedDependency[PageContext],
        project_id: FromPath[UUID],
        v: FromQuery[str] = "",
    ) -> Response[bytes]:
        """Show the logo, and let browsers keep it if the address has its digest.

        An older page may ask for a digest that the logo has no more.
        """
        got = await page.get_raw(f"{PATH}/{project_id}/logo")
        is_present = v == logo_of(got.body).tag
        return Response(
            got.body,
            media_type=got.headers["content-type"],
            headers={
                "Cache-Control": "private, max-age=86400" if is_present else "no-store",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            },
        )


def _logo_changed(page: PageContext, path: str, message: str) -> PageResponse:
    page.site.forget(page.principal.organization_id)
    page.flash(message)
    return page.go_to(f"{path}/settings")


async def _show_settings(
    page: PageContext,
    project_id: UUID,
    texts: Mapping[str, str] | None = None,
    *,
    error: ApiRefusedError | None = None,
) -> Template:
    project = (await page.get(f"{PATH}/{project_id}", Project)).data
    is_of_logo = error is not None and error.code in SHOWN_ERRORS_OF_LOGOS
    context = {
        "form": texts or PROJECT.texts(project),
        "has_conflict": error is not None and error.code is Code.VERSION_CONFLICT,
        "is_of_logo": is_of_logo,
        "project": project,
    }
    return page.show("projects/settings.html", context, error=error)
