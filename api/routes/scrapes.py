"""/scrapes and /creators/{id}/scrape(s): requested scrapes and their state."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, ClassVar, get_args
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from api.http.errors import Code
from api.http.query import invalid_query
from api.http.reading.paging import ListRequest, caught_up
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.creators.responses import bulk_counts
from api.routes.creators.schemas import (
    QueuedScrape,
    RetriedScrape,
    RetriedScrapes,
    RetryItem,
    ScrapeRequest,
    ScrapeSelection,
)
from domain.decisions import ItemResults
from domain.errors import NotFoundError, QueueBehindError
from domain.scrape.handlers.retries import retry_scrape, retry_scrapes
from domain.scrape.handlers.scrapes import RequestedRun, request_scrape
from domain.streams import retry_stream
from infra.database import run_read
from infra.eventstore.execute import Executed
from projections.creators.queries import one_creator
from projections.engine.reader import Reader
from projections.scrape_runs.queries import (
    ListedStatus,
    Scrape,
    ScrapeCounts,
    count_runs,
    one_scrape,
    page_of_runs,
    page_of_scrapes,
)

_PROFILE = ScrapeRequest()
_STATUSES: tuple[ListedStatus, ...] = get_args(ListedStatus)
_OK, _ACCEPTED = 200, 202

_RETRY_SECONDS = 60

# Scheduled scrapes are left out, because they wait while manual ones are due.
_OLDEST = """
SELECT extract(epoch FROM statement_timestamp() - least(
    (SELECT min(due_at) FROM waiting_job
     WHERE organization_id = %(organization)s AND priority = 0),
    (SELECT min(due_at) FROM scrape_job
     WHERE state = 'ready' AND enqueued_at IS NOT NULL
     AND organization_id = %(organization)s AND priority = 0)))::float8
"""


class ScrapeRoutes(Controller):
    """The scrapes of the organization and of each creator."""

    tags = ("Scrapes",)
    entities: ClassVar = {"scrape": Scrape}

    @write_route(
        post,
        "/creators/{creator_id:uuid}/scrape",
        "scrapeCreator",
        errors=[
            *(Code.LIMIT_REACHED, Code.CREATOR_REMOVED, Code.PROJECT_ARCHIVED),
            Code.GONE,
        ],
        status=202,
    )
    def scrape_creator(
        self,
        request: Request,
        creator_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
        data: JSONBody[ScrapeRequest] = _PROFILE,
    ) -> Answer[QueuedScrape]:
        """Queue a manual scrape, which counts against the day's limit.

        While scrapes of the organization are overdue for too long, the answer is 429
        `rate_limit_exceeded`.
        """
        return writer.perform(
            request,
            lambda: request_scrape(
                creator_id,
                job_type=data.job_type,
                organization_id=request.organization_id,
                plans=writer.plans,
                now=datetime.now(UTC),
                command_id=request.command_id,
            ),
            lambda _, done: _queued(creator_id, done),
            check=lambda: check_queue_age(request, writer),
        )

    @read_route("/scrapes", "listScrapes")
    async def list_scrapes(
        self,
        listing: NamedDependency[ListRequest],
        status: Annotated[
            str,
            QueryParameter(
                description="One or more of queued, running, succeeded, failed and "
                "quarantined (which is a kind of failed), separated by "
                "commas, or all."
            ),
        ] = "all",
    ) -> ListPage[Scrape]:
        """List the organization's scrapes, newest first.

        Imported scrapes are left out, because they did not run here; the lists of their
        creators have them.
        """
        statuses = _statuses(status)
        await listing.caught_up("scrape_runs")
        return await listing.page(
            "runs",
            partial(page_of_runs, listing.reader, listing.organization_id, statuses),
            filters={"statuses": statuses},
            key=lambda row: (row.requested_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/scrapes/counts", "countScrapes")
    async def count_scrapes(
        self, request: Request, reader: NamedDependency[Reader]
    ) -> Answer[ScrapeCounts]:
        """Count scrapes that wait, run or failed recently, imported ones left out."""
        await caught_up(request, reader, "scrape_runs")
        return Answer(await count_runs(reader, request.organization_id))

    @write_route(
        post,
        "/scrapes/{scrape_id:uuid}/retry",
        "retryScrape",
        errors=[
            *(Code.LIMIT_REACHED, Code.CREATOR_REMOVED, Code.PROJECT_ARCHIVED),
            *(Code.CANNOT_RETRY, Code.GONE),
        ],
        status=202,
        responses={
            200: ResponseSpec(
                RetriedScrape, description="The scrape was retried before."
            )
        },
    )
    def retry_scrape(
        self,
        request: Request,
        scrape_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[RetriedScrape]:
        """Retry a failed scrape; the retry counts as a manual scrape of today.

        The failed scrape stays unchanged. The retry is a new scrape of the same kind,
        for the same creator or video with the present handle. A scrape is retried once:
        a second request is answered with the same retry, which is not counted again.
        While scrapes of the organization are overdue for too long, the answer is 429
        `rate_limit_exceeded`.
        """
        return writer.perform(
            request,
            lambda: retry_scrape(
                scrape_id,
                organization_id=request.organization_id,
                plans=writer.plans,
                now=datetime.now(UTC),
            ),
            lambda _, done: Answer(
                RetriedScrape(
                    scrape_id=done.result.scrape_id,
                    retried_id=scrape_id,
                    creator_id=done.result.creator_id,
                    job_type=done.result.job_type,
                ),
                status=_ACCEPTED if done.events else _OK,
            ),
            check=lambda: check_queue_age(request, writer),
        )

    @write_route(
        post,
        "/scrapes/bulk-retry",
        "retryScrapes",
        errors=[Code.LIMIT_REACHED],
        status=200,
    )
    def retry_scrapes(
        self,
        request: Request,
        data: JSONBody[ScrapeSelection],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[RetriedScrapes]:
        """Retry up to 100 failed scrapes; each counts as a manual scrape of today.

        If several have the same creator or video and kind, one of them is retried.
        Scrapes that were retried before are skipped. An invalid scrape fails alone; if
        the plan has no room for all retries, none is made.
        """
        return writer.perform(
            request,
            lambda: retry_scrapes(
                data.scrape_ids,
                organization_id=request.organization_id,
                plans=writer.plans,
                now=datetime.now(UTC),
            ),
            _retried,
            check=lambda: check_queue_age(request, writer),
        )

    @read_route("/scrapes/{scrape_id:uuid}", "getScrape", versioned=False)
    async def get_scrape(
        self,
        request: Request,
        scrape_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[Scrape]:
        """Show one scrape: its status, its result and what it recorded."""
        await caught_up(request, reader, "scrape_runs")
        scrape = await one_scrape(reader, request.organization_id, scrape_id)
        if scrape is None:
            raise NotFoundError("scrape")
        return Answer(scrape)

    @read_route("/creators/{creator_id:uuid}/scrapes", "listCreatorScrapes")
    async def list_creator_scrapes(
        self, creator_id: FromPath[UUID], listing: NamedDependency[ListRequest]
    ) -> ListPage[Scrape]:
        """List a creator's scrapes, newest first."""
        reader, organization_id = listing.reader, listing.organization_id
        await listing.caught_up("creator_list", "scrape_runs")
        if await one_creator(reader, organization_id, creator_id) is None:
            raise NotFoundError("creator")
        return await listing.page(
            "scrapes",
            partial(page_of_scrapes, reader, organization_id, creator_id),
            filters={"creator_id": creator_id},
            key=lambda row: (row.requested_at, row.id),
            after=tuple[datetime, UUID],
        )


