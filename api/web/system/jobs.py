"""/system/jobs: waiting, running and past scrapes, and retries of failed ones."""

from typing import Literal
from uuid import UUID

from litestar import Controller
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template
from msgspec import Struct

from api.routes.creators.schemas import RetriedScrape, RetriedScrapes
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.handlers import form_route, page_route
from api.web.kit.page import PageContext, PageResponse
from api.web.kit.scrape_labels import JOBS
from api.web.system.layout import show_system
from domain.summaries import OUTCOMES
from projections.scrape_runs.queries import Scrape, ScrapeCounts

PATH = "/system/jobs"

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
    "done": "OK",
}
_PER_PAGE = 50
_RETRIED = 202


class RetryForm(Struct, frozen=True, forbid_unknown_fields=True):
    """``show`` names the list in which the button was pressed."""

    show: str = "failed"


class BulkRetryForm(Struct, frozen=True, forbid_unknown_fields=True):
    """The scrapes that the list ``show`` had."""

    scrape_ids: list[str] = []
    show: str = "failed"


class JobPages(Controller):
    """The organization's scrapes."""

    path = PATH

    @page_route()
    async def jobs(
        self,
        page: NamedDependency[PageContext],
        show: FromQuery[JobFilter] = "open",
        cursor: FromQuery[str] = "",
    ) -> Template:
        """List the scrapes with some statuses, newest first."""
        return await _show(page, show, cursor=cursor)

    @form_route("/{scrape_id:uuid}/retry", form=RetryForm)
    async def retry(
        self, page: NamedDependency[PageContext], scrape_id: FromPath[UUID]
    ) -> PageResponse:
        was_quarantined = page.form(RetryForm).show == "quarantined"
        show: JobFilter = "quarantined" if was_quarantined else "failed"
        try:
            got = await page.send("POST", f"/scrapes/{scrape_id}/retry", RetriedScrape)
        except ApiRefusedError as error:
            return await _show(page, show, error=error)
        page.flash(
            "A new scrape of the same kind was requested."
            if got.status == _RETRIED
            else "This scrape was retried before; the list has the new one."
        )
        return page.go_to(f"{PATH}?show={show}")

    @form_route("/retry", form=BulkRetryForm)
    async def retry_all(self, page: NamedDependency[PageContext]) -> PageResponse:
        """Retry all failed scrapes of a list."""
        form = page.form(BulkRetryForm)
        show: JobFilter = "quarantined" if form.show == "quarantined" else "failed"
        body = {"scrape_ids": form.scrape_ids}
        try:
            got = await page.send("POST", "/scrapes/bulk-retry", RetriedScrapes, body)
        except ApiRefusedError as error:
            return await _show(page, show, error=error)
        done = got.data
        left = done.skipped_count + done.failed_count
        new = "1 scrape was" if done.ok_count == 1 else f"{done.ok_count} scrapes were"
        others = (
            f" {left} need none: another does the same, it was tried again before, or "
            "its creator is not tracked any more."
            if left
            else ""
        )
        page.flash(f"{new} asked for.{others}")
        return page.go_to(f"{PATH}?show={show}")


async def _show(
    page: PageContext,
    show: JobFilter,
    *,
    cursor: str = "",
    error: ApiRefusedError | None = None,
) -> Template:
    got = await page.get(
        "/scrapes",
        list[Scrape],
        status=_STATUSES[show],
        limit=_PER_PAGE,
        cursor=cursor,
    )
    counts = await page.get("/scrapes/counts", ScrapeCounts)
    context = {
        "counts": counts.data,
        "is_first": not cursor,
        "jobs": JOBS,
        "labels": _LABELS,
        "more_url": got.next_url(PATH, show=show),
        "outcomes": OUTCOMES,
        "scrapes": got.data,
        "show": show,
    }
    return await show_system(page, "system/jobs.html", context, tab=PATH, error=error)
