"""/settings: the shared tabs of its pages."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.response import Template

from api.http.errors import ApiError
from api.web.kit.handlers import page_route
from api.web.kit.page import PageContext, Tabs

# Options of routes for admins of the whole organization, and of their dangerous forms.
ADMIN: Final[dict[str, Any]] = {"scope": "admin", "whole_organization": True}
PROVED: Final[dict[str, Any]] = {**ADMIN, "recent_proof": True}

SETTINGS_TABS: Final[Tabs] = (
    ("read", "/settings/organization", "Organization", False),
    ("read", "/projects", "Projects", False),
    ("admin", "/members", "Members", False),
    ("admin", "/settings/keys", "API keys", False),
    ("admin", "/settings/webhooks", "Webhooks", False),
    ("admin", "/settings/channels", "Channels", False),
    ("admin", "/settings/sources", "Sources", True),
    ("write", "/settings/shares", "Shared links", False),
    ("read", "/settings/personal-data", "Personal data", False),
    ("admin", "/audit", "Audit", False),
)


class SettingsPage(Controller):
    """The address of all settings."""

    path = "/settings"

    @page_route()
    async def settings(self, page: NamedDependency[PageContext]) -> Response[Any]:
        """Go to the first tab."""
        return page.go_to(page.tabs(SETTINGS_TABS)[0][0])


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
    shared = {"tabs": page.tabs(SETTINGS_TABS), "tab": tab}
    return page.show(
        template,
        {**shared, **(context or {})},
        error=error,
        status=status,
        is_secret=is_secret,
    )
