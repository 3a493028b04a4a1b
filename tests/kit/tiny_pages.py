"""A page of the tests' own in the real application, with every feature of a page."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.request import Request
from api.web.kit.page import PageContext
from projections.projects import Project


class Everything(Struct, frozen=True, forbid_unknown_fields=True):
    """One field of each kind."""

    text: str
    note: str = ""
    many: list[str] = []
    ticked: bool = False


class Naming(Struct, frozen=True, forbid_unknown_fields=True):
    """A project to make, and its description."""

    name: Annotated[str, typed("Name")]
    notice: Annotated[str, typed("Notice")] = ""


class TinyPage(Controller):
    """The projects there are; as tests are not shown much they are in the heading."""

    path = "/tiny"

    @get("/", opt={"scope": "read", "page": True})
    async def look(self, page: NamedDependency[PageContext]) -> Template:
        got = await page.get("/projects", list[Project])
        return show(page, " | ".join(project.name for project in got.data))

    @get("/asking", opt={"scope": "read", "page": True})
    async def ask(
        self,
        page: NamedDependency[PageContext],
        path: Annotated[str, QueryParameter(name="path")],
    ) -> Template:
        await page.get_raw(path)
        return show(page, "That worked.")

    @post("/", opt={"scope": "write", "page": True, "form": Naming})
    async def make(
        self, request: Request, page: NamedDependency[PageContext]
    ) -> Response[Any]:
        form = request.form_as(Naming)
        await page.send("POST", "/projects", Project, {"name": form.name})
        if form.notice:
            page.flash(form.notice)
        return page.go_to("/tiny")

    @post("/echo", opt={"scope": "read", "page": True, "form": Everything})
    async def echo(self, request: Request) -> Response[bytes]:
        body = msgspec.json.encode(request.form_as(Everything))
        return Response(body, media_type="application/json", status_code=200)


def show(page: PageContext, heading: str) -> Template:
    """Return a page with this text, in an existing template."""
    said = {
        "elsewhere": [],
        "headline": heading,
        "hint": "",
        "request_id": "",
        "status": 200,
        "form": None,
    }
    return page.show("failure.html", said)
