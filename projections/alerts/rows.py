"""The rows of alert rules and alerts, and the folds that make them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.alert.alerts import AlertStatus
from domain.alert.built_in import built_in_rules, condition_of_today
from domain.alert.conditions import AlertSubjectType, ScopeType
from domain.alert.rules import DETAILS, TEXTS
from domain.messages import Event, ImportOutcome, Severity, copied
from domain.texts import texts_after
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import Folds
from projections.engine.thing_table import ThingRow, ThingTable


class AlertRuleRow(ThingRow, frozen=True, kw_only=True, gc=False):
    """A rule; a removed one keeps no name."""

    built_in: str | None = None
    name: str
    scope_type: ScopeType
    scope_id: UUID | None
    condition: dict[str, Any]
    for_minutes: int
    cool_down_minutes: int
    channels: Sequence[str]
    enabled: bool
    removed_at: datetime | None = None


class AlertRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An alert, from its first event to its end."""

    organization_id: UUID
    id: UUID
    rule_id: UUID
    condition: dict[str, Any]
    subject_type: AlertSubjectType
    subject_key: str
    creator_id: UUID | None
    project_id: UUID | None
    severity: Severity
    status: AlertStatus
    since: datetime
    noted_at: datetime
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    snoozed_until: datetime | None = None
    evidence: dict[str, Any]
    position: int
    version: int


class ImportRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The end of an import of a recording."""

    organization_id: UUID
    id: UUID
    project_id: UUID
    outcome: ImportOutcome
    at: datetime
    position: int


on_alert = Folds[[AlertRow | None, RecordedEvent], AlertRow | None]()


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a rule as columns."""
    columns = dict(fields)
    scope: e.AlertScope | None = columns.pop("scope", None)
    if scope is not None:
        columns |= {"scope_type": scope.type, "scope_id": scope.id}
    if "condition" in columns:
        columns["condition"] = msgspec.to_builtins(columns["condition"])
    return columns


class _RuleRows(ThingTable[AlertRuleRow]):
    def first(
        self, event: Event, recorded: RecordedEvent, **more: object
    ) -> AlertRuleRow:
        assert isinstance(event, e.AlertRuleMade)
        condition = msgspec.to_builtins(condition_of_today(event))
        return super().first(event, recorded, condition=condition, **more)


RULES = _RuleRows(
    AlertRuleRow,
    table="alert_rules",
    made=e.AlertRuleMade,
    changed=e.AlertRuleChanged,
    ended=e.AlertRuleRemoved,
    details=DETAILS,
    blank={"name": "", "enabled": False},
    texts=(e.EarlierTextsForgotten, lambda event: texts_after(event, TEXTS)),
    columns=_plain,
)


def built_in_rows(organization_id: UUID, created_at: datetime) -> list[AlertRuleRow]:
    """Return the rules that come with Goatherd, before anybody changed them."""
    return [
        copied(
            rule,
            AlertRuleRow,
            id=rule_id,
            version=0,
            created_at=created_at,
            updated_at=created_at,
            **_plain({name: getattr(rule, name) for name in DETAILS}),
        )
        for rule_id, rule in built_in_rules(organization_id).items()
    ]


@on_alert(e.AlertPending, e.AlertOpened)
def _holds(
    event: e.AlertPending | e.AlertOpened,
    row: AlertRow | None,
    recorded: RecordedEvent,
) -> AlertRow | None:
    if row is not None and recorded.version <= row.version:
        return row
    is_open = isinstance(event, e.AlertOpened)
    return copied(
        event,
        AlertRow,
        id=recorded.stream,
        condition=msgspec.to_builtins(event.condition),
        evidence=msgspec.to_builtins(event.evidence),
        status="firing" if is_open else "pending",
        noted_at=recorded.recorded_at if row is None else row.noted_at,
        opened_at=recorded.recorded_at if is_open else None,
        position=recorded.position,
        version=recorded.version,
    )


@on_alert(e.AlertSeverityChanged, e.AlertAcknowledged, e.AlertSnoozed, e.AlertResolved)
def _goes_on(
    event: e.AlertEvent, row: AlertRow | None, recorded: RecordedEvent
) -> AlertRow | None:
    if row is None or recorded.version <= row.version:
        return row
    changed: dict[str, Any] = {}
    match event:
        case e.AlertSeverityChanged():
            changed = {
                "severity": event.new,
                "evidence": msgspec.to_builtins(event.evidence),
            }
        case e.AlertAcknowledged():
            changed = {
                "acknowledged_at": recorded.recorded_at,
                "acknowledged_by": recorded.actor,
            }
        case e.AlertSnoozed():
            changed = {"snoozed_until": event.until}
        case e.AlertResolved():
            status = "resolved" if event.has_fired else "ok"
            changed = {"status": status, "ended_at": event.at}
        case _:
            pass
    return replace(row, version=recorded.version, position=recorded.position, **changed)


def fold_import(row: ImportRow | None, recorded: RecordedEvent) -> ImportRow | None:
    event = recorded.event
    if row is not None or not isinstance(event, e.ImportFinished):
        return row
    return copied(
        event,
        ImportRow,
        id=recorded.stream,
        at=recorded.recorded_at,
        position=recorded.position,
    )


def fold_alert(row: AlertRow | None, recorded: RecordedEvent) -> AlertRow | None:
    return on_alert.fold(recorded.event, row, recorded)


def alert_row_of(history: Sequence[RecordedEvent]) -> AlertRow | None:
    """Return the alert after its history."""
    row = None
    for recorded in history:
        row = fold_alert(row, recorded)
    return row
