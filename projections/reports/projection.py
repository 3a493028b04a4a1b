"""reports and report_issues: one row for each report, and one for each issue."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied
from domain.report.decider import CHANGED, texts_of, without
from domain.report.issue import ReportScopeType
from domain.report.schedule import IssuedPeriods
from domain.report.waiting import WaitReason
from domain.streams import report_issue
from infra.eventstore.store import RecordedEvent
from projections.engine.table import Table
from projections.engine.thing_table import ThingRow, ThingTable


class ReportRow(ThingRow, frozen=True, kw_only=True, gc=False):
    """A report; a removed one keeps no text."""

    scope_type: ReportScopeType
    scope_id: UUID | None
    name: str
    period: e.ReportPeriod
    weekday: e.Weekday
    hour: int
    recipients: Sequence[str]
    unsubscribed: Sequence[str] = ()
    sections: Sequence[e.SectionName]
    enabled: bool
    scheduled_from: datetime
    last_due_at: datetime | None = None
    weeks_until: date | None = None
    months_until: date | None = None
    stopped_because: e.StopReason | None = None
    issues: int = 0
    removed_at: datetime | None = None


class IssueRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An issue of a report."""

    organization_id: UUID
    id: UUID
    report_id: UUID
    scope_type: ReportScopeType
    scope_id: UUID | None
    number: int
    period: e.ReportPeriod
    first_day: date
    last_day: date
    compare_first_day: date | None
    compare_last_day: date | None
    time_zone: str
    position: int
    due_at: datetime | None
    made_at: datetime
    sections: Sequence[e.SectionName]
    contents: dict[str, Any]
    color: str | None
    incomplete_because: WaitReason | None = None
    mailed: int


def _with_scope(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    if "scope" not in fields:
        return fields
    scope = fields["scope"]
    return {**fields, "scope_type": scope.type, "scope_id": scope.id}


REPORTS = ThingTable(
    ReportRow,
    table="reports",
    made=e.ReportMade,
    changed=e.ReportChanged,
    ended=e.ReportRemoved,
    details=CHANGED,
    blank={"name": "", "recipients": (), "unsubscribed": ()},
    texts=(e.EarlierTextsForgotten, texts_of),
    columns=_with_scope,
)
on = REPORTS.on


@on(e.ReportIssued)
def _issued(
    event: e.ReportIssued, row: ReportRow | None, recorded: RecordedEvent
) -> ReportRow | None:
    due: dict[str, Any] = {}
    if row is not None and event.due_at is not None:
        issued = issued_periods(row).after(event.period, event.last_day)
        due = {"last_due_at": event.due_at, **asdict(issued)}
    return REPORTS.later(row, recorded, {"issues": event.number, **due})


def issued_periods(row: ReportRow) -> IssuedPeriods:
    """Return the periods that had an issue which fell due."""
    return copied(row, IssuedPeriods)


@on(e.RecipientUnsubscribed)
def _unsubscribed(
    event: e.RecipientUnsubscribed, row: ReportRow | None, recorded: RecordedEvent
) -> ReportRow | None:
    return row and REPORTS.later(row, recorded, without(event.address, row))


def row_of_issue(recorded: RecordedEvent, event: e.ReportIssued) -> IssueRow:
    """Return the row of an issue from its event."""
    return copied(
        event,
        IssueRow,
        id=report_issue(recorded.stream, event.number),
        report_id=recorded.stream,
        scope_type=event.scope.type,
        scope_id=event.scope.id,
        made_at=recorded.recorded_at,
        contents=msgspec.to_builtins(event.contents),
    )


class Reports:
    """Keeps the tables reports and report_issues."""

    name = "reports"
    version = 2
    tables = ("reports", "report_issues")
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their reports' rows, and save new issues."""
        REPORTS.write(cursor, events)
        _ISSUES.save(
            cursor,
            [
                row_of_issue(recorded, recorded.event)
                for recorded in events
                if isinstance(recorded.event, e.ReportIssued)
            ],
        )


_ISSUES = Table(IssueRow, name="report_issues")
