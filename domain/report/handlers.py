"""The handlers that make, change, remove and issue reports."""

from collections.abc import Collection, Generator
from datetime import date
from typing import Any, Final
from uuid import UUID

import msgspec

from domain import commands as c
from domain.campaign.decider import campaign_of, living
from domain.creator.decider import creator_of
from domain.decisions import (
    Decision,
    Handler,
    Histories,
    QuotaCounter,
    check_version,
    on,
)
from domain.errors import NotFoundError, about_field
from domain.organization.decider import organization_of, project_owner
from domain.report.decider import decide, make, report_of
from domain.report.errors import InvalidReportError
from domain.report.issue import ReportScope
from domain.streams import reports_counter, sent_reports_counter

# Each report costs queries over all of its creators, so an organization has some.
MOST_REPORTS: Final = 100
# Each goes to up to fifty people, who asked for one a week.
MOST_SENT_A_DAY: Final = 50


def make_report(report_id: UUID, command: c.MakeReport) -> Handler[UUID]:
    """Make a report about a thing of the organization.

    Raises:
        NotFoundError: the organization has no such thing.
        InvalidReportError: a field is not possible.
    """
    organization_id = command.organization_id
    histories = yield (report_id, organization_id)
    if organization_of(histories[organization_id]) is None:
        raise NotFoundError("organization")
    if report_of(histories[report_id]) is not None:
        return Decision(report_id)
    events = on(report_id, make(command))
    with about_field("scope"):
        yield from _check_scope(command.scope, organization_id)
    # A creator that moves at this moment would leave the report behind.
    guards = (command.scope.id,) if command.scope.type == "creator" else ()
    counter = QuotaCounter(
        key=reports_counter(organization_id),
        delta=1,
        limit_key="max_reports_per_org",
        maximum=MOST_REPORTS,
    )
    return Decision(
        report_id,
        events=events,
        guards=[guard for guard in guards if guard],
        quota_counters=[counter],
    )


def send_report(
    report_id: UUID,
    command: c.IssueReport,
    *,
    organization_id: UUID,
    version: int,
    day: date,
) -> Handler[UUID]:
    """Make an issue for somebody who asked for it, on this UTC day.

    Raises:
        NotFoundError: the organization has no such report.
        StaleVersionError: the report has another version than this one.
        QuotaExceededError: too many were asked for on this day.
    """
    issued = yield from change_report(
        report_id, command, organization_id=organization_id, expected_versions={version}
    )
    counter = QuotaCounter(
        key=sent_reports_counter(organization_id, day),
        delta=1,
        limit_key="max_reports_sent_per_day",
        maximum=MOST_SENT_A_DAY,
    )
    return msgspec.structs.replace(issued, quota_counters=[counter])


def change_report(
    report_id: UUID,
    command: c.ReportCommand,
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Change, issue or remove a report of an organization.

    Raises:
        NotFoundError: the organization has no such report.
        InvalidReportError: a field is not possible.
        StaleVersionError: the report has another version.
    """
    histories = yield (report_id,)
    report = report_of(histories[report_id])
    if report is None or report.organization_id != organization_id:
        raise NotFoundError("report")
    check_version(report.version, expected_versions)
    events = on(report_id, decide(report, command))
    counter = QuotaCounter(key=reports_counter(organization_id), delta=-1)
    is_gone = bool(events) and isinstance(command, c.RemoveReport)
    return Decision(report_id, events=events, quota_counters=[counter] * is_gone)


def _check_scope(
    scope: ReportScope, organization_id: UUID
) -> Generator[Collection[UUID], Histories, Any]:
    """Refuse a scope that the organization does not have.

    Raises:
        NotFoundError: there is no such thing.
        InvalidReportError: the id is missing, or one too many.
    """
    of = scope.id
    if scope.type == "org":
        if of not in {None, organization_id}:
            raise NotFoundError("organization")
        return
    if of is None:
        raise InvalidReportError("scope", "must have an id")
    histories = yield (of, organization_id)
    match scope.type:
        case "project":
            project_owner(histories[organization_id], of)
        case "creator":
            creator = creator_of(histories[of])
            if creator is None or creator.organization_id != organization_id:
                raise NotFoundError("creator")
        case "campaign":
            campaign = living(campaign_of(histories[of]))
            if campaign.organization_id != organization_id:
                raise NotFoundError("campaign")
