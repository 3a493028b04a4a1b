"""/operations/jobs: scrapes that wait, go on and failed, and trying them again."""

from typing import Any, Literal
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.http.request import Request
from api.routes.creator_schemas import RetriedScrape
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from api.web.operations.layout import show_operations
from projections.scrape_runs.queries import Scrape, ScrapeCounts

PATH = "/operations/jobs"

JobFilter = Literal["open", "failed", "quarantined", "done"]

_STATUSES: dict[JobFilter, str] = {
    "open": "queued,running",
    "failed": "failed",
    "quarantined": "quarantined",
    "done": "succeeded",
}
_LABELS: dict[JobFilter, str] = {
    "open": "Waiting and running",
    "failed": "Failed",
    "quarantined": "Quarantined",
    "done": "Succeeded",
}
KINDS = {
    "creator_profiles": "Profile",
    "discover_videos": "New videos",
    "video_stats": "Figures of videos",
}
OUTCOMES = {
    "ok": "It went well.",
    "not_found": "There is no such account.",
    "private": "The account is private.",
    "unavailable": "The account is not available.",
    "blocked": "TikTok turned us away.",
    "rate_limited": "We were asked to slow down.",
    "transient": "The answer did not come, or broke off.",
    "schema_changed": "The answer was not one that this release can read.",
    "identity_changed": "Another account has the handle now.",
}
_PER_PAGE = 50
_RETRIED = 202


class RetryForm(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the button was pressed."""

    show: str = "failed"


class JobPages(Controller):
    """The organization's scrapes."""

    path = PATH

    @get("/", opt={"scope": "read", "page": True})
    async def jobs(
        self,
        page: NamedDependency[PageContext],
        show: FromQuery[JobFilter] = "open",
        cursor: FromQuery[str | None] = None,
    ) -> Template:
        """Show the scrapes of one sort, newest first."""
        return await _page(page, show, cursor or None)

    @post(
        "/{scrape_id:uuid}/retry",
        opt={"scope": "write", "page": True, "form": RetryForm},
    )
    async def retry(
        self,
        request: Request,
        page: NamedDependency[PageContext],
        scrape_id: FromPath[UUID],
    ) -> Response[Any]:
        """Ask for a failed scrape once more."""
        sent = request.form_as(RetryForm).show
        show: JobFilter = "quarantined" if sent == "quarantined" else "failed"
        try:
            got = await page.send("POST", f"/scrapes/{scrape_id}/retry", RetriedScrape)
        except ApiRefusedError as error:
            return await _page(page, show, None, error=error)
        page.flash(
            "A new scrape of the same kind was asked for."
            if got.status == _RETRIED
            else "This one was tried again before: the scrape that did so is listed."
        )
        return page.go_to(f"{PATH}?show={show}")


async def _page(
    page: PageContext,
    show: JobFilter,
    cursor: str | None,
    *,
    error: ApiRefusedError | None = None,
) -> Any:  # noqa: ANN401 - a Template, where the caller may answer anything
    got = await page.get(
        "/scrapes",
        list[Scrape],
        status=_STATUSES[show],
        limit=_PER_PAGE,
        cursor=cursor,
    )
    counts = await page.get("/scrapes/counts", ScrapeCounts)
    following = got.meta["nextCursor"]
    more = f"{PATH}?show={show}&cursor={following}" if following else None
    return await show_operations(
        page,
        "operations/jobs.html",
        {
            "counts": counts.data,
            "error": error,
            "is_first": cursor is None,
            "kinds": KINDS,
            "labels": _LABELS,
            "more_url": more,
            "outcomes": OUTCOMES,
            "scrapes": got.data,
            "show": show,
        },
        tab=PATH,
        status=200 if error is None else error.status,
    )
