"""``goatherd reports``: reports are listed, made, switched and sent."""

from datetime import UTC, datetime
from typing import Annotated, Any, LiteralString
from uuid import UUID

from cyclopts import Parameter
from msgspec import Struct

from api.cli import CommandError
from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import cli_context, fitting, opened_store, rows_of
from api.cli.kit.names import (
    ChosenOrganizationOption,
    OnlyOrganizationOption,
    chosen_organization,
    organization_named,
)
from api.cli.kit.options import DataDir, Ids, Json, read_settings, settings_for_links
from api.cli.kit.output import print_json, print_list
from application.mail.outbox import can_send_mail
from application.reports.preparing import owned_report, prepared_issue
from application.reports.waiting import IssueWaitsError
from domain import commands as c
from domain import events as e
from domain.errors import DomainError, NotFoundError
from domain.report.contents import SECTIONS, SectionName
from domain.report.decider import LAST_HOUR
from domain.report.events import Weekday
from domain.report.handlers import change_report, make_report
from domain.report.issue import ReportPeriod, ReportScope, ReportScopeType
from infra.eventstore.execute import execute
from infra.ids import new_id
from projections.reports.queries import ListedIssue

_PATIENCE_SECONDS = 30.0
_LIST: LiteralString = """
SELECT id, organization_id AS org_id, name, scope_type AS scope, scope_id, period,
       weekday, hour, cardinality(recipients) AS recipients, enabled,
       stopped_because, issues
FROM reports WHERE removed_at IS NULL
AND (%(organization)s::uuid IS NULL OR organization_id = %(organization)s)
ORDER BY organization_id, created_at DESC, id
"""
_ISSUES: LiteralString = """
SELECT i.id, report_id, number, i.period, first_day AS from_, last_day AS to,
       position, due_at, made_at, mailed
FROM report_issues i JOIN reports r ON r.id = i.report_id AND r.removed_at IS NULL
WHERE report_id = %(report)s ORDER BY number DESC LIMIT %(limit)s
"""

ReportId = Annotated[
    UUID,
    Parameter(help="The id of the report: `goatherd reports list --ids` shows it."),
]


class _Listed(Struct, frozen=True, kw_only=True):
    """A report as the list has it."""

    id: UUID
    org_id: UUID
    name: str
    scope: str
    scope_id: UUID | None
    period: str
    weekday: str
    hour: int
    recipients: int
    enabled: bool
    stopped_because: str | None
    issues: int


