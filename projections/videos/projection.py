"""videos: one row a video and project, as its own facts tell it."""

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
from infra.eventstore.store import Recorded
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
    facts = frozenset(
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

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Fold ``facts`` into the rows they are about, and save each row once."""
        write_figures(cursor, facts)
        told = [
            (key, recorded) for recorded in facts if (key := _key(recorded)) is not None
        ]
        before = load_rows(cursor, dict.fromkeys(key for key, _ in told))
        after: dict[UUID, VideoRow] = dict(before)
        for (_, video_id), recorded in told:
            folded = fold(after.get(video_id), recorded)
            if folded is not None:
                after[video_id] = folded
        _TABLE.save(
            cursor, [row for key, row in after.items() if row is not before.get(key)]
        )


_TABLE = Table(VideoRow, name="videos")


def load_rows(
    cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, UUID]]
) -> dict[UUID, VideoRow]:
    """Return the rows with these (organization id, video id) keys, by video."""
    return _TABLE.load(cursor, keys)


def fold(row: VideoRow | None, recorded: Recorded) -> VideoRow | None:
    """Return the row after a fact of the video's own stream."""
    fact = recorded.fact
    if row is None:
        if isinstance(fact, e.VideoDiscovered | e.VideoAdded):
            return _first(fact, recorded)
        return None
    if recorded.version <= row.version:
        return row
    return replace(
        row,
        version=recorded.version,
        updated_at=recorded.recorded_at,
        **_decided(row, fact),
    )


def _key(recorded: Recorded) -> tuple[UUID, UUID] | None:
    fact: Any = recorded.fact
    if isinstance(fact, e.VideoStatsSnapshotRecorded):
        return None
    return fact.organization_id, recorded.stream


def _first(fact: e.VideoDiscovered | e.VideoAdded, recorded: Recorded) -> VideoRow:
    row = VideoRow(
        organization_id=fact.organization_id,
        id=recorded.stream,
        project_id=fact.project_id,
        tiktok_video_id=fact.tiktok_video_id,
        tiktok_handle=fact.handle,
        kind=fact.kind,
        metadata={},
        tracking_status="direct_add",
        version=recorded.version,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
    )
    if isinstance(fact, e.VideoAdded):
        return row
    return replace(row, tracking_status=fact.tracking_status, **_found(row, fact))


def _decided(row: VideoRow, fact: e.Fact) -> dict[str, Any]:
    """Return the columns that a fact about a known video sets."""
    match fact:
        case e.VideoDiscovered():
            return _found(row, fact)
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
            return changed_details(fact)
        case e.VideoWentMissing(missing_since=since):
            return {"missing_since": since}
        case _:
            msg = f"videos takes in no {type(fact).__name__}."
            raise TypeError(msg)


def _found(row: VideoRow, fact: e.VideoDiscovered) -> dict[str, Any]:
    """Return what is known of a video once a run listed it.

    Of one that was added by hand before, TikTok knows the handle and kind better than
    whoever typed the URL.
    """
    return {
        "creator_id": fact.creator_id,
        "tiktok_handle": fact.handle,
        "kind": fact.kind or row.kind,
        "title": fact.title,
        "posted_at": fact.posted_at,
    }
