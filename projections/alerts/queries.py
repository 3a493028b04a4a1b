"""Alerts and their rules as clients read them, and the queries of both."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.alert.alerts import AlertStatus
from domain.alert.conditions import AlertSubject, Condition, words_of
from domain.alert.events import AlertEvidence, AlertScope
from domain.messages import Severity
from projections.alerts.rows import AlertRow, AlertRuleRow
from projections.engine.reader import Reader, newest_first


class AlertRule(Struct, frozen=True, kw_only=True):
    """A rule that watches creators, or the organization itself.

    An alert fires when the condition holds for `for_minutes`, and not within
    `cool_down_minutes` after the last alert about the same thing. `words` is the
    condition in words. A rule that `is_built_in` comes with Goatherd, and can be
    changed and removed like any other.
    """

    id: UUID
    org_id: UUID
    name: str
    scope: AlertScope
    condition: Condition
    words: str
    for_minutes: int
    cool_down_minutes: int
    channels: list[str]
    enabled: bool
    is_built_in: bool
    version: int
    created_at: datetime
    updated_at: datetime


class Alert(Struct, frozen=True, kw_only=True):
    """A stretch of time in which the condition of a rule holds for one thing.

    It is `pending` until the condition has held for the rule's minutes, then `firing`,
    and `resolved` when the condition no longer holds; `ok` if that was before it fired.
    The condition holds since `since`, and the alert fired at `opened_at`. `position` is
    that of its last event.
    """

    id: UUID
    org_id: UUID
    rule_id: UUID
    rule_name: str | None
    condition: Condition
    words: str
    severity: Severity
    state: AlertStatus
    subject: AlertSubject
    creator_id: UUID | None
    tiktok_handle: str | None
    project_id: UUID | None
    since: datetime
    opened_at: datetime | None
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    snoozed_until: datetime | None
    evidence: AlertEvidence
    position: int
    version: int


_RULE_COLUMNS = ", ".join(AlertRuleRow.__struct_fields__)
_RULES = f"""
SELECT {_RULE_COLUMNS} FROM alert_rules
WHERE organization_id = %(organization)s AND removed_at IS NULL
"""
_ONE_RULE = f"{_RULES} AND id = %(id)s".encode()
_RULE_PAGE = f"""
{_RULES} AND (%(value)s::timestamptz IS NULL
    OR (created_at, id) > (%(value)s, %(last_id)s))
ORDER BY created_at, id LIMIT %(limit)s
""".encode()
_ALERT_COLUMNS = ", ".join(f"a.{name}" for name in AlertRow.__struct_fields__)
_ALERTS_OF_ALL = f"""
SELECT {_ALERT_COLUMNS}, nullif(r.name, ''), c.tiktok_handle
FROM alerts a
LEFT JOIN alert_rules r
    ON r.organization_id = a.organization_id AND r.id = a.rule_id
LEFT JOIN creator_list c
    ON c.organization_id = a.organization_id AND c.id = a.creator_id
