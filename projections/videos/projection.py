"""videos: one row a video and project, as its own events tell it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.video.decider import changed_details
from infra.eventstore.store import RecordedEvent
from projections.engine.table import Table
from projections.videos.latest_counts import write_figures


class VideoRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A video as it was found, added and decided about; figures are elsewhere.

    ``missing_since`` is what was last reported: a video that was seen later is there.
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
    tracking_status: e.TrackingStatus
    tracking_enabled: bool = True
    missing_since: datetime | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class Videos:
    """Keeps the tables videos and video_figures."""

    name = "videos"
    version = 1
    tables = ("videos", "video_figures")
    events = frozenset(
        {
            "video_discovered",
            "video_added",
            "video_came_into_window",
            "video_included",
            "video_excluded",
            "video_put_back",
            "video_tracking_disabled",
            "video_details_changed",
            "video_went_missing",
            "video_stats_snapshot_recorded",
        }
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into the rows they are about, and save each row once."""
        write_figures(cursor, events)
        told = [
            (key, recorded)
            for recorded in events
            if (key := _key(recorded)) is not None
        ]
        before = load_video_rows(cursor, dict.fromkeys(key for key, _ in told))
        after: dict[UUID, VideoRow] = dict(before)
        for (_, video_id), recorded in told:
            folded = fold_video(after.get(video_id), recorded)
            if folded is not None:
                after[video_id] = folded
        _TABLE.save(
            cursor, [row for key, row in after.items() if row is not before.get(key)]
        )


_TABLE = Table(VideoRow, name="videos")


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
        **_decided(row, event),
    )


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID] | None:
    event: Any = recorded.event
    if isinstance(event, e.VideoStatsSnapshotRecorded):
        return None
    return event.organization_id, recorded.stream


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
        return row
    return replace(row, tracking_status=event.tracking_status, **_found(row, event))


def _decided(row: VideoRow, event: e.Event) -> dict[str, Any]:
    """Return the columns that an event about a known video sets."""
    match event:
        case e.VideoDiscovered():
            return _found(row, event)
        case e.VideoAdded():
            return {"tracking_status": "direct_add", "tracking_enabled": True}
        case e.VideoCameIntoWindow(tracking_status=status):
            return {"tracking_status": status}
        case e.VideoIncluded():
            return {"tracking_status": "included", "tracking_enabled": True}
        case e.VideoExcluded():
            return {"tracking_status": "excluded"}
        case e.VideoPutBack():
            return {"tracking_status": "pending_review", "tracking_enabled": True}
        case e.VideoTrackingDisabled():
            return {"tracking_enabled": False}
        case e.VideoDetailsChanged():
            return changed_details(event)
        case e.VideoWentMissing(missing_since=since):
            return {"missing_since": since}
        case _:
            msg = f"videos takes in no {type(event).__name__}."
            raise TypeError(msg)


def _found(row: VideoRow, event: e.VideoDiscovered) -> dict[str, Any]:
    """Return what is known of a video once a run listed it.

    Of one that was added by hand before, TikTok knows the handle and kind better than
    whoever typed the URL.
    """
    return {
        "creator_id": event.creator_id,
        "tiktok_handle": event.handle,
        "kind": event.kind or row.kind,
        "title": event.title,
        "posted_at": event.posted_at,
    }
