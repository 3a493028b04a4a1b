"""Checks: all rules of an organization are judged, and alerts open and resolve."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar, get_args
from uuid import UUID

from msgspec import Struct, convert
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.channels.alerts import queue_alerts
from application.due.worker import Turn
from application.notifications.news import notify
from domain import commands as c
from domain.alert.conditions import (
    CONDITIONS,
    Condition,
    ConditionType,
    severity_of,
    words_of,
)
from domain.alert.events import (
    IN_APP_CHANNEL,
    AlertEnd,
    AlertOpened,
    AlertResolved,
    AlertScope,
)
from domain.alert.findings import AlertFinding
from domain.alert.handlers import ConditionReport, report_conditions, resolve_alerts
from domain.alert.precedence import HoldingRule, overruled
from domain.messages import Severity
from domain.organization.plans import Limits
from domain.phrases import counted
from domain.scrape.handlers.ends import report_sources
from domain.scrape.intervals import hours_between
from infra.eventstore.append import Context
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from infra.setting_forms import ProviderName
from projections.alerts.judging import WatchedRule, can_judge, judged_now
from projections.scrape_runs.sources import newest_answers
from workers.alerts.installation import installation_judges

EVERY: Final = timedelta(minutes=5)
ACTOR: Final = "policy:alerts"
_AT_ONCE: Final = 100
_PATIENCE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1

_READ_MODELS: Final = [
    *("activity", "alerts", "analytics", "creator_list", "scrape_runs", "videos"),
]
_BEHIND = """
SELECT count(*) FILTER (WHERE position >= %s) < %s FROM projection WHERE name = ANY(%s)
"""
_ORGANIZATION = """
SELECT plan, time_zone, creator_profiles_hours, is_operator, clock_timestamp()
FROM organizations WHERE organization_id = %s
"""
_RULES = """
SELECT id, condition, scope_type, scope_id, built_in IS NOT NULL, for_minutes,
       cool_down_minutes, channels
FROM alert_rules
WHERE organization_id = %s AND enabled AND removed_at IS NULL ORDER BY created_at, id
"""
_OPEN = """
SELECT a.rule_id, a.subject_key, a.id, a.status, a.severity, a.project_id,
       coalesce(r.channels, '{}'), a.condition ->> 'type'
