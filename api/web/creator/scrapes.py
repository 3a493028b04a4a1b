"""A creator's scrapes on pages: asking for one, and what became of them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.request import Request
from api.routes.creator_schemas import QueuedScrape
from api.web.creator.layout import get_creator, show_creator
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from domain.messages import JobType, Outcome, Trigger
from projections.creators.queries import Creator
from projections.scrape_runs.queries import Scrape

JOBS: dict[JobType, str] = {
    "creator_profiles": "Profile",
    "video_stats": "Figures of videos",
    "discover_videos": "New videos",
}
OUTCOMES: dict[Outcome, str] = {
    "ok": "ended well",
    "not_found": "no such account was found",
    "private": "the account is private",
    "unavailable": "the account is not available",
    "blocked": "the look was blocked",
    "rate_limited": "TikTok asked for patience",
    "transient": "it failed for a passing reason",
    "schema_changed": "the answer had an unknown shape",
    "identity_changed": "another account has the handle now",
}
TRIGGERS: dict[Trigger, str] = {
    "added": "Added",
    "reactivated": "Brought back",
    "renamed": "Renamed",
    "reenabled": "Re-enabled",
    "manual": "By hand",
    "scheduled": "Scheduled",
    "imported": "Imported",
}
# What the templates of scrapes need.
SCRAPE_WORDS = {"jobs": JOBS, "outcomes": OUTCOMES}

# An import may have brought as many runs of a creator as there were days.
_PAGE_SIZES = (20, 100, 100)
_PER_PAGE = 50


class CreatorScrapeForm(Struct, frozen=True, forbid_unknown_fields=True):
    """What shall be looked at."""

    job_type: str = "creator_profiles"


class ScrapesPage(Controller):
    """A creator's scrapes."""

    path = "/creators/{creator_id:uuid}"

    @get("/scrapes", opt={"scope": "read", "page": True})
    async def scrapes(
        self,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
        cursor: FromQuery[str] = "",
    ) -> Template:
        """List a creator's scrapes, newest first."""
        creator = await get_creator(page, creator_id)
        return await _show(page, creator, cursor=cursor)

    @post("/scrapes", opt={"scope": "write", "page": True, "form": CreatorScrapeForm})
    async def scrape(
        self,
        request: Request,
        page: NamedDependency[PageContext],
        creator_id: FromPath[UUID],
    ) -> Template | Response[None]:
        """Ask for a scrape; what becomes of it is told on the overview."""
        form = request.form_as(CreatorScrapeForm)
        path = f"/creators/{creator_id}"
        try:
            await page.send(
                "POST", f"{path}/scrape", QueuedScrape, {"job_type": form.job_type}
            )
        except ApiRefusedError as error:
            creator = await get_creator(page, creator_id)
            return await _show(page, creator, refused=error)
        return page.go_to(path)


async def latest_scrape(page: PageContext, creator_id: UUID) -> Scrape | None:
    """Return the newest run, of those that were not only read from a recording.

    If all of many were, the one that tells of the latest moment.
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


async def _show(
    page: PageContext,
    creator: Creator,
    *,
    cursor: str = "",
    refused: ApiRefusedError | None = None,
) -> Template:
    got = await page.get(
        f"/creators/{creator.id}/scrapes",
        list[Scrape],
        limit=_PER_PAGE,
        cursor=cursor or None,
    )
    context = {
        **SCRAPE_WORDS,
        "next_cursor": got.meta["nextCursor"],
        "refused": refused,
        "scrape": None if cursor else _latest(got.data),
        "scrapes": got.data,
        "triggers": TRIGGERS,
    }
    status = 200 if refused is None else refused.status
    return show_creator(page, "creator/scrapes.html", creator, context, status=status)
