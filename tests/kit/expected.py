"""The rows that the read models must hold: plain folds over all events.

Nothing here is shared with what it checks, not even a column's name.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from psycopg import Connection, sql
from psycopg.rows import TupleRow, dict_row

from domain import commands as c
from domain import events as e
from domain.alert.built_in import built_in_rules, condition_of_today
from domain.streams import report_issue, video_stream
from domain.view.built_in import built_in_views
from infra.eventstore.store import RecordedEvent
from tests.kit.expected_activity import activity
from tests.kit.expected_annotations import annotations
from tests.kit.expected_attributes import video_attributes
from tests.kit.expected_feed import feed

Row = dict[str, Any]
Rows = dict[Any, Row]


def organizations(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        match recorded.event:
            case e.OrganizationCreated(name=name, plan=plan, time_zone=zone):
                rows[recorded.stream] = {
                    "organization_id": recorded.stream,
                    "name": name,
                    "plan": plan,
                    "time_zone": zone,
                    **dict.fromkeys(_NUMBERS_OF_SETTINGS),
                    "requires_second_factor": False,
                    "is_operator": None,
                    "version": 1,
                    "created_at": recorded.recorded_at,
                    "updated_at": recorded.recorded_at,
                    "position": recorded.position,
                }
            case e.PlanChanged(new=plan):
                rows[recorded.stream] |= {
                    "plan": plan,
                    "version": rows[recorded.stream]["version"] + 1,
                    "updated_at": recorded.recorded_at,
                    "position": recorded.position,
                }
            case e.OperatorChanged(is_operator=is_operator):
                rows[recorded.stream] |= {
                    "is_operator": is_operator,
                    "version": rows[recorded.stream]["version"] + 1,
                    "updated_at": recorded.recorded_at,
                    "position": recorded.position,
                }
            case e.OrganizationSettingsChanged() as change:
                rows[recorded.stream] |= _set(
                    change,
                    *("name", "time_zone", "requires_second_factor"),
                    *_NUMBERS_OF_SETTINGS,
                )
                rows[recorded.stream] |= {
                    "version": rows[recorded.stream]["version"] + 1,
                    "updated_at": recorded.recorded_at,
                    "position": recorded.position,
                }
            case _:
                pass
    return rows


def audit(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    members: set[tuple[UUID, UUID]] = set()
    for recorded in events:
        event, stream = recorded.event, recorded.stream
        match event:
            case e.MemberAdded():
                members.add((stream, event.person_id))
            case e.MemberRemoved():
                members.discard((stream, event.person_id))
            case _:
                pass
        if isinstance(event, e.PersonSignedIn | e.SignInMethodChanged):
            organizations = [of for of, person in members if person == stream]
        elif isinstance(
            event,
            e.SubjectErased
            | e.EarlierTextsForgotten
            | e.AlertRuleMade
            | e.AlertRuleChanged
            | e.AlertRuleRemoved
            | e.CampaignCreated
            | e.CampaignDetailsChanged
            | e.CampaignTargetChanged
            | e.CampaignDeleted,
        ):
            organizations = [event.organization_id]
        elif isinstance(event, e.OrganizationEvent):
            organizations = [stream]
        else:
            organizations = []
        for of in organizations:
            rows[of, recorded.position] = {
                "organization_id": of,
                "position": recorded.position,
                "event": _NAMES[type(event)],
                "at": recorded.recorded_at,
                "actor": recorded.actor,
            }
    return rows


def audit_members(events: Iterable[RecordedEvent]) -> Rows:
    return {
        (recorded.stream, event.person_id): {
            "organization_id": recorded.stream,
            "person_id": event.person_id,
            "is_member": isinstance(event, e.MemberAdded),
            "position": recorded.position,
        }
        for recorded in events
        if isinstance(event := recorded.event, e.MemberAdded | e.MemberRemoved)
    }


def webhooks(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    names = ("url", "types", "project_id", "description", "payload", "signatures")
    for recorded in events:
        event: Any = recorded.event
        match event:
            case e.WebhookCreated():
                filters = (
                    None
                    if event.filters is None
                    else msgspec.to_builtins(event.filters)
                )
                rows[recorded.stream] = {
                    **{name: getattr(event, name) for name in names},
                    "types": [*event.types],
                    "signatures": [*event.signatures],
                    "filters": filters,
                    "organization_id": event.organization_id,
                    "id": recorded.stream,
                    "disabled_reason": None,
                    "starts_after": recorded.position,
                    "created_at": recorded.recorded_at,
                    "removed_at": None,
                }
            case e.WebhookChanged():
                for name in names:
                    value = getattr(event, name)
                    if value is not msgspec.UNSET:
                        listed = isinstance(value, tuple)
                        rows[recorded.stream][name] = [*value] if listed else value
                if event.filters is not msgspec.UNSET:
                    rows[recorded.stream]["filters"] = (
                        None
                        if event.filters is None
                        else msgspec.to_builtins(event.filters)
                    )
            case e.WebhookEnabled():
                rows[recorded.stream]["disabled_reason"] = None
                if event.from_now:
                    rows[recorded.stream]["starts_after"] = recorded.position
            case e.WebhookDisabled():
                rows[recorded.stream]["disabled_reason"] = event.reason
            case e.WebhookSecretRotated() | e.WebhookReplayRequested():
                pass
            case e.WebhookRemoved():
                empty = {"url": "", "description": None, "filters": None}
                gone = {"removed_at": recorded.recorded_at}
                rows[recorded.stream] |= {**empty, **gone}
            case _:
                continue
        version = {"version": recorded.version, "updated_at": recorded.recorded_at}
        rows[recorded.stream] |= version
    return rows


def channels(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    names = ("name", "shown", "project_id", "enabled")
    for recorded in events:
        event: Any = recorded.event
        match event:
            case e.ChannelAdded():
                rows[recorded.stream] = {
                    **{name: getattr(event, name) for name in names},
                    "kind": event.kind,
                    "organization_id": event.organization_id,
                    "id": recorded.stream,
                    "created_at": recorded.recorded_at,
                    "removed_at": None,
                }
            case e.ChannelChanged():
                for name in names:
                    value = getattr(event, name)
                    if value is not msgspec.UNSET:
                        rows[recorded.stream][name] = value
            case e.EarlierTextsForgotten(kind="channel", texts=texts):
                names_now = {"name": texts.get("name", "erased")}
                rows[recorded.stream] |= {**names_now, "shown": texts.get("shown", "")}
            case e.ChannelRemoved():
                gone = {"name": "", "shown": "", "removed_at": recorded.recorded_at}
                rows[recorded.stream] |= gone
            case _:
                continue
        version = {"version": recorded.version, "updated_at": recorded.recorded_at}
        rows[recorded.stream] |= version
    return rows


def views(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        at = {"created_at": recorded.recorded_at, "updated_at": recorded.recorded_at}
        match recorded.event:
            case e.OrganizationCreated():
                for view_id, view in built_in_views(recorded.stream).items():
                    rows[view_id] = {
                        "organization_id": recorded.stream,
                        "id": view_id,
                        "name": view.name,
                        "list": view.list,
                        "query": view.query,
                        "columns": [*view.columns],
                        "is_built_in": True,
                        "owner_id": None,
                        "is_private": False,
                        "project_id": None,
                        "version": 1,
                        **at,
                        "deleted_at": None,
                    }
            case e.ViewSaved() as view:
                rows[recorded.stream] = {
                    "organization_id": view.organization_id,
                    "id": recorded.stream,
                    "name": view.name,
                    "list": view.list,
                    "query": view.query,
                    "columns": [*view.columns],
                    "is_built_in": False,
                    "owner_id": view.owner_id,
                    "is_private": view.is_private,
                    "project_id": _project_in(view.query),
                    "version": 1,
                    **at,
                    "deleted_at": None,
                }
            case e.ViewChanged() as change:
                row = rows[recorded.stream]
                row |= _set(change, "name", "query", "owner_id", "is_private")
                row["project_id"] = _project_in(row["query"])
                if change.columns is not msgspec.UNSET:
                    row["columns"] = [*change.columns]
                row |= {
                    "version": recorded.version,
                    "updated_at": recorded.recorded_at,
                }
            case e.ViewDeleted():
                rows[recorded.stream] |= {
                    "name": "",
                    "query": "",
                    "project_id": None,
                    "columns": [],
                    "version": recorded.version,
                    "updated_at": recorded.recorded_at,
                    "deleted_at": recorded.recorded_at,
                }
            case _:
                pass
    return rows


def shares(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    changeable = (
        *("name", "first_day", "last_day", "rolling", "has_password", "expires_at"),
        "embed",
    )
    for recorded in events:
        now = {"version": recorded.version, "updated_at": recorded.recorded_at}
        match recorded.event:
            case e.ShareMade() as share:
                rows[recorded.stream] = {
                    **{name: getattr(share, name) for name in share.__struct_fields__},
                    "id": recorded.stream,
                    "hide": [*share.hide],
                    "origins": [*share.origins],
                    "created_at": recorded.recorded_at,
                    **now,
                    "revoked_at": None,
                }
            case e.ShareChanged() as change:
                row = rows[recorded.stream]
                row |= _set(change, *changeable) | now
                for name in ("hide", "origins"):
                    if getattr(change, name) is not msgspec.UNSET:
                        row[name] = [*getattr(change, name)]
            case e.ShareRevoked():
                ended = {"name": "", "origins": [], "revoked_at": recorded.recorded_at}
                rows[recorded.stream] |= ended | now
            case _:
                pass
    return rows


def reports(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    changeable = (
        *("name", "period", "weekday", "hour", "enabled", "scheduled_from"),
        "stopped_because",
    )
    for recorded in events:
        now = {"version": recorded.version, "updated_at": recorded.recorded_at}
        match recorded.event:
            case e.ReportMade() as report:
                fields = {n: getattr(report, n) for n in report.__struct_fields__}
                scope = fields.pop("scope")
                rows[recorded.stream] = {
                    **fields,
                    "id": recorded.stream,
                    "scope_type": scope.type,
                    "scope_id": scope.id,
                    "recipients": [*report.recipients],
                    "unsubscribed": [],
                    "sections": [*report.sections],
                    "last_due_at": None,
                    "weeks_until": None,
                    "months_until": None,
                    "stopped_because": None,
                    "issues": 0,
                    "created_at": recorded.recorded_at,
                    **now,
                    "removed_at": None,
                }
            case e.ReportChanged() as change:
                row = rows[recorded.stream]
                row |= _set(change, *changeable) | now
                for name in ("recipients", "sections"):
                    if getattr(change, name) is not msgspec.UNSET:
                        row[name] = [*getattr(change, name)]
            case e.ReportIssued(number=number, due_at=due_at):
                rows[recorded.stream] |= {"issues": number, **now}
                if due_at is not None:
                    rows[recorded.stream]["last_due_at"] = due_at
                    until = f"{recorded.event.period[:-2]}s_until"
                    rows[recorded.stream][until] = max(
                        rows[recorded.stream][until] or date.min,
                        recorded.event.last_day,
                    )
            case e.RecipientUnsubscribed(address=address):
                rows[recorded.stream]["recipients"].remove(address)
                rows[recorded.stream]["unsubscribed"].append(address)
                rows[recorded.stream] |= now
            case e.ReportRemoved():
                nothing = {"name": "", "recipients": [], "unsubscribed": []}
                rows[recorded.stream] |= nothing | now
                rows[recorded.stream]["removed_at"] = recorded.recorded_at
            case _:
                pass
    return rows


def report_issues(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        if isinstance(issue := recorded.event, e.ReportIssued):
            fields = {n: getattr(issue, n) for n in issue.__struct_fields__}
            scope = fields.pop("scope")
            issue_id = report_issue(recorded.stream, issue.number)
            rows[issue_id] = {
                **fields,
                "id": issue_id,
                "report_id": recorded.stream,
                "scope_type": scope.type,
                "scope_id": scope.id,
                "sections": [*issue.sections],
                "contents": msgspec.to_builtins(issue.contents),
                "made_at": recorded.recorded_at,
            }
    return rows


def alert_rules(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        at = {"created_at": recorded.recorded_at, "updated_at": recorded.recorded_at}
        match recorded.event:
            case e.OrganizationCreated():
                for rule_id, rule in built_in_rules(recorded.stream).items():
                    rows[rule_id] = {**_rule(rule), "id": rule_id, "version": 0, **at}
            case e.AlertRuleMade() as rule:
                rows[recorded.stream] = {
                    **_rule(rule),
                    "id": recorded.stream,
                    "version": recorded.version,
                    **at,
                }
            case e.AlertRuleChanged() as change:
                row = rows[recorded.stream]
                row |= _set(change, "name", "for_minutes", "cool_down_minutes")
                row |= _set(change, "enabled")
                if change.channels is not msgspec.UNSET:
                    row["channels"] = [*change.channels]
                if change.condition is not msgspec.UNSET:
                    row["condition"] = msgspec.to_builtins(change.condition)
                if change.scope is not msgspec.UNSET:
                    scope = change.scope
                    row |= {"scope_type": scope.type, "scope_id": scope.id}
                row |= {"version": recorded.version, "updated_at": recorded.recorded_at}
            case e.AlertRuleRemoved():
                rows[recorded.stream] |= {
                    "name": "",
                    "enabled": False,
                    "version": recorded.version,
                    "updated_at": recorded.recorded_at,
                    "removed_at": recorded.recorded_at,
                }
            case _:
                pass
    return rows


def _project_in(query: str) -> UUID | None:
    found = parse_qs(query).get("project_id")
    return UUID(found[0]) if found else None


def _rule(rule: c.MakeAlertRule | e.AlertRuleMade) -> Row:
    return {
        "organization_id": rule.organization_id,
        "built_in": rule.built_in,
        "name": rule.name,
        "scope_type": rule.scope.type,
        "scope_id": rule.scope.id,
        "condition": msgspec.to_builtins(
            condition_of_today(rule)
            if isinstance(rule, e.AlertRuleMade)
            else rule.condition
        ),
        "for_minutes": rule.for_minutes,
        "cool_down_minutes": rule.cool_down_minutes,
        "channels": [*rule.channels],
        "enabled": rule.enabled,
        "removed_at": None,
    }


def alerts(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        latest = {"version": recorded.version, "position": recorded.position}
        match recorded.event:
            case (e.AlertPending() | e.AlertOpened()) as alert:
                is_open = isinstance(alert, e.AlertOpened)
                noted_at = rows.get(recorded.stream, {}).get("noted_at")
                rows[recorded.stream] = {
                    "organization_id": alert.organization_id,
                    "id": recorded.stream,
                    "rule_id": alert.rule_id,
                    "condition": msgspec.to_builtins(alert.condition),
                    "subject_type": alert.subject_type,
                    "subject_key": alert.subject_key,
                    "creator_id": alert.creator_id,
                    "project_id": alert.project_id,
                    "severity": alert.severity,
                    "status": "firing" if is_open else "pending",
                    "since": alert.since,
                    "noted_at": noted_at or recorded.recorded_at,
                    "opened_at": recorded.recorded_at if is_open else None,
                    "evidence": msgspec.to_builtins(alert.evidence),
                    **dict.fromkeys(("ended_at", "acknowledged_at", "snoozed_until")),
                    "acknowledged_by": None,
                    **latest,
                }
            case e.AlertSeverityChanged() as change:
                evidence = msgspec.to_builtins(change.evidence)
                row = {"severity": change.new, "evidence": evidence, **latest}
                rows[recorded.stream] |= row
            case e.AlertAcknowledged():
                rows[recorded.stream] |= {
                    "acknowledged_at": recorded.recorded_at,
                    "acknowledged_by": recorded.actor,
                    **latest,
                }
            case e.AlertSnoozed(until=until):
                rows[recorded.stream] |= {"snoozed_until": until, **latest}
            case e.AlertResolved(at=at, has_fired=has_fired):
                status = "resolved" if has_fired else "ok"
                rows[recorded.stream] |= {"status": status, "ended_at": at, **latest}
            case e.SubjectErased():
                erased = recorded.stream
                rows = {
                    alert_id: row
                    for alert_id, row in rows.items()
                    if row["creator_id"] != erased
                }
            case _:
                pass
    return rows


def imports(events: Iterable[RecordedEvent]) -> Rows:
    return {
        recorded.stream: {
            "organization_id": ended.organization_id,
            "id": recorded.stream,
            "project_id": ended.project_id,
            "outcome": ended.outcome,
            "at": recorded.recorded_at,
            "position": recorded.position,
        }
        for recorded in events
        if isinstance(ended := recorded.event, e.ImportFinished)
    }


def api_keys(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        match recorded.event:
            case e.ApiKeyCreated() as key:
                rows[key.key_id] = {
                    "organization_id": recorded.stream,
                    "id": key.key_id,
                    "name": key.name,
                    "digest": key.digest,
                    "hint": key.hint,
                    "scopes": list(key.scopes),
                    "created_at": recorded.recorded_at,
                    "expires_at": key.expires_at,
                    "revoked_at": None,
                    "person_id": key.person_id,
                }
            case e.ApiKeyRevoked(key_id=key_id):
                rows[key_id]["revoked_at"] = recorded.recorded_at
            case _:
                pass
    return rows


def projects(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        match recorded.event:
            case e.ProjectCreated(project_id=project_id, name=name, description=text):
                rows[project_id] = {
                    "organization_id": recorded.stream,
                    "id": project_id,
                    "name": name,
                    "description": text,
                    "client": None,
                    "comment": None,
                    "color": None,
                    "logo": None,
                    "archived_at": None,
                    "version": 1,
                    "created_at": recorded.recorded_at,
                    "updated_at": recorded.recorded_at,
                    "position": recorded.position,
                }
            case e.ProjectDetailsChanged(project_id=project_id) as change:
                row = rows[project_id]
                row |= _set(change, "name", "description", "client", "comment", "color")
                row["version"] += 1
                row["updated_at"] = recorded.recorded_at
                row["position"] = recorded.position
            case (
                e.ProjectArchived(project_id=project_id)
                | e.ProjectRestored(project_id=project_id)
            ):
                is_archived = isinstance(recorded.event, e.ProjectArchived)
                row = rows[project_id]
                row["archived_at"] = recorded.recorded_at if is_archived else None
                row["version"] += 1
                row["updated_at"] = recorded.recorded_at
                row["position"] = recorded.position
            case e.ProjectLogoChanged(project_id=project_id, logo=logo):
                row = rows[project_id]
                row["logo"] = msgspec.to_builtins(logo)
                row["version"] += 1
                row["updated_at"] = recorded.recorded_at
                row["position"] = recorded.position
            case _:
                pass
    return rows


def bans(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        match recorded.event:
            case e.HandleBanned(handle=handle, reason=reason):
                rows[handle] = {
                    "handle": handle,
                    "reason": reason,
                    "created_at": recorded.recorded_at,
                }
            case e.HandleUnbanned(handle=handle):
                del rows[handle]
            case _:
                pass
    return rows


def creator_list(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    newest: dict[UUID, tuple[Any, int]] = {}
    for recorded in events:
        event, at = recorded.event, recorded.recorded_at
        if isinstance(event, e.CreatorAdded):
            rows[recorded.stream] = _new_creator(recorded, event)
        elif isinstance(event, e.ScrapeSucceeded):
            if event.provider != "import":
                row = rows[event.creator_id]
                row |= {
                    "last_scraped_at": at,
                    "last_outcome": "ok",
                    "run_position": recorded.position,
                }
                _fails(row, event.job_type, None)
        elif isinstance(event, e.ScrapeFailed):
            row = rows.get(event.creator_id)
            if row is None or event.provider == "import":
                continue
            row["run_position"] = recorded.position
            is_stopped = row["disabled_reason"] == "by_hand" and not event.outcome
            if row["status"] == "removed" or is_stopped:
                continue
            row["last_outcome"] = event.outcome
            if event.outcome != "not_in_recording":
                old = _failure_of(row, event.job_type)
                new = {
                    "job_type": event.job_type,
                    "failing_since": _written(at),
                    "failed_scrapes": 0,
                    **old,
                    "last_outcome": event.outcome,
                }
                new["failed_scrapes"] += 1
                _fails(row, event.job_type, new)
        elif isinstance(event, e.ProfileSnapshotRecorded):
            seen = (event.observed_at, recorded.position)
            if seen > newest.get(event.creator_id, (seen[0], 0)):
                newest[event.creator_id] = seen
                row = rows[event.creator_id]
                row |= _figures(event, recorded.position) | _levels(row, event)
        elif isinstance(event, e.CreatorEvent):
            row = rows[recorded.stream]
            row |= _decided(event)
            if isinstance(event, e.CreatorConnected):
                row["connected_at"] = at
            row |= {"version": row["version"] + 1, "updated_at": at}
    for row in rows.values():
        named = row["display_name"]
        named = row["scraped_display_name"] if named is None else named
        texts = (row["tiktok_handle"], (named or "").strip().casefold())
        kept = dict.fromkeys(text for text in (*texts, *row["tag_keys"]) if text)
        row["searched"] = "\n".join(kept)
    return rows


def creator_search(events: Iterable[RecordedEvent]) -> Rows:
    kept = ("organization_id", "id", "project_id", "created_at", "status")
    return {
        row["id"]: {
            **{column: row[column] for column in kept},
            "tiktok_handle": row["tiktok_handle"],
            "searched": row["searched"],
            "follower_bucket": _digits(row["follower_count"]),
        }
        for row in creator_list(events).values()
    }


def scrape_runs(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        match recorded.event:
            case e.ScrapeRequested() as requested:
                rows[recorded.stream] = {
                    "organization_id": requested.organization_id,
                    "id": recorded.stream,
                    "project_id": requested.project_id,
                    "creator_id": requested.creator_id,
                    "tiktok_handle": requested.handle,
                    "job_type": requested.job_type,
                    "trigger": requested.trigger,
                    "status": "queued",
                    "attempts": 0,
                    "requested_at": recorded.recorded_at,
                    **dict.fromkeys(_OF_ENDED_RUNS),
                }
            case e.ScrapeSucceeded() as ended:
                rows[recorded.stream] |= {
                    "status": "succeeded",
                    "outcome": "ok",
                    "finished_at": recorded.recorded_at,
                    "attempts": ended.attempts,
                    "provider": ended.provider,
                    "observed_at": ended.observed_at,
                    "duration_ms": ended.duration_ms,
                    "profile_observed": ended.profile_observed,
                    "videos_observed": ended.videos_observed,
                    "pages": ended.pages,
                    "payload_sha256": ended.payload_sha256,
                    "precision": ended.precision,
                    "videos_missing": len(ended.missing_video_ids),
                    "listed": ended.listed,
                    "listed_reason": ended.listed_reason,
                    "tried": _tried(ended),
                }
            case e.ScrapeFailed() as ended:
                rows[recorded.stream] |= {
                    "status": "failed",
                    "outcome": ended.outcome,
                    "finished_at": recorded.recorded_at,
                    "attempts": ended.attempts,
                    "provider": ended.provider,
                    "observed_at": ended.observed_at,
                    "error": ended.error,
                    "tried": _tried(ended),
                }
            case _:
                pass
    return rows


def _tried(ended: e.ScrapeSucceeded | e.ScrapeFailed) -> list[dict[str, Any]] | None:
    return [
        {**msgspec.structs.asdict(each), "detail": detail}
        for each, detail in zip(ended.tried, ended.tried_details, strict=True)
    ] or None


def videos(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    figures = video_figures(events)
    for recorded in events:
        event, at = recorded.event, recorded.recorded_at
        if not isinstance(event, e.VideoEvent):
            continue
        if recorded.version == 1:
            rows[recorded.stream] = {
                "organization_id": event.organization_id,
                "id": recorded.stream,
                "metadata": {},
                "tags": [],
                "tag_keys": [],
                "tracking_enabled": True,
                "version": 0,
                "created_at": at,
                **dict.fromkeys(_UNKNOWN_AT_FIRST),
            }
        row = rows[recorded.stream]
        row |= {"version": row["version"] + 1, "updated_at": at}
        match event:
            case e.VideoDiscovered():
                row |= _set(event, "project_id", "tiktok_video_id", "creator_id")
                row |= {"tiktok_handle": event.handle}
                row |= _set(event, "title", "posted_at")
                first = figures.get(recorded.stream, {}).get("posted_position")
                if event.posted_at and first and first < recorded.position:
                    row["posted_at"] = figures[recorded.stream]["posted_at"]
                row["kind"] = event.kind or row["kind"]
                if recorded.version == 1 or row["merged_into"]:
                    row["tracking_status"] = event.tracking_status
                row["merged_into"] = None
            case e.VideoAdded():
                row |= {"tracking_status": "direct_add", "tracking_enabled": True}
                row["merged_into"] = None
                if recorded.version == 1:
                    row |= _set(event, "project_id", "tiktok_video_id", "kind", "tags")
                    row["tag_keys"] = [tag.casefold() for tag in row["tags"]]
                    row |= {"tiktok_handle": event.handle}
            case e.VideoCameIntoWindow():
                row["tracking_status"] = event.tracking_status
            case e.VideoIncluded():
                row |= {"tracking_status": "included", "tracking_enabled": True}
            case e.VideoExcluded():
                row["tracking_status"] = "excluded"
            case e.VideoMerged():
                row |= {"tracking_status": "merged", "tracking_enabled": True}
                row["merged_into"] = event.into_video_id
            case e.VideoPutBack():
                row["tracking_status"] = "pending_review"
                row["tracking_enabled"] = True
            case e.VideoTrackingDisabled():
                row["tracking_enabled"] = False
            case e.VideoDetailsChanged():
                row |= _set(event, "description", "readme", "metadata", "tags")
                row["tag_keys"] = [tag.casefold() for tag in row["tags"]]
            case e.VideoWentMissing():
                row["missing_since"] = event.missing_since
    moved = _moved(events)
    for row in rows.values():
        row["project_id"] = moved.get(row["creator_id"], row["project_id"])
    return rows


def moved_creators(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        if isinstance(event := recorded.event, e.CreatorMoved):
            rows[recorded.stream] = {
                "organization_id": event.organization_id,
                "id": recorded.stream,
                "project_id": event.new_project_id,
                "position": recorded.position,
            }
    return rows


def _moved(events: Iterable[RecordedEvent]) -> dict[UUID, UUID]:
    """Where each creator that moved is now."""
    return {id_: row["project_id"] for id_, row in moved_creators(events).items()}


def video_figures(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    counts: dict[tuple[UUID, str], list[tuple[datetime, int, int | None]]] = {}
    for recorded in events:
        event = recorded.event
        if not isinstance(event, e.VideoStatsSnapshotRecorded) or not event.project_id:
            continue
        for index, tiktok_video_id in enumerate(event.video_ids):
            row_id = video_stream(event.project_id, tiktok_video_id)
            row = rows.setdefault(
                row_id,
                {
                    "first_seen_at": event.observed_at,
                    "posted_position": None,
                    "older_counts": None,
                    **dict.fromkeys(_SEEN_OF_VIDEOS),
                },
            )
            seen: Row = {
                column: getattr(event, array)[index] if getattr(event, array) else None
                for column, array in _SEEN_OF_VIDEOS.items()
            }
            last = row.get("observed_at")
            is_newer = last is None or event.observed_at >= last
            for column, value in seen.items():
                if column.endswith("_count"):
                    counts.setdefault((row_id, column), []).append(
                        (event.observed_at, recorded.position, value)
                    )
                elif column == "posted_at":
                    if value is not None and row[column] is None:
                        row |= {column: value, "posted_position": recorded.position}
                elif value is not None and (is_newer or row[column] is None):
                    row[column] = value
            if event.creator_id and (is_newer or not row.get("creator_id")):
                row["creator_id"] = event.creator_id
            row.setdefault("creator_id", None)
            if is_newer:
                row |= {"observed_at": event.observed_at, "position": recorded.position}
            row["first_seen_at"] = min(row["first_seen_at"], event.observed_at)
            row["organization_id"] = event.organization_id
            row["id"] = row_id
    for (row_id, column), some in counts.items():
        row = rows[row_id]
        known = [one for one in some if one[2] is not None and one[2] >= 0]
        if not known:
            continue
        at, position, row[column] = max(known)
        if (at, position) != (row["observed_at"], row["position"]):
            since = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
            older = row["older_counts"] or {}
            row["older_counts"] = {**older, column: [since, position]}
    return rows


def creator_history(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    owners = _owners(events)
    for recorded in events:
        event: Any = recorded.event
        if isinstance(event, e.VideoEvent):
            creator_id = owners.get(recorded.stream)
        elif isinstance(event, e.ScrapeEvent):
            creator_id = event.creator_id
        elif isinstance(event, e.CreatorEvent):
            creator_id = recorded.stream
        elif isinstance(event, e.CampaignJoined | e.CampaignLeft):
            creator_id = event.item_id if event.item_type == "creator" else None
        else:
            continue
        if creator_id is not None:
            rows[recorded.position] = {
                "organization_id": event.organization_id,
                "creator_id": creator_id,
                "position": recorded.position,
                "event": _NAMES[type(event)],
                "observed_at": event.observed_at
                if isinstance(event, e.ProfileSnapshotRecorded)
                else None,
            }
    return rows


def creator_history_videos(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    owners = _owners(events)
    for recorded in events:
        event = recorded.event
        if isinstance(event, e.VideoDiscovered | e.VideoAdded):
            rows.setdefault(
                recorded.stream,
                {
                    "organization_id": event.organization_id,
                    "id": recorded.stream,
                    "tiktok_video_id": event.tiktok_video_id,
                    "creator_id": owners.get(recorded.stream),
                    "early": [],
                },
            )
        if isinstance(event, e.VideoEvent) and recorded.stream not in owners:
            early = [recorded.position, _NAMES[type(event)]]
            rows[recorded.stream]["early"].append(early)
    return rows


def creator_milestones(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    seen = [
        (recorded.event.observed_at, recorded.position, recorded.event)
        for recorded in events
        if isinstance(recorded.event, e.ProfileSnapshotRecorded)
        and recorded.event.follower_count is not None
        and recorded.event.follower_count >= 0
    ]
    for observed_at, position, event in sorted(seen, key=lambda each: each[:2]):
        assert event.follower_count is not None
        passed = [mark for mark in _MARKS if event.follower_count >= mark]
        for mark in (0, *passed):
            rows.setdefault(
                (event.creator_id, mark),
                {
                    "organization_id": event.organization_id,
                    "creator_id": event.creator_id,
                    "mark": mark,
                    "observed_at": observed_at,
                    "position": position,
                    "followers": event.follower_count,
                },
            )
    return rows


def campaigns(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for recorded in events:
        match recorded.event:
            case e.CampaignCreated() as created:
                rows[recorded.stream] = {
                    "id": recorded.stream,
                    **{
                        name: getattr(created, name)
                        for name in created.__struct_fields__
                    },
                    **dict.fromkeys(("target_views", "target_at", "deleted_at")),
                    **dict.fromkeys(("target_posts", "target_engagement")),
                    **dict.fromkeys(_CAMPAIGN_COUNTS.values(), 0),
                    "created_at": recorded.recorded_at,
                }
            case e.CampaignDetailsChanged() as change:
                names = ("name", "description", "readme", "metadata")
                others = ("starts_on", "ends_on", "cost_minor", "currency")
                rows[recorded.stream] |= _set(change, *names, *others)
            case e.CampaignTargetChanged() as change:
                names = ("target_views", "target_at", "target_scope")
                others = ("target_posts", "target_engagement")
                rows[recorded.stream] |= _set(change, *names, *others)
            case e.CampaignTargetReached() | e.CampaignTargetMissed():
                pass
            case e.CampaignItemAdded(item_type=item_type):
                rows[recorded.stream][_CAMPAIGN_COUNTS[item_type]] += 1
            case e.CampaignItemRemoved(item_type=item_type):
                rows[recorded.stream][_CAMPAIGN_COUNTS[item_type]] -= 1
            case e.CampaignDeleted():
                rows[recorded.stream] |= dict.fromkeys(_CAMPAIGN_COUNTS.values(), 0)
                rows[recorded.stream]["deleted_at"] = recorded.recorded_at
            case _:
                continue
        rows[recorded.stream]["version"] = recorded.version
        rows[recorded.stream]["updated_at"] = recorded.recorded_at
    return rows


def campaign_items(events: Iterable[RecordedEvent]) -> Rows:
    rows: dict[Any, Row] = {}
    for recorded in events:
        match recorded.event:
            case e.CampaignItemAdded() as added:
                rows[recorded.stream, added.item_id] = {
                    "organization_id": added.organization_id,
                    "campaign_id": recorded.stream,
                    "item_id": added.item_id,
                    "item_type": added.item_type,
                    "position": recorded.position,
                    "added_at": recorded.recorded_at,
                }
            case e.CampaignItemRemoved(item_id=item_id):
                del rows[recorded.stream, item_id]
            case e.CampaignDeleted():
                rows = {
                    key: row for key, row in rows.items() if key[0] != recorded.stream
                }
            case _:
                pass
    return rows


def _owners(events: Iterable[RecordedEvent]) -> dict[UUID, UUID]:
    """The creator of each video that a run discovered."""
    return {
        recorded.stream: recorded.event.creator_id
        for recorded in events
        if isinstance(recorded.event, e.VideoDiscovered | e.VideoMerged)
    }


FOLDS: dict[str, Callable[[Iterable[RecordedEvent]], Rows]] = {
    "organizations": organizations,
    "api_keys": api_keys,
    "projects": projects,
    "bans": bans,
    "creator_list": creator_list,
    "creator_search": creator_search,
    "scrape_runs": scrape_runs,
    "videos": videos,
    "video_figures": video_figures,
    "video_attributes": video_attributes,
    "moved_creators": moved_creators,
    "creator_history": creator_history,
    "creator_history_videos": creator_history_videos,
    "creator_milestones": creator_milestones,
    "campaigns": campaigns,
    "campaign_items": campaign_items,
    "annotations": annotations,
    "views": views,
    "shares": shares,
    "reports": reports,
    "report_issues": report_issues,
    "webhooks": webhooks,
    "channels": channels,
    "alert_rules": alert_rules,
    "alerts": alerts,
    "imports": imports,
    "activity": activity,
    "audit": audit,
    "audit_members": audit_members,
    "feed": feed,
}


def expected(events: Sequence[RecordedEvent]) -> dict[str, list[Row]]:
    """Return the rows of every read model, each table sorted."""
    return {table: _ordered(fold(events).values()) for table, fold in FOLDS.items()}


def stored(connection: Connection[TupleRow]) -> dict[str, list[Row]]:
    """Return the rows that the tables really hold, in the same order."""
    return {table: rows_of(connection, table) for table in FOLDS}


def rows_of(connection: Connection[TupleRow], table: str) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
        return _ordered(cursor.execute(query).fetchall())


_NAMES = {cls: name for name, cls in e.STORED_NAMES.items()}
_MARKS = [
    *(1_000, 5_000, 10_000, 50_000, 100_000, 500_000),
    *(1_000_000, 5_000_000, 10_000_000, 50_000_000, 100_000_000, 500_000_000),
    *(1_000_000_000, 5_000_000_000),
]
_NUMBERS_OF_SETTINGS = (
    *("creator_profiles_hours", "discover_videos_hours", "video_stats_hours"),
    "erase_removed_after_days",
)
_OF_ENDED_RUNS = (
    *("outcome", "error", "provider", "observed_at", "duration_ms", "profile_observed"),
    *("videos_observed", "pages", "payload_sha256", "finished_at", "precision"),
    *("videos_missing", "listed", "listed_reason", "tried"),
)
_UNKNOWN_AT_FIRST = (
    *("creator_id", "kind", "title", "posted_at", "description", "readme"),
    *("missing_since", "merged_into"),
)
_SEEN_OF_VIDEOS = {
    "kind": "kinds",
    "title": "titles",
    "posted_at": "posted_at",
    "thumbnail_url": "thumbnail_urls",
    "view_count": "view_counts",
    "like_count": "like_counts",
    "comment_count": "comment_counts",
    "share_count": "share_counts",
    "save_count": "save_counts",
}
_KEYS = ("id", "creator_id", "handle", "person_id", "organization_id")
_FIGURES = {
    "display_name": "scraped_display_name",
    "avatar_url": "avatar_url",
    "follower_count": "follower_count",
    "following_count": "following_count",
    "total_likes_count": "total_likes_count",
    "video_count": "video_count",
}


_COUNTS = ("follower_count", "following_count", "total_likes_count", "video_count")
_CAMPAIGN_COUNTS = {
    "creator": "creator_count",
    "video": "video_count",
    "campaign": "campaign_count",
}
_NOT_FAILING: Row = {"failing_since": None, "failed_scrapes": 0, "failing_kinds": []}


def _failure_of(row: Row, job_type: str) -> Row:
    found = [kind for kind in row["failing_kinds"] if kind["job_type"] == job_type]
    return found[0] if found else {}


def _fails(row: Row, job_type: str, failure: Row | None) -> None:
    """Set the failure of a kind; None: it does not fail."""
    kinds = [kind for kind in row["failing_kinds"] if kind["job_type"] != job_type]
    kinds += [] if failure is None else [failure]
    kinds.sort(key=lambda kind: datetime.fromisoformat(kind["failing_since"]))
    since = [datetime.fromisoformat(kind["failing_since"]) for kind in kinds]
    row["failing_kinds"] = kinds
    row["failing_since"] = min(since, default=None)
    row["failed_scrapes"] = sum(kind["failed_scrapes"] for kind in kinds)


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _new_creator(recorded: RecordedEvent, event: e.CreatorAdded) -> Row:
    return {
        "organization_id": event.organization_id,
        "id": recorded.stream,
        "project_id": event.project_id,
        "tiktok_handle": event.handle,
        "display_name": None,
        "description": event.description,
        "readme": event.readme,
        "metadata": event.metadata,
        "tags": event.tags,
        "tag_keys": [tag.casefold() for tag in event.tags],
        "tracking_mode": event.tracking_mode,
        "tracking_start_date": event.tracking_start_date,
        "tracking_end_date": event.tracking_end_date,
        "status": "active",
        "disabled_reason": None,
        "duplicate_of": None,
        "connected_at": None,
        "version": 1,
        "created_at": recorded.recorded_at,
        "updated_at": recorded.recorded_at,
        "last_scraped_at": None,
        "last_outcome": None,
        **_NOT_FAILING,
        "run_position": None,
        "profile_observed_at": None,
        "profile_position": None,
        **dict.fromkeys(_FIGURES.values()),
        "rounded_counts": [],
    }


def _figures(seen: e.ProfileSnapshotRecorded, position: int) -> Row:
    figures: Row = {
        "profile_observed_at": seen.observed_at,
        "profile_position": position,
    }
    for field, column in _FIGURES.items():
        value = getattr(seen, field)
        if value is not None and not (isinstance(value, int) and value < 0):
            figures[column] = value
    return figures


def _levels(row: Row, seen: e.ProfileSnapshotRecorded) -> Row:
    """The counts that are rounded, and those that a rounded one only confirmed."""
    rounded, kept = set(row["rounded_counts"]), {}
    for column in _COUNTS:
        new, old = getattr(seen, column), row[column]
        if new is None or new < 0:
            continue
        step = _shown_in_steps_of(new) if seen.precision == "rounded" else 1
        if step == 1:
            rounded.discard(column)
        elif old is None or column in rounded or not new - step < old < new + step:
            rounded.add(column)
        else:
            kept[column] = old
    return {"rounded_counts": [name for name in _COUNTS if name in rounded], **kept}


def _shown_in_steps_of(count: int) -> int:
    if count < 10_000:
        return 1
    return 100 if count < 10**6 else 10**5 if count < 10**9 else 10**8


def _decided(event: e.CreatorEvent) -> Row:
    match event:
        case e.HandleChanged(new=handle):
            return {"tiktok_handle": handle, "duplicate_of": None}
        case e.CreatorDetailsChanged():
            texts = ("display_name", "description", "readme", "metadata")
            tags = _set(event, "tags")
            keys = {"tag_keys": [tag.casefold() for tag in tags.get("tags", ())]}
            return _set(event, *texts) | (tags | keys if tags else {})
        case e.TrackingModeChanged(new=mode):
            return {"tracking_mode": mode}
        case e.TrackingWindowChanged():
            return _set(event, "tracking_start_date", "tracking_end_date")
        case e.CreatorMoved(new_project_id=project_id):
            return {"project_id": project_id}
        case e.CreatorRemoved():
            return {"status": "removed", "disabled_reason": None}
        case e.CreatorReactivated():
            requested = ("tracking_mode", "tracking_start_date", "tracking_end_date")
            again = {"last_outcome": None, "duplicate_of": None, **_NOT_FAILING}
            return {"status": "active", **_set(event, *requested), **again}
        case e.CreatorAutoDisabled(verdict=verdict):
            first = {"duplicate_of": event.duplicate_of}
            return {"status": "disabled", "disabled_reason": verdict, **first}
        case e.CreatorDisabled():
            return {"status": "disabled", "disabled_reason": "by_hand"}
        case e.CreatorReenabled():
            again = {"disabled_reason": None, "duplicate_of": None}
            return {"status": "active", **again}
        case e.CreatorConnected():
            return {}
        case e.CreatorConnectionLost():
            return {"connected_at": None}
        case _:
            raise AssertionError(event)


def _set(event: e.Event, *names: str) -> Row:
    values = {name: getattr(event, name) for name in names}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}


def _digits(followers: int | None) -> int:
    """Binary digits of a count; unknown is as -1, and smaller numbers have fewer."""
    if followers is None:
        return -1
    if followers < 0:
        return -1 - _digits(-1 - followers)
    return len(f"{followers:b}") if followers else 0


def _ordered(rows: Iterable[Row]) -> list[Row]:
    def place(row: Row) -> tuple[str, int]:
        several = row.get("mark", row.get("position"))
        return str(next(filter(None, map(row.get, _KEYS)))), several or 0

    return sorted(rows, key=place)
