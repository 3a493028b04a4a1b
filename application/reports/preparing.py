"""An issue before it is in the log: its numbers, and the mails that tell of it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.mail.outbox import can_send_mail, send_mail
from application.mail.recipients import mails_subject
from application.mail.server import Mail
from application.rendering.mail import IssueMails
from application.reports.recipients import unsubscribe_url
from application.reports.waiting import IssueWaitsError, counted
from application.shares.issue_links import (
    KEPT_FOR,
    IssueLink,
    add_issue_link,
    draw_token,
)
from application.shares.links import path_of
from domain import commands as c
from domain import events as e
from domain.analytics.buckets import Range
from domain.campaign.decider import campaign_of
from domain.creator.decider import creator_of
from domain.errors import NotFoundError
from domain.messages import copied
from domain.organization.decider import OrganizationState, organization_of
from domain.organization.plans import Limits
from domain.report.contents import Contents
from domain.report.decider import ReportState, report_of
from domain.report.issue import Issue
from infra.database import PROCESS_NAME
from infra.eventstore.store import BusyError, RecordedEvent, Store, plain_events
from projections.analytics.read.explanations.basis import basis_of_now
from projections.analytics.summaries.scope import known_scope
from projections.engine.reader import Reader
from projections.engine.snapshot_reader import snapshot
from projections.project_logos import logo_of_project
from projections.reports.contents import ReportDays, contents_of
from projections.reports.projection import row_of_issue
from projections.reports.queries import color_of_project, issue_of

# A mail that no server takes for so long is out of date.
_KEPT_FOR: Final = timedelta(days=3)
_STATEMENT_MS: Final = 60_000
_ERASED_SINCE: LiteralString = """
SELECT EXISTS (
    SELECT FROM goatherd_events WHERE notification_id > %s AND topic = 'subject_erased')
"""


_IN_ARCHIVED_PROJECT = b"""
SELECT FROM analytics_subjects s
JOIN projects p ON p.organization_id = s.organization_id
    AND p.id = coalesce(s.project_id, s.id)
