"""/settings: the shared tabs of its pages."""

from collections.abc import Mapping
from typing import Any

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template

from api.http.errors import ApiError
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext
from domain.events import Scope

# The scope that a tab needs; the last value is true for tabs of operators only.
_TABS: tuple[tuple[Scope, str, str, bool], ...] = (
    ("read", "/settings/organization", "Organization", False),
    ("read", "/projects", "Projects", False),
    ("admin", "/settings/keys", "API keys", False),
    ("admin", "/settings/sources", "Sources", True),
    ("read", "/settings/personal-data", "Personal data", False),
)


class SettingsPage(Controller):
    """The address of all settings."""

    path = "/settings"

    @page_route()
    async def settings(self, page: NamedDependency[PageContext]) -> Response[Any]:
        """Go to the first tab."""
        return page.go_to(settings_tabs(page)[0][0])


def settings_tabs(page: PageContext) -> list[tuple[str, str]]:
    """Return the path and the label of each tab that the key may see."""
    return [
        (path, label)
        for scope, path, label, is_of_operators in _TABS
        if page.may(scope) and (page.operates or not is_of_operators)
    ]


async def show_settings(
    page: PageContext,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    tab: str,
    error: ApiError | None = None,
    status: int = 200,
    is_secret: bool = False,
) -> Template:
    """Return a page under a tab; its template extends ``settings/layout.html``."""
    shared = {"tabs": settings_tabs(page), "tab": tab}
    return page.show(
        template,
        {**shared, **(context or {})},
        error=error,
        status=status,
        is_secret=is_secret,
    )
