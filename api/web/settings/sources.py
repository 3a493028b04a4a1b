"""/settings/sources: the state of the sources, and a check of one."""

import asyncio
from typing import Annotated, Any

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.http.bodies.form_body import typed
from api.http.errors import ApiError, Code
from api.routes.sources import ProviderState
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.settings.layout import ADMIN, show_settings
from domain.scrape.costs import is_nearly_spent
from domain.summaries import OUTCOMES
from projections.scrape_runs.source_requests import OrganizationRequests
from workers.sources.check import SourceCheck
from workers.sources.table import PROVIDERS

PATH = "/settings/sources"


class SourceCheckForm(Struct, frozen=True, forbid_unknown_fields=True):
    """The creator to scrape, and the source."""

    tiktok_handle: Annotated[str, typed("Handle")] = ""
    provider: str = ""


class SourcePages(Controller):
    """The sources of scrapes."""

    path = PATH

    @page_route(**ADMIN, operator=True)
    async def sources(self, page: NamedDependency[PageContext]) -> Template:
        """Show the state of each source, with the form for a check."""
        return await _show(page)

    @form_route(form=SourceCheckForm, **ADMIN, operator=True)
    async def check(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Scrape one creator once, and show each step."""
        form = page.form(SourceCheckForm)
        try:
            got = await page.get(
                "/sources/check",
                SourceCheck,
                tiktok_handle=form.tiktok_handle.strip(),
                provider=form.provider or None,
            )
        except ApiError as error:
            if error.code is not Code.INVALID_QUERY:
                raise
            return await _show(page, form=form, error=error)
        return await _show(page, form=form, check=got.data)


_EMPTY = SourceCheckForm()


async def _show(
    page: PageContext,
    *,
    form: SourceCheckForm = _EMPTY,
    check: SourceCheck | None = None,
    error: ApiError | None = None,
) -> Template:
    got, requests = await asyncio.gather(
        page.get("/sources", list[ProviderState]),
        page.get("/sources/requests", list[OrganizationRequests]),
    )
    context: dict[str, Any] = {
        "check": check,
        "form": form,
        # Browsers use https to reach an installation where accounts can be connected.
        "callback": page.site.callback
        or f"https://{page.request.url.netloc}/connect/callback",
        "guides": {name: row.guide for name, row in PROVIDERS.items()},
        "nearly_spent": [
            source.provider
            for source in got.data
            if is_nearly_spent(source.requests_today, source.daily_budget)
        ],
        "requests": requests.data,
        "outcomes": {**OUTCOMES, "given_up": "given up without an answer"},
        "sources": got.data,
    }
    return await show_settings(
        page, "settings/sources.html", context, tab=PATH, error=error
    )
