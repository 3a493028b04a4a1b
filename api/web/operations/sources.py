"""/operations/sources: how the ways to look at TikTok do, and a check of one."""

from typing import Annotated, Any

from litestar import Controller
from litestar.di import NamedDependency
from litestar.response import Template
from msgspec import Struct

from api.http.errors import ApiError, Code
from api.http.form_body import typed
from api.routes.sources import ProviderState
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.scrape_labels import OUTCOMES
from api.web.operations.layout import show_operations
from workers.source_check import SourceCheck

PATH = "/operations/sources"

_NAMES = {
    "replay": ("Recording", "Plays a recording. TikTok is not asked."),
    "web": ("Public pages", "Reads TikTok's public pages, as a stranger would."),
    "research": ("Research API", "For researchers to whom TikTok gave access."),
    "scrapecreators": ("ScrapeCreators", "A paid service that reads TikTok for you."),
    "ensembledata": ("EnsembleData", "A paid service that reads TikTok for you."),
}


class SourceCheckForm(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to look at, and through which source."""

    tiktok_handle: Annotated[str, typed("Handle")] = ""
    provider: str = ""


class SourcePages(Controller):
    """The sources of what is scraped."""

    path = PATH

    @page_route(scope="admin", operator=True)
    async def sources(self, page: NamedDependency[PageContext]) -> Template:
        """Show how each source does, with the form for a check."""
        return await _show(page)

    @form_route(form=SourceCheckForm, scope="admin", operator=True)
    async def check(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Look at one creator once, and show each step."""
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
    got = await page.get("/sources", list[ProviderState])
    context: dict[str, Any] = {
        "check": check,
        "form": form,
        "names": _NAMES,
        "outcomes": {**OUTCOMES, "given_up": "given up without an answer"},
        "sources": got.data,
    }
    return await show_operations(
        page, "operations/sources.html", context, tab=PATH, error=error
    )
