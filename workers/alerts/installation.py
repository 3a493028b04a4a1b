"""Conditions of an organization's plan, and of the whole installation."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import Cursor

from domain.alert.conditions import AlertSubjectType, Condition, ConditionType
from domain.alert.events import AlertEvidence
from domain.alert.findings import AlertFinding
from domain.organization.plans import Limits
from domain.streams import creators_counter, views_counter
from infra.settings import Settings

# A follower that reports no more for so long makes no progress.
_STALLED_SECONDS: Final = 120

_USED = """
SELECT
    (SELECT value FROM quota_counters WHERE key = %(creators)s),
    (SELECT value FROM quota_counters WHERE key = %(views)s),
    (SELECT count(*) FROM projects WHERE organization_id = %(organization)s),
    (SELECT count(*) FROM api_keys
     WHERE organization_id = %(organization)s AND revoked_at IS NULL),
    (SELECT count(*) FROM members
     WHERE organization_id = %(organization)s AND removed_at IS NULL)
"""
_LIMITS: Final = (
    *("max_creators_per_org", "max_views_per_org", "max_projects_per_org"),
    *("max_api_keys_per_org", "max_members_per_org"),
)
_SPENT = """
SELECT provider, sum(requests) FROM source_day
WHERE day = (now() AT TIME ZONE 'UTC')::date GROUP BY provider
"""
_STALLED = """
SELECT p.name, p.position, p.heartbeat_at
FROM projection p
WHERE p.position < (SELECT coalesce(max(notification_id), 0) FROM goatherd_events)
AND (p.error IS NOT NULL
     OR p.heartbeat_at < clock_timestamp() - make_interval(secs => %s))
"""
_BAD_CHECK = """
SELECT finished_at, jsonb_array_length(result -> 'misfits') FROM log_check
WHERE finished_at IS NOT NULL AND jsonb_array_length(result -> 'misfits') > 0
"""

# Without any backup the age of the first event counts.
_BACKED_UP = """
SELECT coalesce(
    (SELECT max(made_at) FROM backups),
    (SELECT recorded_at FROM goatherd_events ORDER BY notification_id LIMIT 1))
"""

InstallationJudge = Callable[[Cursor[Any], Condition], list[AlertFinding]]


def installation_judges(
    organization_id: UUID, *, limits: Limits, settings: Settings, now: datetime
) -> Mapping[ConditionType, InstallationJudge]:
    """Return the function that judges each of these conditions at the present time."""

    def near_limits(cursor: Cursor[Any], condition: Condition) -> list[AlertFinding]:
        row = cursor.execute(
            _USED,
            {
                "organization": organization_id,
                "creators": creators_counter(organization_id),
                "views": views_counter(organization_id),
            },
        ).fetchone()
        used = dict(zip(_LIMITS, row or (), strict=True))
        shares = {
            name: 100 * (amount or 0) / most
            for name, amount in used.items()
            if (most := getattr(limits, name))
        }
        return _above(condition, "limit", shares, now=now)

    def near_budgets(cursor: Cursor[Any], condition: Condition) -> list[AlertFinding]:
        shares = {
            provider: 100 * float(requests) / budget
            for provider, requests in cursor.execute(_SPENT).fetchall()
            if (budget := settings.daily_budget(provider))
        }
        return _above(condition, "source", shares, now=now)

    def stalled(cursor: Cursor[Any], _: Condition) -> list[AlertFinding]:
        rows = cursor.execute(_STALLED, (_STALLED_SECONDS,)).fetchall()
        return [
            AlertFinding(
                subject_type="installation",
                subject_key=name,
                since=heartbeat_at or now,
                evidence=AlertEvidence(positions=(position,)),
            )
            for name, position, heartbeat_at in rows
        ]

    def bad_check(cursor: Cursor[Any], _: Condition) -> list[AlertFinding]:
        return [
            AlertFinding(
                subject_type="installation",
                subject_key="log",
                since=finished_at,
                evidence=AlertEvidence(value=misfits),
            )
            for finished_at, misfits in cursor.execute(_BAD_CHECK).fetchall()
        ]

    def old_backup(cursor: Cursor[Any], condition: Condition) -> list[AlertFinding]:
        (made_at,) = cursor.execute(_BACKED_UP).fetchone() or (None,)
        limit = timedelta(days=condition.number("days"))
        if made_at is None or now < made_at + limit:
            return []
        age = (now - made_at) / timedelta(days=1)
        evidence = AlertEvidence(value=round(age, 1), limit=condition.number("days"))
        return [
            AlertFinding(
                subject_type="installation",
                subject_key="backup",
                since=made_at + limit,
                evidence=evidence,
            )
        ]

    return {
        "limit_near": near_limits,
        "budget_near": near_budgets,
        "projection_stalled": stalled,
        "backup_old": old_backup,
        "log_check_failed": bad_check,
    }


def _above(
    condition: Condition,
    subject: AlertSubjectType,
    shares: Mapping[str, float],
    *,
    now: datetime,
) -> list[AlertFinding]:
    limit = condition.number("percent")
    return [
        AlertFinding(
            subject_type=subject,
            subject_key=name,
            since=now,
            evidence=AlertEvidence(value=round(share, 1), limit=limit),
        )
        for name, share in shares.items()
        if share >= limit
    ]
