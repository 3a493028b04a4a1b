"""A creator's scrapes: the list, and the form that requests one."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct
from msgspec.structs import replace

from api.routes.creators.schemas import QueuedScrape
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.scrape_labels import JOBS, TRIGGERS
from domain.summaries import OUTCOMES
from projections.creators.creator import Creator
from projections.scrape_runs.queries import Scrape
from projections.scrape_runs.source_requests import SourceRequests

# The labels that the macros of scrapes need.
SCRAPE_LABELS = {"jobs": JOBS, "outcomes": OUTCOMES}

# An import may have as many scrapes of a creator as it has days.
_PAGE_SIZES = (20, 100, 100)
_PER_PAGE = 50


class CreatorScrapeForm(Struct, frozen=True, forbid_unknown_fields=True):
    """The kind of scrape to request."""

    job_type: str = "creator_profiles"


class ScrapesPage(Controller):
    """A creator's scrapes."""

    path = "/creators/{creator_id:uuid}/scrapes"

    @page_route()
    async def scrapes(
        self,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
        cursor: FromQuery[str] = "",
    ) -> Template:
        """List a creator's scrapes, newest first."""
        creator = await get_creator(page, creator_id)
        return await _show(page, creator, cursor=cursor)

    @form_route(form=CreatorScrapeForm)
    async def scrape(
        self, page: NamedDependency[PageContext], creator_id: FromPath[UUID]
    ) -> PageResponse:
        """Request a scrape; the overview shows its progress."""
        body = {"job_type": page.form(CreatorScrapeForm).job_type}
        path = f"/creators/{creator_id}"
        try:
            await page.send("POST", f"{path}/scrape", QueuedScrape, body)
        except ApiRefusedError as error:
            creator = await get_creator(page, creator_id)
            return await _show(page, creator, error=error)
        return page.go_to(path)


async def latest_scrape(page: PageContext, creator_id: UUID) -> Scrape | None:
    """Return the newest scrape that was not imported.

    If all recent scrapes were imported, return the one with the latest observation.
    """
    path = f"/creators/{creator_id}/scrapes"
    scrapes: list[Scrape] = []
    cursor: str | None = None
    for limit in _PAGE_SIZES:
        got = await page.get(path, list[Scrape], limit=limit, cursor=cursor)
        scrapes += got.data
        cursor = got.meta["nextCursor"]
        if cursor is None or not all(map(_is_imported, got.data)):
            break
    return _latest(scrapes)


def _latest(scrapes: Sequence[Scrape]) -> Scrape | None:
    scraped = (scrape for scrape in scrapes if not _is_imported(scrape))
    return next(scraped, max(scrapes, key=_time_of, default=None))


def _is_imported(scrape: Scrape) -> bool:
    return scrape.trigger == "imported"


def _time_of(scrape: Scrape) -> datetime:
    return scrape.observed_at or scrape.requested_at


def _by_source(requests: Sequence[SourceRequests]) -> list[SourceRequests]:
    """Return the sums over all days, by source and currency."""
    sums: dict[tuple[str, str | None], SourceRequests] = {}
    for one in requests:
        key = (one.provider, one.currency)
        before = sums.get(key)
        sums[key] = (
            one
            if before is None
            else replace(
                before,
                requests=before.requests + one.requests,
                cost=None if one.cost is None else one.cost + (before.cost or 0),
            )
        )
    return list(sums.values())


async def _show(
    page: PageContext,
    creator: Creator,
    *,
    cursor: str = "",
    error: ApiRefusedError | None = None,
) -> Template:
    path = f"/creators/{creator.id}/scrapes"
    got, requests = await asyncio.gather(
        page.get(path, list[Scrape], limit=_PER_PAGE, cursor=cursor),
        page.get(f"/creators/{creator.id}/source-requests", list[SourceRequests]),
    )
    context = {
        **SCRAPE_LABELS,
        "requests": _by_source(requests.data),
        "more_url": got.next_url(path),
        "scrape": None if cursor else _latest(got.data),
        "scrapes": got.data,
        "triggers": TRIGGERS,
    }
    return show_creator(page, "creator/scrapes.html", creator, context, error=error)
