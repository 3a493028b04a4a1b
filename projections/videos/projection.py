"""videos: one row for each video of a project, from its own events."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import set_fields
from domain.tags import tag_keys
from domain.video.decider import DETAILS
from domain.video.tracking import Tracking, tracking_after
from infra.eventstore.store import RecordedEvent
from projections.engine.erasures import (
    ERASURE_EVENTS,
    ErasedSubject,
    cut_at_erasures,
)
from projections.engine.folds import Folds, stored_names
from projections.engine.table import Table
from projections.videos.attributes import write_attributes
from projections.videos.erased import NOTE_ERASED
from projections.videos.latest_counts import FIGURE_EVENTS, write_figures


class VideoRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A video without its figures, which are in ``VideoFiguresRow``.

    ``posted_at`` is that of its discovery, or of a snapshot before that.
    ``missing_since`` is the last reported absence; a video observed after it is not
    missing. ``merged_into`` is the creator's video that replaced this one.
    """

    organization_id: UUID
    id: UUID
    project_id: UUID
    creator_id: UUID | None = None
    tiktok_video_id: str
    tiktok_handle: str
    kind: str | None = None
    title: str | None = None
    posted_at: datetime | None = None
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any]
    tags: list[str] = []
    tag_keys: list[str] = []
    tracking_status: e.TrackingStatus
    tracking_enabled: bool = True
    missing_since: datetime | None = None
    merged_into: UUID | None = None
    version: int
    created_at: datetime
    updated_at: datetime


# Each fold returns the columns that an event sets on the row of a known video.
on = Folds[[VideoRow], dict[str, Any]]()


@on(e.VideoDiscovered)
def _discovered(event: e.VideoDiscovered, row: VideoRow) -> dict[str, Any]:
    # TikTok's handle and kind are more reliable than those in the URL of a video that
    # was added by hand.
    return {
        "creator_id": event.creator_id,
        "tiktok_handle": event.handle,
        "kind": event.kind or row.kind,
        "title": event.title,
        "posted_at": event.posted_at,
        **_tracking(event, row),
    }


@on(
    e.VideoAdded,
    e.VideoCameIntoWindow,
    e.VideoIncluded,
    e.VideoExcluded,
    e.VideoPutBack,
    e.VideoTrackingDisabled,
    e.VideoMerged,
)
def _tracking_changed(event: e.VideoEvent, row: VideoRow) -> dict[str, Any]:
    return _tracking(event, row)


def _tracking(event: e.VideoEvent, row: VideoRow) -> dict[str, Any]:
    before = Tracking(row.tracking_status, row.tracking_enabled)
    after = tracking_after(before, event)
    assert after is not None, "the video was there before"
    return {
        "tracking_status": after.status,
        "tracking_enabled": after.is_enabled,
        "merged_into": _merged_into(event, row),
    }


def _merged_into(event: e.VideoEvent, row: VideoRow) -> UUID | None:
    match event:
        case e.VideoMerged(into_video_id=into):
            return into
        case e.VideoAdded() | e.VideoDiscovered():
            return None
        case _:
            return row.merged_into


@on(e.VideoDetailsChanged)
def _details_changed(event: e.VideoDetailsChanged, _: VideoRow) -> dict[str, Any]:
    changed = set_fields(event, DETAILS)
    if event.tags is not UNSET:
        changed["tag_keys"] = tag_keys(event.tags)
    return changed


@on(e.VideoWentMissing)
def _went_missing(event: e.VideoWentMissing, _: VideoRow) -> dict[str, Any]:
    return {"missing_since": event.missing_since}


@on(e.VideoTookOff)
def _took_off(_: e.VideoTookOff, __: VideoRow) -> dict[str, Any]:
    # Only the version changes, with which a client sends its next change.
    return {}


_DAY = "date_trunc('day', {}, %(time_zone)s)"
_OF_WHO_IS_ERASED = """
WHERE organization_id = %(organization)s
AND (creator_id = %(creator)s OR id = ANY(%(videos)s))
"""
_VIDEOS_WITHOUT_PERSON = f"""
UPDATE videos SET tiktok_video_id = 'erased', tiktok_handle = %(handle)s,
    title = NULL, description = NULL, readme = NULL, metadata = '{{}}', tags = '{{}}',
    tag_keys = '{{}}', posted_at = {_DAY.format("posted_at")}
{_OF_WHO_IS_ERASED}
"""
_TEXTS_WITHOUT_PERSON = f"""
UPDATE video_figures SET title = NULL, thumbnail_url = NULL {_OF_WHO_IS_ERASED}
"""
# A sound, hashtags and a length together identify a video.
_NO_ATTRIBUTES = f"DELETE FROM video_attributes {_OF_WHO_IS_ERASED}"
# TikTok's pages show the counts and the second of posting next to the name.
_FIGURES_WITHOUT_PERSON = f"""
UPDATE video_figures f SET title = NULL, thumbnail_url = NULL, view_count = NULL,
    like_count = NULL, comment_count = NULL, share_count = NULL, save_count = NULL,
    older_counts = NULL, posted_at = {_DAY.format("posted_at")}
FROM erased_videos e
WHERE e.organization_id = %(organization)s AND e.position = %(position)s
AND f.organization_id = e.organization_id AND f.id = e.id
"""
_MOVE_EVENTS = stored_names(e.CreatorMoved)
# A video's own events keep the creator's first project, so this table has the moves.
_MOVED = """
INSERT INTO moved_creators AS held (organization_id, id, project_id, position)
SELECT DISTINCT ON (o, c) o, c, p, n
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::bigint[]) AS moved (o, c, p, n)
ORDER BY o, c, n DESC
ON CONFLICT (organization_id, id) DO UPDATE
SET project_id = excluded.project_id, position = excluded.position
WHERE held.position < excluded.position
"""
_FOLLOW = """
UPDATE videos v SET project_id = m.project_id
FROM moved_creators m
WHERE m.organization_id = v.organization_id AND m.id = v.creator_id
AND (m.organization_id, m.id) IN (SELECT * FROM unnest(%b::uuid[], %b::uuid[]))
AND v.project_id <> m.project_id
"""