def _statuses(text: str) -> tuple[ListedStatus, ...]:
    if text == "all":
        return _STATUSES[:-1]
    given = text.split(",")
    if len(set(given)) != len(given) or not set(given) <= set(_STATUSES):
        message = f"must be some of {', '.join(_STATUSES)}, each once, or all"
        raise invalid_query("status", message)
    statuses: list[ListedStatus] = [each for each in _STATUSES if each in given]
    # A quarantined scrape has failed, too, and must be listed once.
    if "failed" in statuses and "quarantined" in statuses:
        statuses.remove("quarantined")
    return tuple(statuses)


def _retried(rows: Rows, done: Executed[ItemResults]) -> Answer[RetriedScrapes]:
    del rows
    return Answer(
        RetriedScrapes(
            **bulk_counts(done.result),
            results=[
                RetryItem(
                    retried_id=result.id,
                    scrape_id=retry_stream(result.id)
                    if result.status == "ok"
                    else None,
                    status=result.status,
                    reason=result.reason,
                )
                for result in done.result
            ],
        ),
        status=_OK,
    )


def _queued(creator_id: UUID, done: Executed[RequestedRun]) -> Answer[QueuedScrape]:
    return Answer(
        QueuedScrape(
            scrape_id=done.result.scrape_id,
            creator_id=creator_id,
            job_type=done.result.job_type,
        ),
        status=202,
    )


def check_queue_age(request: Request, writer: CommandWriter) -> None:
    """Refuse a manual scrape while an earlier one is overdue for too long.

    Raises:
        QueueBehindError: a manual scrape of the organization is overdue for longer than
            ``max_queue_age_seconds``.
    """
    parameters = {"organization": request.organization_id}
    row = run_read(
        writer.store.pool,
        lambda connection: connection.execute(_OLDEST, parameters).fetchone(),
    )
    if row and row[0] is not None and row[0] > writer.max_queue_age_seconds:
        raise QueueBehindError(waiting_seconds=row[0], retry_after=_RETRY_SECONDS)
