"""/system/integrity: signed roots, and checks of the log."""

from typing import Any

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template

from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.system.layout import show_system
from application.integrity.requested_check import LogCheck
from domain.integrity.roots import SignedRoot

PATH = "/system/integrity"

_SHOWN_ROOTS = 10
_SHOWN_MISFITS = 20


class IntegrityPages(Controller):
    """The integrity of the whole installation's log."""

    path = PATH

    @page_route(scope="admin", operator=True)
    async def integrity(self, page: NamedDependency[PageContext]) -> Template:
        """Show the newest roots, and the newest check of the log."""
        roots = await page.get("/admin/roots", list[SignedRoot])
        check = await page.get("/admin/log-check", LogCheck)
        context: dict[str, Any] = {
            "roots": roots.data[:_SHOWN_ROOTS],
            "check": check.data,
            "most": _SHOWN_MISFITS,
        }
        return await show_system(page, "system/integrity.html", context, tab=PATH)

    @form_route("/roots", scope="admin", operator=True)
    async def sign(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Sign a root of the present log."""
        got = await page.send("POST", "/admin/roots", SignedRoot)
        page.flash(f"A root at position {got.data.position:,} was signed.")
        return page.go_to(PATH)

    @form_route("/check", scope="admin", operator=True)
    async def check(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Request a check of the log."""
        await page.send("POST", "/admin/log-check", LogCheck)
        page.flash("A check of the log was requested.")
        return page.go_to(PATH)
