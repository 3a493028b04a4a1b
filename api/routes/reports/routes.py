"""/reports: what is sent each week or month, and its issues."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, LiteralString
from uuid import UUID

from litestar import Controller, delete, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, PathParameter, QueryParameter
from psycopg import Cursor
from psycopg.rows import TupleRow

from api.http.errors import ApiError, Code
from api.http.reading.paging import ListRequest, caught_up, found
from api.http.request import Request
from api.http.responses import Answer, ListPage
from api.http.routes import read_route, write_route
from api.http.writer import CommandWriter, Rows
from api.routes.reports.file import IssueFile, IssuePdf
from api.routes.reports.schemas import NewReport, ReportChange
from application.mail.recipients import ending_mails
from application.rendering.pdf import can_write_pdf, issue_pdf
from application.reports.preparing import PreparedIssue, owned_report, prepared_issue
from application.reports.waiting import IssueWaitsError
from domain import commands as c
from domain import events as e
from domain.errors import NotFoundError
from domain.messages import copied
from domain.report.handlers import change_report, make_report, send_report
from domain.report.issue import Issue
from domain.report.waiting import wait_of
from infra.eventstore.execute import Executed, InTransaction, execute
from infra.ids import new_id
from projections.engine.reader import PATIENCE_SECONDS, Reader
from projections.project_logos import logo_of_project
from projections.reports.projection import REPORTS, row_of_issue
from projections.reports.queries import (
    ListedIssue,
    ScheduledReport,
    one_issue,
    one_report,
    page_of_issues,
    page_of_reports,
    report_from_row,
)

READ_MODEL = "reports"
_READ_MODELS = (READ_MODEL, "creator_list", "videos", "projects", "campaigns")
_ZONE_AND_WAIT: LiteralString = """
SELECT o.time_zone, w.since, w.because FROM organizations o
LEFT JOIN report_waits w ON w.organization_id = o.organization_id AND w.report_id = %s
WHERE o.organization_id = %s
"""
# The creator of a report moved since it was made or switched on, from a project beyond
# these.
_CAME_LATER: LiteralString = """
SELECT EXISTS (
    SELECT FROM goatherd_events made JOIN goatherd_events moved
    ON moved.originator_id =
        (convert_from(made.state, 'UTF8')::jsonb -> 'scope' ->> 'id')::uuid
    WHERE made.originator_id = %(report)s AND made.topic = 'report_made'
    AND moved.topic = 'creator_moved'
    AND moved.notification_id > goatherd_report_begins(%(report)s)
    AND NOT (convert_from(moved.state, 'UTF8')::jsonb ->> 'old_project_id')::uuid
        = ANY(%(projects)s::uuid[]))