def list_reports(
    *,
    org: OnlyOrganizationOption = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List reports, and how many recipients and issues each has."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        wait_until_caught_up(connection, "reports", what="this list is")
        org_id = None if org is None else organization_named(connection, org)
        found = rows_of(connection, _Listed, _LIST, {"organization": org_id})
    print_list(
        found,
        "name scope made recipients issues state",
        ids="id scope_id" if ids else "",
        json=json,
        made=_times,
        state=_state,
    )


def _state(report: _Listed) -> str:
    if report.stopped_because == "creator_moved":
        return "stopped: its creator moved"
    return "on" if report.enabled else "off"


def create(
    name: Annotated[str, Parameter(help="The name, such as Monday.")],
    /,
    *,
    about: Annotated[
        ReportScopeType, Parameter(help="org, project, campaign or creator.")
    ] = "org",
    about_id: Annotated[
        UUID | None, Parameter(help="The id of that project, campaign or creator.")
    ] = None,
    period: Annotated[ReportPeriod, Parameter(help="weekly or monthly.")] = "weekly",
    weekday: Annotated[
        Weekday, Parameter(help="The day of a weekly report.")
    ] = "monday",
    hour: Annotated[
        int,
        Parameter(help=f"The hour in the organization's time zone, 0 to {LAST_HOUR}."),
    ] = 9,
    recipient: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            help="An address that gets each issue by mail; the option can be repeated.",
        ),
    ] = (),
    section: Annotated[
        tuple[SectionName, ...],
        Parameter(
            negative=(),
            help="A section of each issue, by default all; the option can be repeated.",
        ),
    ] = (),
    org: ChosenOrganizationOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Make a report about an organization, a project, a campaign or a creator."""
    settings = read_settings(data_dir=data_dir)
    report_id = new_id()
    with fitting(settings) as connection:
        organization_id = chosen_organization(connection, org)
    command = c.MakeReport(
        organization_id=organization_id,
        scope=ReportScope(type=about, id=about_id),
        name=name,
        period=period,
        weekday=weekday,
        hour=hour,
        recipients=recipient,
        sections=section or SECTIONS,
        at=datetime.now(UTC),
    )
    with opened_store(settings) as store:
        try:
            execute(
                store, lambda: make_report(report_id, command), context=cli_context()
            )
        except DomainError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
    if json:
        print_json({"id": report_id, "org_id": organization_id, "name": name})
        return
    print(f"Report  {report_id}")


def send(
    report_id: ReportId, /, *, data_dir: DataDir = None, json: Json = False
) -> None:
    """Make an issue now, and send it to all recipients.

    It is about the newest week or month of the report that is over.
    """
    settings = settings_for_links(data_dir)
    with opened_store(settings) as store:
        try:
            of = owned_report(store, settings.all_plans, report_id)
            if of.report.is_removed:
                raise NotFoundError("report")
            prepared = prepared_issue(
                store, of, due_at=None, is_mailed=True, patience=_PATIENCE_SECONDS
            )
            done = execute(
                store,
                lambda: change_report(
                    report_id,
                    prepared.command,
                    organization_id=of.report.organization_id,
                    expected_versions={prepared.version},
                ),
                context=cli_context(),
                in_transaction=lambda cursor, _: prepared.send(cursor, store),
            )
        except (DomainError, IssueWaitsError) as error:
            raise CommandError(f"{error} Nothing was sent.") from error
        has_server = can_send_mail(store)
    event: Any = done.events[0].event
    assert isinstance(event, e.ReportIssued)
    if json:
        print_json(
            {
                "report_id": report_id,
                "number": event.number,
                "from": event.first_day,
                "to": event.last_day,
                "position": event.position,
                "mailed": event.mailed,
            }
        )
        return
    print(f"Issue {event.number}: {event.first_day} to {event.last_day}")
    print(f"Page  {settings.own_url}/reports/{report_id}/issues/{event.number}")
    if event.mailed or not of.report.recipients:
        print(f"Sent to {event.mailed}")
    elif not has_server:
        print("Nothing was sent: there is no mail server. Set GOATHERD_SMTP_URL.")


def change(
    report_id: ReportId,
    /,
    *,
    enabled: Annotated[
        bool,
        Parameter(
            negative="--disabled",
            help="Switch the report on or off. One that stopped because its creator "
            "moved belongs to the creator's new project once it is on.",
        ),
    ],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Switch a report on or off.

    One that is switched on again does not make up for what it missed.
    """
    settings = read_settings(data_dir=data_dir)
    command = c.ChangeReport(at=datetime.now(UTC), enabled=enabled)
    with opened_store(settings) as store:
        try:
            of = owned_report(store, settings.all_plans, report_id)
            execute(
                store,
                lambda: change_report(
                    report_id, command, organization_id=of.report.organization_id
                ),
                context=cli_context(),
            )
        except DomainError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
    if json:
        print_json({"id": report_id, "enabled": enabled})
        return
    print(f"Switched {'on' if enabled else 'off'}  {report_id}")


def issues(
    report_id: ReportId,
    /,
    *,
    limit: Annotated[int, Parameter(help="The number of issues at most.")] = 20,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List the issues of a report, newest first."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        wait_until_caught_up(connection, "reports", what="this list is")
        params = {"report": report_id, "limit": limit}
        found = rows_of(connection, ListedIssue, _ISSUES, params)
    print_list(
        found,
        "number from=from_ to position made=made_at mailed",
        json=json,
    )


def _times(report: _Listed) -> str:
    day = report.weekday if report.period == "weekly" else "each 1st of the month"
    return f"{day} {report.hour:02}:00"
