"""Messages about alerts: what is queued when they change, and the text that is sent."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, LiteralString, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct, convert
from psycopg import Cursor
from psycopg.types.json import Jsonb

from application.channels.follow import WORK
from application.channels.messages import Message, on_one_line
from application.channels.waiting import WaitingMessage
from application.due.work import plan_now
from domain import events as e
from domain.alert.conditions import CONDITIONS, Condition, words_of
from domain.alert.events import AlertEvidence
from domain.alert.rules import channel_ids
from domain.alert.words import evidence_in_words, limit_in_words
from domain.messages import Severity
from domain.phrases import counted
from infra.eventstore.store import RecordedEvent
from infra.ids import new_id

# Rows are held in one order, so that two transactions never wait for each other.
_CHANNELS: LiteralString = """
SELECT s.channel_id FROM channel_states s
JOIN channels c ON c.organization_id = s.organization_id AND c.id = s.channel_id
WHERE s.organization_id = %(organization)s AND s.channel_id = ANY(%(channels)s)
AND c.enabled AND c.removed_at IS NULL AND c.kind <> 'creator_email'
AND (c.project_id IS NULL OR c.project_id = %(project)s)
ORDER BY s.channel_id FOR UPDATE OF s
"""
_ADD: LiteralString = """
INSERT INTO channel_messages (id, organization_id, channel_id, kind, content)
VALUES (%s, %s, %s, %s, %s)
"""


def queue_message(
    cursor: Cursor[Any],
    organization_id: UUID,
    channel_ids: Sequence[UUID],
    *,
    kind: str,
    content: Struct,
    project_id: UUID | None = None,
) -> None:
    """Let channels get a message after the transaction of ``cursor``.

    Each channel that is enabled and about the project gets the message once; one for
    mails to creators gets none, since the message is for the team.
    ``content`` names things by their ids, and the composer of ``kind`` makes the text
    of it when it is sent, so that erased names are in no message.
    """
    if not channel_ids:
        return
    found = cursor.execute(
        _CHANNELS,
        {
            "organization": organization_id,
            "channels": [*channel_ids],
            "project": project_id,
        },
    ).fetchall()
    if not found:
        return
    stored = Jsonb(content, dumps=msgspec.json.encode)
    for (channel_id,) in found:
        cursor.execute(_ADD, (new_id(), organization_id, channel_id, kind, stored))
    plan_now(cursor, WORK, [str(channel_id) for (channel_id,) in found])


KIND: Final = "alert"
AlertMessageType = Literal["opened", "worsened", "resolved"]

# A message names so many alerts, and counts the others.
_MOST_ALERTS: Final = 20
_LONGEST_NAME: Final = 100
_ORDER: Final[Sequence[Severity]] = ("info", "warning", "critical")

_HANDLES: LiteralString = """
SELECT id, tiktok_handle FROM creator_list
WHERE organization_id = %s AND id = ANY(%s)
"""
_PROJECT: LiteralString = """
SELECT name FROM projects WHERE organization_id = %s AND id = %s
"""
_RULE: LiteralString = """
SELECT name FROM alert_rules WHERE organization_id = %s AND id = %s
"""


class KnownAlert(Protocol):
    """An alert that was open before the events."""

    @property
    def subject_key(self) -> str: ...

    @property
    def severity(self) -> Severity: ...

    @property
    def project_id(self) -> UUID | None: ...


class AlertDetails(Struct, frozen=True, kw_only=True):
    """One alert: its subject, and the evidence in the words of ``AlertEvidence``."""

    id: UUID
    subject_key: str
    creator_id: UUID | None = None
    value: float | None = None
    limit: float | None = None
    usual: float | None = None
    video_ids: tuple[UUID, ...] = ()


class AlertContent(Struct, frozen=True, kw_only=True):
    """Alerts of one rule and project that changed together; ``amount`` counts them."""

    type: AlertMessageType
    rule_id: UUID
    condition: Condition
    severity: Severity
    project_id: UUID | None = None
    alerts: tuple[AlertDetails, ...]
    amount: int


class _Change(Struct, frozen=True):
    type: AlertMessageType
    project_id: UUID | None
    severity: Severity
    details: AlertDetails


def queue_alerts(
    cursor: Cursor[Any],
    organization_id: UUID,
    *,
    rule_id: UUID,
    channels: Iterable[str],
    condition: Condition,
    known: Mapping[UUID, KnownAlert],
    events: Sequence[RecordedEvent],
) -> None:
    """Let the channels of a rule get the alerts that opened, worsened or resolved.

    ``known`` are the alerts that were open before, by their ids. Alerts of one project
    that changed in the same way are one message.
    """
    ids = channel_ids(channels)
    if not ids:
        return
    groups: defaultdict[tuple[AlertMessageType, UUID | None], list[_Change]] = (
        defaultdict(list)
    )
    for recorded in events:
        change = _change_of(recorded, known.get(recorded.stream))
        if change is not None:
            groups[change.type, change.project_id].append(change)
    for (type_, project_id), changes in groups.items():
        severities: list[Severity] = [change.severity for change in changes]
        content = AlertContent(
            type=type_,
            rule_id=rule_id,
            condition=condition,
            severity=_worst(severities),
            project_id=project_id,
            alerts=tuple(change.details for change in changes[:_MOST_ALERTS]),
            amount=len(changes),
        )
        queue_message(
            cursor,
            organization_id,
            ids,
            kind=KIND,
            content=content,
            project_id=project_id,
        )


def _worst(severities: Sequence[Severity]) -> Severity:
    return next(each for each in reversed(_ORDER) if each in severities)


def _change_of(recorded: RecordedEvent, known: KnownAlert | None) -> _Change | None:
    """Return the change that is sent to channels, None if there is none."""
    match recorded.event:
        case e.AlertOpened() as opened:
            details = AlertDetails(
                id=recorded.stream,
                subject_key=opened.subject_key,
                creator_id=opened.creator_id,
                value=opened.evidence.value,
                limit=opened.evidence.limit,
                usual=opened.evidence.usual,
                video_ids=opened.evidence.video_ids,
            )
            return _Change("opened", opened.project_id, opened.severity, details)
        case e.AlertSeverityChanged(old=old, new=new) as changed if (
            known is not None and _ORDER.index(new) > _ORDER.index(old)
        ):
            details = AlertDetails(
                id=recorded.stream,
                subject_key=known.subject_key,
                creator_id=changed.creator_id,
                value=changed.evidence.value,
                limit=changed.evidence.limit,
                usual=changed.evidence.usual,
                video_ids=changed.evidence.video_ids,
            )
            return _Change("worsened", known.project_id, new, details)
        case e.AlertResolved(has_fired=True) as resolved if known is not None:
            details = AlertDetails(
                id=recorded.stream,
                subject_key=resolved.subject_key,
                creator_id=resolved.creator_id,
            )
            return _Change("resolved", resolved.project_id, known.severity, details)
        case _:
            return None


def alert_message(
    cursor: Cursor[Any], waiting: WaitingMessage, *, own_url: str
) -> Message:
    """Return the message about alerts, with the present names of creators."""
    of = waiting.organization_id
    content = convert(waiting.content, AlertContent)
    creators = [each.creator_id for each in content.alerts if each.creator_id]
    handles: dict[UUID, str] = dict(
        cursor.execute(_HANDLES, (of, creators)).fetchall() if creators else []
    )
    kind = CONDITIONS[content.condition.type]
    title = words_of(content.condition)
    one = content.alerts[0] if content.amount == 1 else None
    if content.amount > 1:
        title = f"{title}: {counted(content.amount, kind.subject)}"
    elif one is not None and (name := _name_of(one, content.condition, handles)):
        # A mailbox shows the titles of several messages, one below the other.
        title = f"{title}: {name}"
    if content.type != "opened":
        title = f"{content.type.capitalize()}: {title}"
    path = f"/alerts?rule_id={content.rule_id}" if one is None else f"/alerts/{one.id}"
    return Message(
        id=waiting.id,
        type=f"alert.{content.type}",
        title=title,
        details=_lines(cursor, of, content, handles),
        link=f"{own_url}{path}",
        severity=content.severity,
        is_good=content.type == "resolved",
        at=waiting.created_at,
        organization=waiting.organization,
        data={
            "rule_id": content.rule_id,
            "condition": content.condition,
            "project_id": content.project_id,
            "alerts": content.alerts,
            "amount": content.amount,
        },
    )


def _lines(
    cursor: Cursor[Any],
    organization_id: UUID,
    content: AlertContent,
    handles: Mapping[UUID, str],
) -> list[tuple[str, str]]:
    """Return the details: the creators or things, the value, project and rule."""
    lines: list[tuple[str, str]] = []
    found = (_name_of(each, content.condition, handles) for each in content.alerts)
    names = list(dict.fromkeys(name for name in found if name))
    more = content.amount - len(content.alerts)
    if names:
        is_of_creators = any(each.creator_id for each in content.alerts)
        subject = CONDITIONS[content.condition.type].subject
        label = "Creator" if is_of_creators else subject.capitalize()
        label = label if len(names) == 1 else f"{label}s"
        listed = [*names, f"{more:,} more"] if more > 0 else names
        lines.append((label, ", ".join(listed)))
    if content.amount == 1:
        one = content.alerts[0]
        evidence = AlertEvidence(
            value=one.value, usual=one.usual, video_ids=one.video_ids
        )
        if words := evidence_in_words(evidence, content.condition.type):
            lines.append(("Evidence", words))
    queries: Sequence[tuple[str, LiteralString, UUID | None]] = (
        ("Project", _PROJECT, content.project_id),
        ("Rule", _RULE, content.rule_id),
    )
    for label, query, id_ in queries:
        row = cursor.execute(query, (organization_id, id_)).fetchone()
        if row is not None:
            lines.append((label, on_one_line(row[0], most=_LONGEST_NAME)))
    lines.append(("Severity", content.severity))
    return lines


def _name_of(
    alert: AlertDetails, condition: Condition, handles: Mapping[UUID, str]
) -> str | None:
    """Return the words for the subject of an alert, None if it has no name."""
    if alert.creator_id is not None:
        handle = handles.get(alert.creator_id)
        return None if handle is None else f"@{handle}"
    match CONDITIONS[condition.type].subject:
        case "video" | "project":
            return None
        case "limit":
            return limit_in_words(alert.subject_key)
        case _:
            return alert.subject_key
