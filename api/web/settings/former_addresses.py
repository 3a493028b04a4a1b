"""/operations: the former addresses of settings and of the system, which redirect."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext

_PERMANENTLY = 301
_PLACES = {
    "/operations": "/settings",
    "/operations/organization": "/settings/organization",
    "/operations/keys": "/settings/keys",
    "/operations/sources": "/settings/sources",
    "/operations/projects": "/projects",
    "/operations/jobs": "/system/jobs",
    "/operations/bans": "/system/bans",
    "/operations/integrity": "/system/integrity",
    "/operations/projections": "/system/read-models",
}


class FormerAddresses(Controller):
    """The former addresses of pages."""

    @page_route([*_PLACES])
    async def place(self, page: NamedDependency[PageContext]) -> Response[Any]:
        """Go to the page that has the subject now."""
        return _moved(page, _PLACES[page.request.scope["path"].rstrip("/")])

    @page_route("/operations/projects/{project_id:uuid}")
    async def project(
        self, page: NamedDependency[PageContext], project_id: FromPath[UUID]
    ) -> Response[Any]:
        """Go to the settings of a project."""
        return _moved(page, f"/projects/{project_id}/settings")

    @page_route("/operations/projections/{name:str}")
    async def read_model(
        self, page: NamedDependency[PageContext], name: FromPath[str]
    ) -> Response[Any]:
        """Go to the page of a read model."""
        return _moved(page, f"/system/read-models/{quote(name, safe='')}")


def _moved(page: PageContext, path: str) -> Response[Any]:
    query = page.request.scope["query_string"].decode("latin-1")
    return Redirect(f"{path}?{query}" if query else path, status_code=_PERMANENTLY)