"""
_NumberOrId = Annotated[
    str, PathParameter(max_length=36, description="The number or the id of the issue.")
]
_MOST_DIGITS = 9
IssueFormat = Annotated[
    Literal["json", "csv", "pdf"],
    QueryParameter(
        name="format",
        description="The format: csv and pdf answer with a file. A PDF needs the extra "
        "pdf of Goatherd.",
    ),
]


class ReportRoutes(Controller):
    """The list of reports, one report, and its issues."""

    path = "/reports"
    tags = ("Reports",)
    entities: ClassVar = {"report": ScheduledReport}

    @read_route("/", "listReports")
    async def list_reports(
        self, request: Request, listing: NamedDependency[ListRequest]
    ) -> ListPage[ScheduledReport]:
        """List the reports, newest first.

        People who are limited to some projects see the reports about these projects,
        their campaigns and their creators.
        """
        await listing.caught_up(READ_MODEL, "api_keys")
        return await listing.page(
            "reports",
            lambda limit, after: page_of_reports(
                listing.reader,
                listing.organization_id,
                limit=limit,
                after=after,
                has_recipients=_has_recipients(request),
            ),
            key=lambda row: (row.created_at, row.id),
            after=tuple[datetime, UUID],
        )

    @read_route("/{report_id:uuid}", "getReport")
    async def get_report(
        self,
        request: Request,
        report_id: FromPath[UUID],
        reader: NamedDependency[Reader],
    ) -> Answer[ScheduledReport]:
        """Show one report."""
        await caught_up(request, reader, READ_MODEL, "api_keys")
        return found(
            "report",
            await one_report(
                reader,
                request.organization_id,
                report_id,
                has_recipients=_has_recipients(request),
            ),
        )

    @write_route(
        post,
        "/",
        "createReport",
        errors=[Code.LIMIT_REACHED, Code.NOT_FOUND],
        body_examples={
            "NewReport": {
                "name": "Monday",
                "period": "weekly",
                "weekday": "monday",
                "hour": 9,
                "recipients": ["ada@example.com"],
            }
        },
    )
    def create_report(
        self,
        request: Request,
        data: JSONBody[NewReport],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ScheduledReport]:
        """Make a report about the organization, a project, a campaign or a creator.

        A weekly one is made each `weekday` and is about the seven days before. A
        monthly one is made on the first day of a month and is about the month before.
        """
        command = copied(
            data,
            c.MakeReport,
            organization_id=request.organization_id,
            at=datetime.now(UTC),
        )
        report_id = new_id()
        return writer.perform(
            request,
            lambda: make_report(report_id, command),
            lambda rows, done: _answer(request, rows, done, status=201),
        )

    @write_route(
        patch,
        "/{report_id:uuid}",
        "changeReport",
        body_examples={"ReportChange": {"weekday": "friday", "hour": 16}},
    )
    def update_report(
        self,
        request: Request,
        report_id: FromPath[UUID],
        data: JSONBody[ReportChange],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ScheduledReport]:
        """Change a report; its issues stay as they are.

        With another time, or switched on again, it falls due from now on: what it
        missed before is not made up for. One that stopped because its creator moved
        goes on with ``enabled``, and belongs to the new project then.
        """
        command = copied(data, c.ChangeReport, at=datetime.now(UTC))
        return _changed(request, writer, report_id, command)

    @write_route(delete, "/{report_id:uuid}", "deleteReport")
    def delete_report(
        self,
        request: Request,
        report_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ScheduledReport]:
        """Delete a report; nobody sees it or its issues any more."""
        return _changed(request, writer, report_id, c.RemoveReport())

    @write_route(
        post,
        "/{report_id:uuid}/send",
        "sendReport",
        errors=[Code.LIMIT_REACHED, Code.PROJECTION_BEHIND, Code.REPORT_STOPPED],
        status=201,
    )
    def send_report(
        self,
        request: Request,
        report_id: FromPath[UUID],
        writer: NamedDependency[CommandWriter],
    ) -> Answer[ListedIssue]:
        """Make an issue now and send it to all recipients.

        It is about the newest week or month of the report that is over. Without a mail
        server it is made and not sent: `mailed` is 0. A report that was stopped is
        refused as `report_stopped` until somebody switches it on. While an import of
        its project runs, or observations are not counted yet, it is refused as
        `projection_behind`.
        """
        writer.require_visible(request, report_id, "report")
        _require_own(request, writer, report_id)
        prepared: PreparedIssue | None = None

        def run(hook: InTransaction[UUID] | None) -> Executed[UUID]:
            nonlocal prepared
            made = prepared = _prepared(request, writer, report_id)
            return execute(
                writer.store,
                lambda: send_report(
                    report_id,
                    made.command,
                    organization_id=request.organization_id,
                    version=made.version,
                    day=datetime.now(UTC).date(),
                ),
                context=writer.context(request),
                in_transaction=hook,
            )

        def within(cursor: Cursor[TupleRow], _: Executed[UUID]) -> None:
            assert prepared is not None
            prepared.send(cursor, writer.store)

        return writer.answer(request, run, _issued, in_transaction=within)

    @read_route("/{report_id:uuid}/issues", "listReportIssues")
    async def list_issues(
        self,
        report_id: FromPath[UUID],
        listing: NamedDependency[ListRequest],
    ) -> ListPage[ListedIssue]:
        """List the issues of a report, newest first."""
        await listing.caught_up(READ_MODEL, "api_keys")
        reader, organization_id = listing.reader, listing.organization_id
        known = await one_report(
            reader, organization_id, report_id, has_recipients=False
        )
        if known is None:
            raise NotFoundError("report")
        return await listing.page(
            "report issues",
            lambda limit, after: page_of_issues(
                reader, organization_id, report_id, limit=limit, before=after
            ),
            filters={"report": str(report_id)},
            key=lambda row: row.number,
            after=int,
        )

    @read_route(
        "/{report_id:uuid}/issues/{issue_id:str}",
        "getReportIssue",
        errors=[Code.PDF_NOT_INSTALLED],
        versioned=False,
    )
    async def get_issue(
        self,
        request: Request,
        report_id: FromPath[UUID],
        issue_id: _NumberOrId,
        reader: NamedDependency[Reader],
        format_: IssueFormat = "json",
    ) -> Answer[Issue]:
        """Show one issue; its numbers stay as they were when it was made.

        Names are the present ones, and null once the person was erased.
        """
        await caught_up(request, reader, *_READ_MODELS)
        known = await one_issue(
            reader, request.organization_id, report_id, number=_number_or_id(issue_id)
        )
        return await _shown(reader, request.organization_id, known, format_)

    @read_route(
        "/{report_id:uuid}/latest",
        "getLatestReportIssue",
        errors=[Code.PDF_NOT_INSTALLED],
        versioned=False,
    )
    async def get_latest_issue(
        self,
        request: Request,
        report_id: FromPath[UUID],
        reader: NamedDependency[Reader],
        format_: IssueFormat = "json",
    ) -> Answer[Issue]:
        """Show the newest issue, as `GET /reports/{id}/issues/{number}` does."""
        await caught_up(request, reader, *_READ_MODELS)
        issue = await one_issue(reader, request.organization_id, report_id)
        return await _shown(reader, request.organization_id, issue, format_)


async def _shown(
    reader: Reader, organization_id: UUID, issue: Issue | None, format_: str
) -> Answer[Issue]:
    if issue is None:
        raise NotFoundError("report_issue")
    if format_ == "csv":
        return IssueFile(issue)
    if format_ == "json":
        return Answer(issue)
    if not can_write_pdf():
        raise ApiError(Code.PDF_NOT_INSTALLED)
    logo = None
    if issue.project_id is not None:
        logo = await logo_of_project(reader, organization_id, issue.project_id)
    content = None if logo is None else logo.content
    return IssuePdf(issue, await asyncio.to_thread(issue_pdf, issue, logo=content))


def _number_or_id(text: str) -> int | UUID:
    """Return the number or the id of an issue.

    Raises:
        NotFoundError: the text is neither, so no issue has it.
    """
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    try:
        return UUID(text)
    except ValueError:
        raise NotFoundError("report_issue") from None


def _has_recipients(request: Request) -> bool:
    return "write" in request.principal.scopes


def _prepared(
    request: Request, writer: CommandWriter, report_id: UUID
) -> PreparedIssue:
    of = owned_report(
        writer.store,
        writer.plans,
        report_id,
        organization_id=request.organization_id,
    )
    if of.report.is_removed:
        raise NotFoundError("report")
    try:
        return prepared_issue(
            writer.store, of, due_at=None, is_mailed=True, patience=PATIENCE_SECONDS
        )
    except IssueWaitsError as error:
        headers = {"Retry-After": "15"}
        raise ApiError(Code.PROJECTION_BEHIND, str(error), headers=headers) from error


def _changed(
    request: Request,
    writer: CommandWriter,
    report_id: UUID,
    command: c.ReportCommand,
) -> Answer[ScheduledReport]:
    _require_own(request, writer, report_id)
    return writer.perform(
        request,
        lambda: change_report(
            report_id,
            command,
            organization_id=request.organization_id,
            expected_versions=writer.expected_versions(request),
        ),
        lambda rows, done: _answer(request, rows, done),
        in_transaction=ending_mails(writer.store),
    )


def _require_own(request: Request, writer: CommandWriter, report_id: UUID) -> None:
    """Refuse limited people a report that a creator left behind with its project.

    Raises:
        NotFoundError: reading does not show them the report either.
    """
    projects = request.principal.project_ids
    if projects is None:
        return
    params = {"report": report_id, "projects": [*projects]}
    with writer.store.pool.connection() as connection:
        row = connection.execute(_CAME_LATER, params).fetchone()
    if row is not None and row[0]:
        raise NotFoundError("report")


def _answer(
    request: Request, rows: Rows, done: Executed[UUID], *, status: int | None = None
) -> Answer[ScheduledReport]:
    row = REPORTS.after(done.history(done.result))
    assert row is not None
    of = (done.result, request.organization_id)
    zoned = rows.ask(lambda cursor: cursor.execute(_ZONE_AND_WAIT, of).fetchone())
    zone, since, because = zoned or ("UTC", None, None)
    report = report_from_row(
        row,
        time_zone=zone,
        has_recipients=True,
        waiting=wait_of(since, because),
    )
    return Answer(report, status=status, version=report.version)


def _issued(_: Rows, done: Executed[UUID]) -> Answer[ListedIssue]:
    for recorded in done.events:
        if isinstance(recorded.event, e.ReportIssued):
            row = row_of_issue(recorded, recorded.event)
            listed = copied(row, ListedIssue, from_=row.first_day, to=row.last_day)
            return Answer(listed, status=201)
    raise NotFoundError("report")
