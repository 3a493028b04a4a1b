"""reports and report_issues: one row for each report, and one for each issue."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied, set_fields
from domain.report.decider import CHANGED, texts_of, without
from domain.report.issue import ReportScopeType
from domain.report.schedule import IssuedPeriods
from domain.report.waiting import WaitReason
from domain.streams import report_issue
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds
from projections.engine.table import Table

_NO_TEXTS: Final[Mapping[str, Any]] = {
    "name": "",
    "recipients": (),
    "unsubscribed": (),
}


class ReportRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A report; a removed one keeps no text."""

    organization_id: UUID
    id: UUID
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
    version: int
    created_at: datetime
    updated_at: datetime
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


on = Folds[[ReportRow | None, RecordedEvent], ReportRow | None]()


@on(e.ReportMade)
def _made(
    event: e.ReportMade, row: ReportRow | None, recorded: RecordedEvent
) -> ReportRow | None:
    return row or copied(
        event,
        ReportRow,
        id=recorded.stream,
        scope_type=event.scope.type,
        scope_id=event.scope.id,
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )


@on(e.ReportChanged)
def _changed(
    event: e.ReportChanged, row: ReportRow | None, recorded: RecordedEvent
) -> ReportRow | None:
    return _later(row, recorded, set_fields(event, CHANGED))


@on(e.ReportIssued)
def _issued(
    event: e.ReportIssued, row: ReportRow | None, recorded: RecordedEvent
) -> ReportRow | None:
    due: dict[str, Any] = {}
    if row is not None and event.due_at is not None:
        issued = issued_periods(row).after(event.period, event.last_day)
        due = {"last_due_at": event.due_at, **asdict(issued)}
    return _later(row, recorded, {"issues": event.number, **due})


def issued_periods(row: ReportRow) -> IssuedPeriods:
    """Return the periods that had an issue which fell due."""
    return copied(row, IssuedPeriods)


@on(e.RecipientUnsubscribed)
def _unsubscribed(
    event: e.RecipientUnsubscribed, row: ReportRow | None, recorded: RecordedEvent
) -> ReportRow | None:
    return row and _later(row, recorded, without(event.address, row))


@on(e.EarlierTextsForgotten)
def _earlier_texts_forgotten(
    event: e.EarlierTextsForgotten, row: ReportRow | None, recorded: RecordedEvent
) -> ReportRow | None:
    return _later(row, recorded, texts_of(event))


@on(e.ReportRemoved)
def _removed(
    event: e.ReportRemoved,  # noqa: ARG001 - the type chooses the fold
    row: ReportRow | None,
    recorded: RecordedEvent,
) -> ReportRow | None:
    return _later(row, recorded, {**_NO_TEXTS, "removed_at": recorded.recorded_at})


def _later(
    row: ReportRow | None, recorded: RecordedEvent, changed: Mapping[str, Any]
) -> ReportRow | None:
    if row is None or recorded.version <= row.version:
        return row
    return replace(
        row, version=recorded.version, updated_at=recorded.recorded_at, **changed
    )


def fold_report(row: ReportRow | None, recorded: RecordedEvent) -> ReportRow | None:
    return on.fold(recorded.event, row, recorded)


def row_of_report(history: Sequence[RecordedEvent]) -> ReportRow | None:
    """Return the report after its history; a removed one is as it was last."""
    row = None
    for recorded in history:
        after = fold_report(row, recorded)
        if row is not None and after is not None and after.removed_at is not None:
            at = {"updated_at": after.updated_at, "removed_at": after.removed_at}
            after = replace(row, version=after.version, **at)
        row = after
    return row


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
        _REPORTS.fold(cursor, events, key=_key, fold=fold_report)
        _ISSUES.save(
            cursor,
            [
                row_of_issue(recorded, recorded.event)
                for recorded in events
                if isinstance(recorded.event, e.ReportIssued)
            ],
        )


_REPORTS = Table(ReportRow, name="reports")
_ISSUES = Table(IssueRow, name="report_issues")


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    event: Any = recorded.event
    return event.organization_id, recorded.stream
