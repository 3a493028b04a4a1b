"""/system: the shared parts of its pages: health and tabs."""

from collections.abc import Mapping
from typing import Any

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.http.error_codes import Code
from api.http.errors import ApiError
from api.system.health import Readiness
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext, Tabs

_TABS: Tabs = (
    ("read", "/system/jobs", "Jobs", False),
    ("admin", "/system/read-models", "Read models", True),
    ("admin", "/system/log", "Log", True),
    ("admin", "/system/integrity", "Integrity", True),
    ("admin", "/system/bans", "Bans", True),
)
_NAMES = {
    "database": "The database",
    "event_log": "The log",
    "projections": "The projections",
    "redis": "Redis",
    "dead_letters": "A projection",
    "schedule": "The schedule",
    "source": "The source",
    "creators": "Creators",
}
_TO_DO = {
    "database": "Start PostgreSQL, or read its log.",
    "event_log": "Read the log of the server, and run goatherd doctor.",
    "projections": "Start goatherd project and goatherd dispatch, or read their logs "
    "for what stops them.",
    "redis": (
        "Start Redis or Valkey. Nothing is lost: scrapes continue when it is back."
    ),
    "dead_letters": "Upgrade Goatherd, then apply the event again on the projection's "
    "page.",
    "schedule": "Start goatherd dispatch, or read its log for what stops it.",
    "source": "Read the advice, and check the source step by step:",
    "creators": "Read the reasons, and scrape them now:",
}
_LINKS = {
    "source": ("/settings/sources", "Sources"),
    "creators": ("/creators?status=failing", "Failing creators"),
}


class HealthProblem(Struct, frozen=True, kw_only=True):
    """A failed check or a warning of /health/ready, and the advice.

    ``link`` is the address and the name of the page for the advice, if there is one.
    """

    name: str
    reason: str
    to_do: str
    is_grave: bool
    link: tuple[str, str] | None


class SystemPage(Controller):
    """The address of all pages of the system."""

    path = "/system"

    @page_route()
    async def system(self, page: NamedDependency[PageContext]) -> Response[Any]:
        """Go to the first tab."""
        return page.go_to(page.tabs(_TABS)[0][0])


async def show_system(
    page: PageContext,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    tab: str,
    error: ApiError | None = None,
    status: int = 200,
) -> Template:
    """Return a page under a tab; its template extends ``system/layout.html``."""
    shared = {
        "health_problems": await _health_problems(page) if page.operates else [],
        "tabs": page.tabs(_TABS),
        "tab": tab,
    }
    return page.show(
        template, {**shared, **(context or {})}, error=error, status=status
    )


async def _health_problems(page: PageContext) -> list[HealthProblem]:
    try:
        got = await page.get("/health/ready", Readiness)
    except ApiRefusedError as error:
        if error.code is not Code.UNAVAILABLE:
            raise
        reasons, warnings = error.meta["reasons"], error.meta["warnings"]
    else:
        reasons, warnings = {}, got.data.warnings
    return [
        HealthProblem(
            name=_NAMES.get(name, name),
            reason=reason,
            to_do=_TO_DO.get(name, "Read the log of the server."),
            is_grave=found is reasons,
            link=_LINKS.get(name),
        )
        for found in (reasons, warnings)
        for name, reason in found.items()
    ]
