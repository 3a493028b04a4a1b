"""creator_history: which events tell of a creator, its runs and its videos."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.milestones import FollowerObservation, earliest
from infra.eventstore.store import RecordedEvent
from projections.engine.table import Table

OWN_EVENTS = frozenset(
    {
        "creator_added",
        "handle_changed",
        "creator_details_changed",
        "tracking_mode_changed",
        "tracking_window_changed",
        "creator_removed",
        "creator_reactivated",
        "creator_auto_disabled",
        "creator_reenabled",
    }
)
RUN_EVENTS = frozenset(
    {
        "scrape_requested",
        "profile_snapshot_recorded",
        "video_stats_snapshot_recorded",
        "scrape_succeeded",
        "scrape_failed",
    }
)
VIDEO_EVENTS = frozenset(
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
    }
)


class HistoryVideo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whose a video is, and what happened to it before anybody knew that."""

    organization_id: UUID
    id: UUID
    tiktok_video_id: str
    creator_id: UUID | None = None
    early: list[tuple[int, str]] = []


class HistoryLine(msgspec.Struct, frozen=True, gc=False):
    """An event that tells of a creator; ``observed_at`` is a profile snapshot's own."""

    organization_id: UUID
    creator_id: UUID
    position: int
    event: str
    observed_at: datetime | None = None


class CreatorHistory:
    """Keeps creator_history, creator_history_videos and creator_milestones."""

    name = "creator_history"
    version = 1
    tables = ("creator_history", "creator_history_videos", "creator_milestones")
    events = OWN_EVENTS | RUN_EVENTS | VIDEO_EVENTS

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Write a line for each event that tells of a creator."""
        lines = [line for recorded in events if (line := _line(recorded)) is not None]
        lines += _of_videos(cursor, events)
        _write_lines(cursor, lines)
        _write_sightings(cursor, events)


_VIDEOS = Table(HistoryVideo, name="creator_history_videos")
_NAMES = {cls: name for name, cls in e.STORED_NAMES.items()}

_LINES = """
INSERT INTO creator_history
    (organization_id, creator_id, position, event, observed_at)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::text[],
                     %b::timestamptz[])
ON CONFLICT DO NOTHING
"""
# Most sightings are the first of nothing, and a row must not be touched by those.
_SIGHTINGS = """
INSERT INTO creator_milestones
    (organization_id, creator_id, mark, observed_at, position, followers)
SELECT o, c, n, seen, told, followers
FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::timestamptz[], %b::bigint[],
            %b::bigint[]) AS fresh (o, c, n, seen, told, followers)
WHERE NOT EXISTS (
    SELECT FROM creator_milestones m
    WHERE m.organization_id = o AND m.creator_id = c AND m.mark = n
    AND (m.observed_at, m.position) <= (seen, told)
)
ON CONFLICT (organization_id, creator_id, mark) DO UPDATE
SET observed_at = excluded.observed_at, position = excluded.position,
    followers = excluded.followers
"""


def _line(recorded: RecordedEvent) -> HistoryLine | None:
    """Return the line of an event that says itself whose it is."""
    event: Any = recorded.event
    name = _NAMES[type(event)]
    if name in OWN_EVENTS:
        creator_id = recorded.stream
    elif name in RUN_EVENTS or isinstance(event, e.VideoDiscovered):
        creator_id = event.creator_id
    else:
        creator_id = None
    if creator_id is None:
        return None
    seen_at = (
        event.observed_at if isinstance(event, e.ProfileSnapshotRecorded) else None
    )
    return HistoryLine(
        event.organization_id, creator_id, recorded.position, name, seen_at
    )


def _of_videos(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
) -> list[HistoryLine]:
    """Return the lines of what happened to videos, once it is known whose they are."""
    told: list[tuple[RecordedEvent, Any]] = [
        (recorded, recorded.event)
        for recorded in events
        if isinstance(recorded.event, e.VideoEvent)
    ]
    before = _VIDEOS.load(
        cursor,
        dict.fromkeys(
            (event.organization_id, recorded.stream) for recorded, event in told
        ),
    )
    after = dict(before)
    lines: list[HistoryLine] = []
    for recorded, event in told:
        known = after.get(recorded.stream)
        name = _NAMES[type(event)]
        here = (recorded.position, name)
        if isinstance(event, e.VideoDiscovered):
            if known is None or known.creator_id is None:
                lines += [
                    HistoryLine(event.organization_id, event.creator_id, *early)
                    for early in (known.early if known else ())
                ]
                after[recorded.stream] = HistoryVideo(
                    organization_id=event.organization_id,
                    id=recorded.stream,
                    tiktok_video_id=event.tiktok_video_id,
                    creator_id=event.creator_id,
                )
        elif known is not None and known.creator_id is not None:
            lines.append(HistoryLine(event.organization_id, known.creator_id, *here))
        elif isinstance(event, e.VideoAdded) and known is None:
            after[recorded.stream] = HistoryVideo(
                organization_id=event.organization_id,
                id=recorded.stream,
                tiktok_video_id=event.tiktok_video_id,
                early=[here],
            )
        elif known is not None and recorded.position not in dict(known.early):
            after[recorded.stream] = msgspec.structs.replace(
                known, early=[*known.early, here]
            )
    _VIDEOS.save(
        cursor, [row for key, row in after.items() if row is not before.get(key)]
    )
    return lines


def _write_lines(cursor: Cursor[TupleRow], lines: Sequence[HistoryLine]) -> None:
    if not lines:
        return
    columns = (
        [line.organization_id for line in lines],
        [line.creator_id for line in lines],
        [line.position for line in lines],
        [line.event for line in lines],
        [line.observed_at for line in lines],
    )
    cursor.execute(_LINES, columns, prepare=True)


def _write_sightings(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    """Keep the sightings that were earlier at or past a number than any before."""
    seen: defaultdict[tuple[UUID, UUID], list[FollowerObservation]] = defaultdict(list)
    for recorded in events:
        event = recorded.event
        if isinstance(event, e.ProfileSnapshotRecorded) and (
            event.follower_count is not None
        ):
            seen[event.organization_id, event.creator_id].append(
                FollowerObservation(
                    event.observed_at, recorded.position, event.follower_count
                )
            )
    rows = [
        (*key, mark, sighting.observed_at, sighting.position, sighting.followers)
        for key, sightings in seen.items()
        for mark, sighting in earliest(sightings).items()
    ]
    if rows:
        cursor.execute(
            _SIGHTINGS, list(map(list, zip(*rows, strict=True))), prepare=True
        )
