"""What the read models must hold: each told again as a plain fold over all events.

Nothing here is shared with what it checks, not even a column's name.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, sql
from psycopg.rows import TupleRow, dict_row

from domain import events as e
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent

Row = dict[str, Any]
Rows = dict[Any, Row]


def organizations(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for past in events:
        match past.event:
            case e.OrganizationCreated(name=name, plan=plan, time_zone=zone):
                rows[past.stream] = {
                    "organization_id": past.stream,
                    "name": name,
                    "plan": plan,
                    "time_zone": zone,
                    **dict.fromkeys(_HOURS),
                    "is_operator": None,
                    "version": 1,
                    "created_at": past.recorded_at,
                    "updated_at": past.recorded_at,
                    "position": past.position,
                }
            case e.PlanChanged(new=plan):
                rows[past.stream] |= {
                    "plan": plan,
                    "version": rows[past.stream]["version"] + 1,
                    "updated_at": past.recorded_at,
                    "position": past.position,
                }
            case e.OperatorChanged(is_operator=is_operator):
                rows[past.stream] |= {
                    "is_operator": is_operator,
                    "version": rows[past.stream]["version"] + 1,
                    "updated_at": past.recorded_at,
                    "position": past.position,
                }
            case e.OrganizationSettingsChanged() as change:
                rows[past.stream] |= _set(change, "name", "time_zone", *_HOURS)
                rows[past.stream] |= {
                    "version": rows[past.stream]["version"] + 1,
                    "updated_at": past.recorded_at,
                    "position": past.position,
                }
            case _:
                pass
    return rows


def api_keys(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for past in events:
        match past.event:
            case e.ApiKeyCreated() as key:
                rows[key.key_id] = {
                    "organization_id": past.stream,
                    "id": key.key_id,
                    "name": key.name,
                    "digest": key.digest,
                    "hint": key.hint,
                    "scopes": list(key.scopes),
                    "created_at": past.recorded_at,
                    "expires_at": key.expires_at,
                    "revoked_at": None,
                }
            case e.ApiKeyRevoked(key_id=key_id):
                rows[key_id]["revoked_at"] = past.recorded_at
            case _:
                pass
    return rows


def projects(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for past in events:
        match past.event:
            case e.ProjectCreated(project_id=project_id, name=name, description=text):
                rows[project_id] = {
                    "organization_id": past.stream,
                    "id": project_id,
                    "name": name,
                    "description": text,
                    "version": 1,
                    "created_at": past.recorded_at,
                    "updated_at": past.recorded_at,
                    "position": past.position,
                }
            case e.ProjectDetailsChanged(project_id=project_id) as change:
                row = rows[project_id]
                row |= _set(change, "name", "description")
                row["version"] += 1
                row["updated_at"] = past.recorded_at
                row["position"] = past.position
            case _:
                pass
    return rows


def bans(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for past in events:
        match past.event:
            case e.HandleBanned(handle=handle, reason=reason):
                rows[handle] = {
                    "handle": handle,
                    "reason": reason,
                    "created_at": past.recorded_at,
                }
            case e.HandleUnbanned(handle=handle):
                del rows[handle]
            case _:
                pass
    return rows


def creator_list(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    newest: dict[UUID, tuple[Any, int]] = {}
    for past in events:
        event, at = past.event, past.recorded_at
        if isinstance(event, e.CreatorAdded):
            rows[past.stream] = _new_creator(past, event)
        elif isinstance(event, e.ScrapeSucceeded):
            if event.provider != "import":
                rows[event.creator_id] |= {
                    "last_scraped_at": at,
                    "last_outcome": "ok",
                    **_NOT_FAILING,
                    "run_position": past.position,
                }
        elif isinstance(event, e.ScrapeFailed):
            row = rows.get(event.creator_id)
            if row is None or event.provider == "import":
                continue
            row["run_position"] = past.position
            if row["status"] == "removed":
                continue
            row["last_outcome"] = event.outcome
            if event.outcome != "not_in_recording":
                row["failing_since"] = row["failing_since"] or at
                row["failed_scrapes"] += 1
        elif isinstance(event, e.ProfileSnapshotRecorded):
            seen = (event.observed_at, past.position)
            if seen > newest.get(event.creator_id, (seen[0], 0)):
                newest[event.creator_id] = seen
                rows[event.creator_id] |= _figures(event, past.position)
        elif isinstance(event, e.CreatorEvent):
            row = rows[past.stream]
            row |= _decided(event)
            row |= {"version": row["version"] + 1, "updated_at": at}
    return rows


def creator_search(events: Iterable[RecordedEvent]) -> Rows:
    kept = ("organization_id", "id", "project_id", "created_at", "status")
    return {
        row["id"]: {
            **{column: row[column] for column in kept},
            "tiktok_handle": row["tiktok_handle"],
            "follower_bucket": _digits(row["follower_count"]),
        }
        for row in creator_list(events).values()
    }


def scrape_runs(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for past in events:
        match past.event:
            case e.ScrapeRequested() as asked:
                rows[past.stream] = {
                    "organization_id": asked.organization_id,
                    "id": past.stream,
                    "project_id": asked.project_id,
                    "creator_id": asked.creator_id,
                    "tiktok_handle": asked.handle,
                    "job_type": asked.job_type,
                    "trigger": asked.trigger,
                    "status": "queued",
                    "attempts": 0,
                    "requested_at": past.recorded_at,
                    **dict.fromkeys(_OF_ENDED_RUNS),
                }
            case e.ScrapeSucceeded() as ended:
                rows[past.stream] |= {
                    "status": "succeeded",
                    "outcome": "ok",
                    "finished_at": past.recorded_at,
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
                }
            case e.ScrapeFailed() as ended:
                rows[past.stream] |= {
                    "status": "failed",
                    "outcome": ended.outcome,
                    "finished_at": past.recorded_at,
                    "attempts": ended.attempts,
                    "provider": ended.provider,
                    "observed_at": ended.observed_at,
                    "error": ended.error,
                }
            case _:
                pass
    return rows


def videos(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for past in events:
        event, at = past.event, past.recorded_at
        if not isinstance(event, e.VideoEvent):
            continue
        if past.version == 1:
            rows[past.stream] = {
                "organization_id": event.organization_id,
                "id": past.stream,
                "metadata": {},
                "tracking_enabled": True,
                "version": 0,
                "created_at": at,
                **dict.fromkeys(_UNKNOWN_AT_FIRST),
            }
        row = rows[past.stream]
        row |= {"version": row["version"] + 1, "updated_at": at}
        match event:
            case e.VideoDiscovered():
                row |= _set(event, "project_id", "tiktok_video_id", "creator_id")
                row |= {"tiktok_handle": event.handle}
                row |= _set(event, "title", "posted_at")
                row["kind"] = event.kind or row["kind"]
                if past.version == 1:
                    row["tracking_status"] = event.tracking_status
            case e.VideoAdded():
                row |= {"tracking_status": "direct_add", "tracking_enabled": True}
                if past.version == 1:
                    row |= _set(event, "project_id", "tiktok_video_id", "kind")
                    row |= {"tiktok_handle": event.handle}
            case e.VideoCameIntoWindow():
                row["tracking_status"] = event.tracking_status
            case e.VideoIncluded():
                row |= {"tracking_status": "included", "tracking_enabled": True}
            case e.VideoExcluded():
                row["tracking_status"] = "excluded"
            case e.VideoPutBack():
                row["tracking_status"] = "pending_review"
                row["tracking_enabled"] = True
            case e.VideoTrackingDisabled():
                row["tracking_enabled"] = False
            case e.VideoDetailsChanged():
                row |= _set(event, "description", "readme", "metadata")
            case e.VideoWentMissing():
                row["missing_since"] = event.missing_since
    return rows


def video_figures(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    for past in events:
        event = past.event
        if not isinstance(event, e.VideoStatsSnapshotRecorded) or not event.project_id:
            continue
        for index, tiktok_video_id in enumerate(event.video_ids):
            row = rows.setdefault(
                video_stream(event.project_id, tiktok_video_id),
                {"first_seen_at": event.observed_at, **dict.fromkeys(_SEEN_OF_VIDEOS)},
            )
            seen: Row = {
                column: getattr(event, array)[index] if getattr(event, array) else None
                for column, array in _SEEN_OF_VIDEOS.items()
            }
            last = row.get("observed_at")
            is_newer = last is None or event.observed_at >= last
            for column, value in seen.items():
                if value is not None and (is_newer or row[column] is None):
                    row[column] = value
            if is_newer:
                row |= {"observed_at": event.observed_at, "position": past.position}
            row["first_seen_at"] = min(row["first_seen_at"], event.observed_at)
            row["organization_id"] = event.organization_id
            row["id"] = video_stream(event.project_id, tiktok_video_id)
    return rows


def creator_history(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    owners = _owners(events)
    for past in events:
        event: Any = past.event
        if isinstance(event, e.VideoEvent):
            creator_id = owners.get(past.stream)
        elif isinstance(event, e.ScrapeEvent):
            creator_id = event.creator_id
        elif isinstance(event, e.CreatorEvent):
            creator_id = past.stream
        else:
            continue
        if creator_id is not None:
            rows[past.position] = {
                "organization_id": event.organization_id,
                "creator_id": creator_id,
                "position": past.position,
                "event": _NAMES[type(event)],
                "observed_at": event.observed_at
                if isinstance(event, e.ProfileSnapshotRecorded)
                else None,
            }
    return rows


def creator_history_videos(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    owners = _owners(events)
    for past in events:
        event = past.event
        if isinstance(event, e.VideoDiscovered | e.VideoAdded):
            rows.setdefault(
                past.stream,
                {
                    "organization_id": event.organization_id,
                    "id": past.stream,
                    "tiktok_video_id": event.tiktok_video_id,
                    "creator_id": owners.get(past.stream),
                    "early": [],
                },
            )
        if isinstance(event, e.VideoEvent) and past.stream not in owners:
            early = [past.position, _NAMES[type(event)]]
            rows[past.stream]["early"].append(early)
    return rows


def creator_milestones(events: Iterable[RecordedEvent]) -> Rows:
    rows: Rows = {}
    seen = [
        (past.event.observed_at, past.position, past.event)
        for past in events
        if isinstance(past.event, e.ProfileSnapshotRecorded)
        and past.event.follower_count is not None
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


def _owners(events: Iterable[RecordedEvent]) -> dict[UUID, UUID]:
    """Whose each video is that a run discovered."""
    return {
        past.stream: past.event.creator_id
        for past in events
        if isinstance(past.event, e.VideoDiscovered)
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
    "creator_history": creator_history,
    "creator_history_videos": creator_history_videos,
    "creator_milestones": creator_milestones,
}


def expected(events: Sequence[RecordedEvent]) -> dict[str, list[Row]]:
    """Return the rows of every read model, each table in one certain order."""
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
_HOURS = ("creator_profiles_hours", "discover_videos_hours", "video_stats_hours")
_OF_ENDED_RUNS = (
    *("outcome", "error", "provider", "observed_at", "duration_ms", "profile_observed"),
    *("videos_observed", "pages", "payload_sha256", "finished_at", "precision"),
    "videos_missing",
)
_UNKNOWN_AT_FIRST = (
    *("creator_id", "kind", "title", "posted_at", "description", "readme"),
    "missing_since",
)
_SEEN_OF_VIDEOS = {
    "kind": "kinds",
    "title": "titles",
    "posted_at": "posted_at",
    "view_count": "view_counts",
    "like_count": "like_counts",
    "comment_count": "comment_counts",
    "share_count": "share_counts",
    "save_count": "save_counts",
}
_KEYS = ("id", "creator_id", "handle", "organization_id")
_FIGURES = {
    "display_name": "scraped_display_name",
    "avatar_url": "avatar_url",
    "follower_count": "follower_count",
    "following_count": "following_count",
    "total_likes_count": "total_likes_count",
    "video_count": "video_count",
}


_NOT_FAILING: Row = {"failing_since": None, "failed_scrapes": 0}


def _new_creator(past: RecordedEvent, event: e.CreatorAdded) -> Row:
    return {
        "organization_id": event.organization_id,
        "id": past.stream,
        "project_id": event.project_id,
        "tiktok_handle": event.handle,
        "display_name": None,
        "description": event.description,
        "readme": event.readme,
        "metadata": event.metadata,
        "tracking_mode": event.tracking_mode,
        "tracking_start_date": event.tracking_start_date,
        "tracking_end_date": event.tracking_end_date,
        "status": "active",
        "disabled_reason": None,
        "version": 1,
        "created_at": past.recorded_at,
        "updated_at": past.recorded_at,
        "last_scraped_at": None,
        "last_outcome": None,
        **_NOT_FAILING,
        "run_position": None,
        "profile_observed_at": None,
        "profile_position": None,
        **dict.fromkeys(_FIGURES.values()),
    }


def _figures(seen: e.ProfileSnapshotRecorded, position: int) -> Row:
    figures: Row = {
        "profile_observed_at": seen.observed_at,
        "profile_position": position,
    }
    for field, column in _FIGURES.items():
        if getattr(seen, field) is not None:
            figures[column] = getattr(seen, field)
    return figures


def _decided(event: e.CreatorEvent) -> Row:
    match event:
        case e.HandleChanged(new=handle):
            return {"tiktok_handle": handle}
        case e.CreatorDetailsChanged():
            return _set(event, "display_name", "description", "readme", "metadata")
        case e.TrackingModeChanged(new=mode):
            return {"tracking_mode": mode}
        case e.TrackingWindowChanged():
            return _set(event, "tracking_start_date", "tracking_end_date")
        case e.CreatorRemoved():
            return {"status": "removed", "disabled_reason": None}
        case e.CreatorReactivated():
            asked = ("tracking_mode", "tracking_start_date", "tracking_end_date")
            again = {"last_outcome": None, **_NOT_FAILING}
            return {"status": "active", **_set(event, *asked), **again}
        case e.CreatorAutoDisabled(verdict=verdict):
            return {"status": "disabled", "disabled_reason": verdict}
        case e.CreatorReenabled():
            return {"status": "active", "disabled_reason": None}
        case _:
            raise AssertionError(event)


def _set(event: e.Event, *names: str) -> Row:
    values = {name: getattr(event, name) for name in names}
    return {name: value for name, value in values.items() if value is not msgspec.UNSET}


def _digits(followers: int | None) -> int:
    """Binary digits of a count; unknown is as -1, and what is less has ever less."""
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