"""
_ALERTS = f"{_ALERTS_OF_ALL} WHERE a.organization_id = %(organization)s"
_ONE_ALERT = f"{_ALERTS} AND a.id = %(id)s"
_ALERT_PAGE = (
    f"{_ALERTS} AND a.status = ANY(%(states)s) "
    "AND (%(creator)s::uuid IS NULL OR a.creator_id = %(creator)s) "
    "AND (%(project)s::uuid IS NULL OR a.project_id = %(project)s) "
    "AND (%(rule)s::uuid IS NULL OR a.rule_id = %(rule)s)"
    + newest_first("a.noted_at", "a.id")
).encode()


async def one_rule(
    reader: Reader, organization_id: UUID, rule_id: UUID
) -> AlertRule | None:
    """Return one rule of an organization, None if there is none with the id."""
    params = {"organization": organization_id, "id": rule_id}
    rows = await reader.rows(organization_id, _ONE_RULE, params)
    return next(iter([rule_from_row(_rule_row(row)) for row in rows]), None)


async def page_of_rules(
    reader: Reader,
    organization_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[AlertRule]:
    """Return up to ``limit`` rules after the given one, oldest first."""
    rows = await reader.page(organization_id, _RULE_PAGE, limit=limit, after=after)
    return [rule_from_row(_rule_row(row)) for row in rows]


def rule_from_row(row: AlertRuleRow) -> AlertRule:
    """Return a row as clients read it."""
    condition = msgspec.convert(row.condition, Condition)
    return AlertRule(
        id=row.id,
        org_id=row.organization_id,
        name=row.name,
        scope=AlertScope(type=row.scope_type, id=row.scope_id),
        condition=condition,
        words=words_of(condition),
        for_minutes=row.for_minutes,
        cool_down_minutes=row.cool_down_minutes,
        channels=[*row.channels],
        enabled=row.enabled,
        is_built_in=row.built_in is not None,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


class ListedAlert(Struct, frozen=True):
    """An alert, and the time by which lists are sorted."""

    alert: Alert
    noted_at: datetime


async def one_alert(
    reader: Reader, organization_id: UUID, alert_id: UUID
) -> Alert | None:
    """Return one alert of an organization, None if there is none with the id."""
    params = {"organization": organization_id, "id": alert_id}
    rows = await reader.rows(organization_id, _ONE_ALERT.encode(), params)
    return next(iter([_alert(row).alert for row in rows]), None)


async def page_of_alerts(
    reader: Reader,
    organization_id: UUID,
    *,
    states: Sequence[AlertStatus],
    creator_id: UUID | None,
    project_id: UUID | None,
    rule_id: UUID | None,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[ListedAlert]:
    """Return up to ``limit`` alerts after the given one, newest first."""
    rows = await reader.page(
        organization_id,
        _ALERT_PAGE,
        limit=limit,
        after=after,
        states=list(states),
        creator=creator_id,
        project=project_id,
        rule=rule_id,
    )
    return [_alert(row) for row in rows]


def alert_from_row(cursor: Cursor[TupleRow], row: AlertRow) -> Alert:
    """Return a row as clients read it, with the present names."""
    names = cursor.execute(
        "SELECT nullif(r.name, ''), c.tiktok_handle FROM (SELECT 1) one "
        "LEFT JOIN alert_rules r ON r.organization_id = %(organization)s "
        "AND r.id = %(rule)s LEFT JOIN creator_list c "
        "ON c.organization_id = %(organization)s AND c.id = %(creator)s",
        {
            "organization": row.organization_id,
            "rule": row.rule_id,
            "creator": row.creator_id,
        },
    ).fetchone()
    assert names is not None, "there is one row"
    return _shown(row, *names)


def _rule_row(row: TupleRow) -> AlertRuleRow:
    return AlertRuleRow(**dict(zip(AlertRuleRow.__struct_fields__, row, strict=True)))


def _alert(row: TupleRow) -> ListedAlert:
    *columns, rule_name, handle = row
    fields: dict[str, Any] = dict(zip(AlertRow.__struct_fields__, columns, strict=True))
    alert = AlertRow(**fields)
    return ListedAlert(_shown(alert, rule_name, handle), alert.noted_at)


def _shown(row: AlertRow, rule_name: str | None, handle: str | None) -> Alert:
    condition = msgspec.convert(row.condition, Condition)
    return Alert(
        id=row.id,
        org_id=row.organization_id,
        rule_id=row.rule_id,
        rule_name=rule_name,
        condition=condition,
        words=words_of(condition),
        severity=row.severity,
        state=row.status,
        subject=AlertSubject(type=row.subject_type, id=row.subject_key),
        creator_id=row.creator_id,
        tiktok_handle=handle,
        project_id=row.project_id,
        since=row.since,
        opened_at=row.opened_at,
        resolved_at=row.ended_at,
        acknowledged_at=row.acknowledged_at,
        snoozed_until=row.snoozed_until,
        evidence=msgspec.convert(row.evidence, AlertEvidence),
        position=row.position,
        version=row.version,
    )