FROM alerts a
LEFT JOIN alert_rules r ON r.organization_id = a.organization_id AND r.id = a.rule_id
WHERE a.organization_id = %s AND a.status IN ('pending', 'firing')
"""
_KNOWN = """
SELECT subject_key, count(*) FROM alerts
WHERE organization_id = %s AND rule_id = %s AND subject_key = ANY(%s)
GROUP BY subject_key
"""

T = TypeVar("T")


class _Rule(Struct, frozen=True):
    """A rule that is judged."""

    id: UUID
    condition: Condition
    scope: AlertScope
    is_built_in: bool
    for_minutes: int
    cool_down_minutes: int
    channels: Sequence[str]


class _Open(Struct, frozen=True):
    """An alert that is pending or firing."""

    subject_key: str
    id: UUID
    status: str
    severity: Severity
    project_id: UUID | None
    channels: Sequence[str]
    condition_type: ConditionType


_OpenAlerts = dict[UUID, dict[str, _Open]]


class AlertChecks:
    """Judges the rules of organizations; a repeated check changes nothing.

    Each rule is judged by one query over all of its creators, and one rule alone speaks
    about what several hold for, as ``domain.alert.precedence`` says. ``stopping`` ends
    the wait for read models.
    """

    def __init__(
        self,
        store: Store,
        plans: Mapping[str, Limits],
        stopping: threading.Event | None = None,
    ) -> None:
        self._store = store
        self._plans = plans
        self._stopping = stopping or threading.Event()

    def handle(self, turn: Turn) -> None:
        """Do the turn of an organization."""
        self.check(UUID(turn.work.key))

    def check(self, organization_id: UUID) -> None:
        """Judge all rules of an organization, and open and resolve its alerts.

        If the read models do not catch up with the log, their conditions are left for
        the next time: the past would look like the present.
        """
        is_behind = self._is_behind()
        with self._store.pool.connection() as connection:
            row = connection.execute(_ORGANIZATION, (organization_id,)).fetchone()
            if row is None:
                return
            plan, time_zone, hours, is_operator, now = row
            rows = connection.execute(_RULES, (organization_id,)).fetchall()
            rules = [
                _Rule(
                    rule_id,
                    convert(condition, Condition),
                    AlertScope(type=scope_type, id=scope_id),
                    *rest,
                )
                for rule_id, condition, scope_type, scope_id, *rest in rows
            ]
            open_alerts: _OpenAlerts = defaultdict(dict)
            for rule_id, *fields in connection.execute(
                _OPEN, (organization_id,)
            ).fetchall():
                alert = _Open(*fields)
                open_alerts[rule_id][alert.subject_key] = alert
        limits = self._plans[plan]
        profile_hours = hours_between("creator_profiles", chosen=hours, limits=limits)
        judges = installation_judges(
            organization_id, limits=limits, settings=self._store.settings, now=now
        )
        found: dict[UUID, dict[str, AlertFinding]] = {}
        for rule in rules:
            kind = CONDITIONS[rule.condition.type]
            if kind.for_operators and not is_operator:
                continue
            watch = WatchedRule(
                organization_id=organization_id,
                condition=rule.condition,
                scope=rule.scope,
                first=now,
                last=now,
                profile_hours=profile_hours,
                time_zone=time_zone,
            )
            if can_judge(rule.condition.type):
                if is_behind:
                    continue
                with self._store.pool.connection() as connection:
                    findings = judged_now(connection, watch)
            else:
                with self._store.pool.connection() as connection:
                    cursor = connection.cursor()
                    findings = judges[rule.condition.type](cursor, rule.condition)
            found[rule.id] = {
                each.subject_key: each for each in findings if each.holds_at(now)
            }
        silent = overruled(
            [
                HoldingRule(rule.id, rule.condition, rule.is_built_in, found[rule.id])
                for rule in rules
                if rule.id in found
            ]
        )
        for rule in rules:
            mine = open_alerts.pop(rule.id, {})
            kind = CONDITIONS[rule.condition.type]
            elsewhere = silent.get(rule.id, ())
            # An alert says what its rule watched when it began, and the rule no longer
            # speaks where another one does.
            ended = [
                alert
                for key, alert in mine.items()
                if alert.condition_type != rule.condition.type
                or key in elsewhere
                or (kind.for_operators and not is_operator)
            ]
            self._resolve(organization_id, ended, now=now, end="rule_ended")
            for alert in ended:
                del mine[alert.subject_key]
            if rule.id not in found:
                continue
            holding = {
                key: each
                for key, each in found[rule.id].items()
                if key not in elsewhere
            }
            self._report(organization_id, rule, holding, mine, now=now)
            over = [alert for key, alert in mine.items() if key not in holding]
            self._resolve(organization_id, over, now=now, end="over")
        ended = [alert for of_it in open_alerts.values() for alert in of_it.values()]
        self._resolve(organization_id, ended, now=now, end="rule_ended")
        if not is_behind:
            self._report_sources(organization_id, now=now)

    def _report_sources(self, organization_id: UUID, *, now: datetime) -> None:
        """Note which sources began to fail, or answer again."""
        with self._store.pool.connection() as connection:
            answers = newest_answers(
                connection,
                organization_id,
                get_args(ProviderName),
                in_use=self._store.settings.providers,
            )
        commands = [
            c.ReportSource(
                organization_id=organization_id,
                provider=provider,
                newest=tuple(newest),
                retrying=retrying,
                now=now,
            )
            for provider, newest, retrying in answers
        ]
        if commands:
            execute(
                self._store,
                partial(report_sources, commands),
                context=Context(actor=ACTOR, command_id=new_id()),
            )

    def _is_behind(self) -> bool:
        """Wait a while for the read models, and tell whether they are behind."""
        head, deadline = self._store.head(), time.monotonic() + _PATIENCE_SECONDS
        params = (head, len(_READ_MODELS), _READ_MODELS)
        while True:
            with self._store.pool.connection() as connection:
                row = connection.execute(_BEHIND, params).fetchone()
            if row is not None and not row[0]:
                return False
            if time.monotonic() > deadline or self._stopping.wait(_POLL_SECONDS):
                return True

    def _report(
        self,
        organization_id: UUID,
        rule: _Rule,
        holding: Mapping[str, AlertFinding],
        open_alerts: Mapping[str, _Open],
        *,
        now: datetime,
    ) -> None:
        """Open alerts, or let them wait or worsen."""
        changed = [
            each
            for key, each in holding.items()
            if _would_change(open_alerts.get(key), each, rule, now=now)
        ]
        if not changed:
            return
        keys = [each.subject_key for each in changed]
        with self._store.pool.connection() as connection:
            rows = connection.execute(_KNOWN, (organization_id, rule.id, keys))
            known: dict[str, int] = dict(rows.fetchall())
        for part in _in_parts(changed):
            reports = [
                ConditionReport(
                    command=c.ReportCondition(
                        organization_id=organization_id,
                        rule_id=rule.id,
                        condition=rule.condition,
                        for_minutes=rule.for_minutes,
                        subject_type=each.subject_type,
                        subject_key=each.subject_key,
                        creator_id=each.creator_id,
                        project_id=each.project_id,
                        since=each.since,
                        evidence=each.evidence,
                        now=now,
                    ),
                    known=known.get(each.subject_key, 0),
                    cool_down_minutes=rule.cool_down_minutes,
                )
                for each in part
            ]
            execute(
                self._store,
                partial(report_conditions, rule.id, reports),
                context=Context(actor=ACTOR, command_id=new_id()),
                in_transaction=partial(_notify, organization_id, rule, open_alerts),
            )

    def _resolve(
        self,
        organization_id: UUID,
        alerts: Iterable[_Open],
        *,
        now: datetime,
        end: AlertEnd,
    ) -> None:
        for part in _in_parts(alerts):
            command = c.ResolveAlert(end=end, now=now)
            execute(
                self._store,
                partial(resolve_alerts, {alert.id: command for alert in part}),
                context=Context(actor=ACTOR, command_id=new_id()),
                in_transaction=partial(
                    _tell_of_end, organization_id, {alert.id: alert for alert in part}
                ),
            )


def _in_parts(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, _AT_ONCE)):
        yield part


def _would_change(
    alert: _Open | None, finding: AlertFinding, rule: _Rule, *, now: datetime
) -> bool:
    """Tell whether a report may cause an event, so that others cost nothing."""
    if alert is None:
        return True
    if alert.status == "pending":
        return finding.since + timedelta(minutes=rule.for_minutes) <= now
    return severity_of(rule.condition, finding.evidence.value) != alert.severity


def _notify(
    organization_id: UUID,
    rule: _Rule,
    open_alerts: Mapping[str, _Open],
    cursor: Cursor[TupleRow],
    done: Executed[list[UUID]],
) -> None:
    """Tell of new and worse alerts: one notification for each project."""
    queue_alerts(
        cursor,
        organization_id,
        rule_id=rule.id,
        channels=rule.channels,
        condition=rule.condition,
        known={alert.id: alert for alert in open_alerts.values()},
        events=done.events,
    )
    if IN_APP_CHANNEL not in rule.channels:
        return
    by_project: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
    severity: dict[UUID | None, Any] = {}
    for recorded in done.events:
        event = recorded.event
        if isinstance(event, AlertOpened):
            by_project[event.project_id].append(recorded.stream)
            severity[event.project_id] = event.severity
    for project_id, alert_ids in by_project.items():
        amount = len(alert_ids)
        title = words_of(rule.condition)
        kind = CONDITIONS[rule.condition.type]
        if amount > 1:
            title = f"{title}: {counted(amount, kind.subject)}"
        path = (
            f"/alerts/{alert_ids[0]}" if amount == 1 else f"/alerts?rule_id={rule.id}"
        )
        notify(
            cursor,
            organization_id,
            kind="alert",
            title=title,
            severity=severity[project_id],
            path=path,
            project_id=project_id,
            for_admins=kind.for_operators,
            rule_id=rule.id,
            alert_ids=alert_ids,
        )


def _tell_of_end(
    organization_id: UUID,
    alerts: Mapping[UUID, _Open],
    cursor: Cursor[TupleRow],
    done: Executed[None],
) -> None:
    """Let the channels of each rule know that its alerts are over."""
    by_rule: defaultdict[UUID, list[RecordedEvent]] = defaultdict(list)
    conditions: dict[UUID, Condition] = {}
    for recorded in done.events:
        event = recorded.event
        if isinstance(event, AlertResolved):
            by_rule[event.rule_id].append(recorded)
            conditions[event.rule_id] = event.condition
    for rule_id, events in by_rule.items():
        queue_alerts(
            cursor,
            organization_id,
            rule_id=rule_id,
            channels=alerts[events[0].stream].channels,
            condition=conditions[rule_id],
            known=alerts,
            events=events,
        )
