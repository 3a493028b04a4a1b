"""/operations/projects: the former address of projects, which redirects to them."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext


class FormerProjectPages(Controller):
    """The former addresses of projects."""

    path = "/operations/projects"

    @page_route()
    async def projects(self, page: NamedDependency[PageContext]) -> Response[Any]:
        """Go to the projects."""
        return page.go_to("/projects")

    @page_route("/{project_id:uuid}", scope="write")
    async def project(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> Response[Any]:
        """Go to the settings of a project."""
        return page.go_to(f"/projects/{project_id}/settings")
