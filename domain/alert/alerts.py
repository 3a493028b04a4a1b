"""Alerts: the state of one, and the events that commands cause.

An alert is one stretch of time in which the condition of a rule holds for a subject.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.alert import commands as c
from domain.alert import events as e
from domain.alert.conditions import AlertSubjectType, Condition, severity_of
from domain.alert.errors import AlertOverError
from domain.decisions import state_after
from domain.errors import CorruptHistoryError, NotFoundError
from domain.messages import Event, Severity, copied

AlertStatus = Literal["pending", "firing", "resolved", "ok"]
# A subject is "ok" again if its alert ended before it fired.
ENDED = ("resolved", "ok")


class AlertState(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    rule_id: UUID
    condition: Condition
    subject_type: AlertSubjectType
    subject_key: str
    creator_id: UUID | None = None
    project_id: UUID | None = None
    severity: Severity
    since: datetime
    status: AlertStatus = "pending"
    is_acknowledged: bool = False
    snoozed_until: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.status in ENDED


def decide(alert: AlertState | None, command: c.AlertCommand) -> list[e.AlertEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    Raises:
        NotFoundError: there is no such alert.
        AlertOverError: the alert is resolved, and can't be cared for any more.
    """
    if isinstance(command, c.ReportCondition):
        return _reported(alert, command)
    if alert is None:
        raise NotFoundError("alert")
    of = alert.organization_id
    if isinstance(command, c.ResolveAlert):
        if alert.is_over:
            return []
        return [
            copied(
                alert,
                e.AlertResolved,
                at=command.now,
                has_fired=alert.status == "firing",
                end=command.end,
            )
        ]
    if alert.is_over:
        raise AlertOverError
    match command:
        case c.AcknowledgeAlert():
            if alert.is_acknowledged:
                return []
            return [e.AlertAcknowledged(organization_id=of)]
        case c.SnoozeAlert():
            if alert.snoozed_until == command.until:
                return []
            return [e.AlertSnoozed(organization_id=of, until=command.until)]
        case _:
            assert_never(command)


def _reported(
    alert: AlertState | None, command: c.ReportCondition
) -> list[e.AlertEvent]:
    severity = severity_of(command.condition, command.evidence.value)
    if alert is None or alert.status == "pending":
        since = command.since if alert is None else min(alert.since, command.since)
        is_due = command.now >= since + timedelta(minutes=command.for_minutes)
        if is_due:
            return [copied(command, e.AlertOpened, severity=severity, since=since)]
        if alert is not None:
            return []
        return [copied(command, e.AlertPending, severity=severity)]
    if alert.is_over or severity == alert.severity:
        return []
    return [
        e.AlertSeverityChanged(
            organization_id=alert.organization_id,
            creator_id=alert.creator_id,
            old=alert.severity,
            new=severity,
            evidence=command.evidence,
        )
    ]


def evolve(alert: AlertState | None, event: e.AlertEvent) -> AlertState:
    """Return the alert after ``event``; it never refuses."""
    match event:
        case e.AlertPending():
            return copied(event, AlertState)
        case e.AlertOpened():
            return copied(event, AlertState, status="firing")
        case _ if alert is None:
            msg = "An alert's history must begin with alert_pending or alert_opened."
            raise CorruptHistoryError(msg)
        case e.AlertSeverityChanged(new=new):
            return replace(alert, severity=new)
        case e.AlertAcknowledged():
            return replace(alert, is_acknowledged=True)
        case e.AlertSnoozed(until=until):
            return replace(alert, snoozed_until=until)
        case e.AlertResolved(has_fired=has_fired, at=at):
            status: AlertStatus = "resolved" if has_fired else "ok"
            return replace(alert, status=status, ended_at=at)
        case _:
            assert_never(event)


def alert_of(history: Sequence[Event]) -> AlertState | None:
    """Return the alert of this history, None if the history is not an alert's."""
    return state_after(history, e.AlertEvent, evolve)