class Videos:
    """Keeps the table videos, and the tables that follow from it."""

    name = "videos"
    version = 2
    tables = (
        *("videos", "video_figures", "video_attributes"),
        *("moved_creators", "erased_videos"),
    )
    events = on.events | FIGURE_EVENTS | _MOVE_EVENTS | ERASURE_EVENTS

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their videos' rows, and save each changed row once."""
        for part, erasure in cut_at_erasures(events):
            write_figures(cursor, part)
            write_attributes(cursor, part)
            _TABLE.fold(cursor, part, key=_key, fold=fold_video)
            _keep_first_times(cursor, part)
            _follow_creators(cursor, part)
            if erasure is not None:
                _erase(cursor, erasure)


_TABLE = Table(VideoRow, name="videos")
_FIRST_TIMES = """
UPDATE videos v SET posted_at = f.posted_at
FROM unnest(%(ids)s::uuid[], %(positions)s::bigint[]) AS discovered (one, at)
JOIN video_figures f ON f.id = one AND f.posted_position < at
WHERE v.id = one AND v.organization_id = f.organization_id
AND v.posted_at <> f.posted_at
"""


def _keep_first_times(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
) -> None:
    """Keep a time of posting that is known from before the discovery."""
    discovered = {
        recorded.stream: recorded.position
        for recorded in events
        if isinstance(recorded.event, e.VideoDiscovered) and recorded.event.posted_at
    }
    if discovered:
        params = {"ids": [*discovered], "positions": [*discovered.values()]}
        cursor.execute(_FIRST_TIMES.encode(), params, prepare=True)


def _erase(cursor: Cursor[TupleRow], erasure: ErasedSubject) -> None:
    erasure.execute(cursor, NOTE_ERASED)
    if erasure.is_dropped:
        erasure.execute(
            cursor,
            f"DELETE FROM videos {_OF_WHO_IS_ERASED}",
            f"DELETE FROM video_figures {_OF_WHO_IS_ERASED}",
            _NO_ATTRIBUTES,
        )
    else:
        erasure.execute(
            cursor,
            _VIDEOS_WITHOUT_PERSON,
            _TEXTS_WITHOUT_PERSON,
            _FIGURES_WITHOUT_PERSON,
            _NO_ATTRIBUTES,
        )


def load_video_rows(
    cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, UUID]]
) -> dict[UUID, VideoRow]:
    """Return the rows with these (organization id, video id) keys, by video."""
    return _TABLE.load(cursor, keys)


def fold_video(row: VideoRow | None, recorded: RecordedEvent) -> VideoRow | None:
    """Return the row after an event of the video's own stream."""
    event = recorded.event
    if row is None:
        if isinstance(event, e.VideoDiscovered | e.VideoAdded):
            return _first(event, recorded)
        return None
    if recorded.version <= row.version:
        return row
    return replace(
        row,
        version=recorded.version,
        updated_at=recorded.recorded_at,
        **on.fold(event, row),
    )


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID] | None:
    event: Any = recorded.event
    return (event.organization_id, recorded.stream) if event in on else None


def _first(
    event: e.VideoDiscovered | e.VideoAdded, recorded: RecordedEvent
) -> VideoRow:
    row = VideoRow(
        organization_id=event.organization_id,
        id=recorded.stream,
        project_id=event.project_id,
        tiktok_video_id=event.tiktok_video_id,
        tiktok_handle=event.handle,
        kind=event.kind,
        metadata={},
        tracking_status="direct_add",
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )
    if isinstance(event, e.VideoAdded):
        return replace(row, tags=event.tags, tag_keys=tag_keys(event.tags))
    row = replace(row, **_discovered(event, row))
    return replace(row, tracking_status=event.tracking_status)


def _follow_creators(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    """Store moves, and put the videos of moved creators into their present projects.

    The events must have been folded into the videos before.
    """
    concerned: set[tuple[UUID, UUID]] = set()
    moved: list[tuple[UUID, UUID, UUID, int]] = []
    for recorded in events:
        event = recorded.event
        if isinstance(event, e.CreatorMoved):
            key = event.organization_id, recorded.stream
            moved.append((*key, event.new_project_id, recorded.position))
            concerned.add(key)
        elif isinstance(event, e.VideoDiscovered):
            concerned.add((event.organization_id, event.creator_id))
    if moved:
        columns = [list(column) for column in zip(*moved, strict=True)]
        cursor.execute(_MOVED, columns, prepare=True)
    if concerned:
        some = sorted(concerned)
        cursor.execute(
            _FOLLOW,
            ([one[0] for one in some], [one[1] for one in some]),
            prepare=True,
        )