WHERE s.organization_id = %(organization)s AND s.id = %(scope)s
AND p.archived_at IS NOT NULL
"""


class OwnedReport(Struct, frozen=True, kw_only=True):
    """A report with what its organization decides: the time zone and the plan.

    ``project_ids`` are the projects of what the report is about.
    """

    id: UUID
    report: ReportState
    project_ids: Sequence[UUID]
    time_zone: str
    limits: Limits


class PreparedIssue(Struct, frozen=True, kw_only=True):
    """An issue to be made, if the report still has this version, and its mails.

    ``mails`` are for the recipients that the report has in this version. They have the
    names of creators at the position ``head`` or later.
    """

    version: int
    head: int
    organization_id: UUID
    command: c.IssueReport
    mails: Sequence[tuple[IssueLink, Mail]]

    def send(self, cursor: Cursor[TupleRow], store: Store) -> None:
        """Let the mails be sent after the transaction that appends the issue.

        Raises:
            BusyError: a creator was erased meanwhile, whom the mails may name.
        """
        row = cursor.execute(_ERASED_SINCE, (self.head,)).fetchone()
        if self.mails and row is not None and row[0]:
            raise BusyError("A creator was erased meanwhile. Try again.")
        for link, mail in self.mails:
            add_issue_link(cursor, link)
            send_mail(
                cursor,
                store,
                mail,
                subject=link.recipient,
                creators_of=self.organization_id,
                kept_for=_KEPT_FOR,
            )


def owned_report(
    store: Store,
    plans: Mapping[str, Limits],
    report_id: UUID,
    *,
    organization_id: UUID | None = None,
) -> OwnedReport:
    """Return a report of any organization, or of this one, from the log.

    Raises:
        NotFoundError: there is no such report.
    """
    report = report_of(plain_events(store.load(report_id)[report_id]))
    if report is None or organization_id not in {None, report.organization_id}:
        raise NotFoundError("report")
    of = report.organization_id
    organization = organization_of(plain_events(store.load(of)[of]))
    if organization is None:
        raise NotFoundError("organization")
    return OwnedReport(
        id=report_id,
        report=report,
        project_ids=_projects_of(store, report, organization),
        time_zone=organization.time_zone,
        limits=plans[organization.plan],
    )


def _projects_of(
    store: Store, report: ReportState, organization: OrganizationState
) -> Sequence[UUID]:
    of = report.scope.id
    if report.scope.type == "org" or of is None:
        return [*organization.projects]
    if report.scope.type == "project":
        return [of]
    history = plain_events(store.load(of)[of])
    is_creator = report.scope.type == "creator"
    thing = creator_of(history) if is_creator else campaign_of(history)
    return [] if thing is None else [thing.project_id]


def prepared_issue(
    store: Store,
    of: OwnedReport,
    *,
    due_at: datetime | None,
    is_mailed: bool,
    patience: float,
    even_incomplete: bool = False,
) -> PreparedIssue:
    """Return the issue that falls due at a time, or that somebody asks for now.

    The numbers are read in one snapshot, which knows everything that was observed
    before. An issue that is made ``even_incomplete`` says what may be lacking.

    Raises:
        NotFoundError: the thing that the report is about is gone, or the issue falls
            due while its project is archived.
        IssueWaitsError: something is not counted within ``patience`` seconds.
    """
    reached = counted(
        store, of.report.organization_id, of.project_ids, patience=patience
    )
    lacking = reached.lacking
    if lacking is not None and not even_incomplete:
        raise IssueWaitsError(lacking)
    now = datetime.now(UTC)
    report, zone = of.report, ZoneInfo(of.time_zone)
    first, last = report.schedule(of.time_zone).days_at(due_at or now)
    days = Range(first=first, last=last, granularity="day", zone=zone)
    # A whole month before is one bucket, and days are compared with days.
    before = replace(days.before(), granularity="day")
    before = _shown(before, of.limits, now=now)
    recipients = report.recipients if is_mailed and can_send_mail(store) else ()

    async def read() -> tuple[c.IssueReport, IssueMails | None]:
        async with snapshot(
            str(store.pool.conninfo),
            "analytics",
            application_name=PROCESS_NAME,
            statement_ms=_STATEMENT_MS,
            codec=store.codec,
        ) as (reader, _):
            if not await _is_there(reader, report):
                raise NotFoundError(report.scope.type)
            if due_at is not None and await _rests(reader, report):
                raise NotFoundError("project")
            command = c.IssueReport(
                period=report.period,
                first_day=first,
                last_day=last,
                compare_first_day=before and before.first,
                compare_last_day=before and before.last,
                time_zone=of.time_zone,
                position=(await basis_of_now(reader, report.organization_id)).position,
                due_at=due_at,
                sections=report.sections,
                contents=await _contents(
                    reader, report, ReportDays(days=days, before=before), now=now
                ),
                color=await color_of_project(
                    reader, report.organization_id, report.scope
                ),
                incomplete_because=lacking,
                mailed=len(recipients),
            )
            if not recipients:
                return command, None
            issue = await _issue(reader, of, command, now=now)
            logo = issue.logo and await logo_of_project(
                reader, report.organization_id, issue.project_id or of.id
            )
            return command, IssueMails.of(issue, logo=logo and logo.content)

    command, drawn = asyncio.run(read())
    mails: list[tuple[IssueLink, Mail]] = []
    if drawn is not None:
        for address in recipients:
            link = IssueLink(
                token=draw_token(),
                organization_id=report.organization_id,
                project_id=None if report.scope.type == "org" else of.project_ids[0],
                report_id=of.id,
                number=report.issues + 1,
                recipient=mails_subject(store.names, of.id, address),
                until=now + KEPT_FOR,
            )
            mail = drawn.to(
                address,
                page_url=f"{store.settings.own_url}{path_of(link.token)}",
                page_until=link.until.astimezone(zone).date(),
                unsubscribe_url=unsubscribe_url(store, of.id, address),
            )
            mails.append((link, mail))
    return PreparedIssue(
        version=report.version,
        head=reached.position,
        organization_id=report.organization_id,
        command=command,
        mails=mails,
    )


async def _is_there(reader: Reader, report: ReportState) -> bool:
    scope = report.scope
    if scope.type == "org" or scope.id is None:
        return True
    found, _ = await known_scope(reader, report.organization_id, scope.type, scope.id)
    return found


async def _rests(reader: Reader, report: ReportState) -> bool:
    """Return whether the project of the thing is archived."""
    params = {"organization": report.organization_id, "scope": report.scope.id}
    rows = await reader.rows(report.organization_id, _IN_ARCHIVED_PROJECT, params)
    return bool(rows)


async def _contents(
    reader: Reader, report: ReportState, days: ReportDays, *, now: datetime
) -> Contents:
    return await contents_of(
        reader,
        report.organization_id,
        report.scope,
        days,
        sections=report.sections,
        now=now,
    )


async def _issue(
    reader: Reader, of: OwnedReport, command: c.IssueReport, *, now: datetime
) -> Issue:
    """Return the issue as it will be read, once the log has it."""
    event = copied(
        command,
        e.ReportIssued,
        organization_id=of.report.organization_id,
        scope=of.report.scope,
        number=of.report.issues + 1,
    )
    recorded = RecordedEvent(
        stream=of.id,
        version=of.report.version + 1,
        position=command.position,
        event=event,
        recorded_at=now,
        actor="",
    )
    return await issue_of(reader, row_of_issue(recorded, event), name=of.report.name)


def _shown(days: Range, limits: Limits, *, now: datetime) -> Range | None:
    """Return the days unless the plan does not show them any more."""
    retention = limits.stats_history_retention_days
    if retention is None:
        return days
    earliest = now.astimezone(days.zone).date() - timedelta(days=retention)
    return None if days.first < earliest else days
