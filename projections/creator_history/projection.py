"""creator_history: the events about each creator, its runs, videos and campaigns."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.milestones import FollowerObservation, earliest
from domain.analytics.precision import is_known
from infra.eventstore.store import RecordedEvent
from projections.engine.erasures import ErasedSubject, cut_at_erasures
from projections.engine.folds import stored_name, stored_names
from projections.engine.table import Table

OWN_EVENTS = stored_names(*get_args(e.CreatorEvent))
RUN_EVENTS = stored_names(*get_args(e.ScrapeEvent))
VIDEO_EVENTS = stored_names(*get_args(e.VideoEvent))
MEMBERSHIP_EVENTS = stored_names(*get_args(e.MembershipEvent))


class HistoryVideo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A video and its creator.

    ``early`` are the video's events from before it had a creator.
    """

    organization_id: UUID
    id: UUID
    tiktok_video_id: str
    creator_id: UUID | None = None
    early: list[tuple[int, str]] = []


class HistoryLine(msgspec.Struct, frozen=True, gc=False):
    """An event about a creator.

    ``observed_at`` is set for snapshots of profiles only.
    """

    organization_id: UUID
    creator_id: UUID
    position: int
    event: str
    observed_at: datetime | None = None


class CreatorHistory:
    """Keeps creator_history, creator_history_videos and creator_milestones."""

    name = "creator_history"
    version = 3
    tables = ("creator_history", "creator_history_videos", "creator_milestones")
    events = OWN_EVENTS | RUN_EVENTS | VIDEO_EVENTS | MEMBERSHIP_EVENTS

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Write a line for each event that is about a creator, its runs or videos."""
        for part, erasure in cut_at_erasures(events):
            if part:
                _write(cursor, part)
            if erasure is not None:
                _write(cursor, [erasure.recorded])
                _erase(cursor, erasure)


def _write(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    lines: list[HistoryLine] = []
    of_videos: list[RecordedEvent] = []
    for recorded in events:
        name = stored_name(recorded.event)
        line = _line(recorded, name)
        if line is not None:
            lines.append(line)
        if name in VIDEO_EVENTS:
            of_videos.append(recorded)
    lines += _video_lines(cursor, of_videos)
    _write_lines(cursor, lines)
    _write_milestones(cursor, events)


_VIDEOS = Table(HistoryVideo, name="creator_history_videos")

_NAMELESS_VIDEOS = """
UPDATE creator_history_videos SET tiktok_video_id = 'erased'
WHERE organization_id = %(organization)s
AND (creator_id = %(creator)s OR id = ANY(%(videos)s))
"""
_OF_WHO_IS_ERASED = """
WHERE organization_id = %(organization)s AND creator_id = %(creator)s
"""
_WITHOUT_FIGURES = f"""
DELETE FROM creator_history {_OF_WHO_IS_ERASED} AND event = ANY(%(figures)s)
"""
_LINES = """
INSERT INTO creator_history
    (organization_id, creator_id, position, event, observed_at)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::text[],
                     %b::timestamptz[])
ON CONFLICT DO NOTHING
"""
# Most observations reach no new number, and must not touch a row.
_MILESTONES = """
INSERT INTO creator_milestones
    (organization_id, creator_id, mark, observed_at, position, followers)
SELECT o, c, n, at, pos, followers
FROM unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::timestamptz[], %b::bigint[],
            %b::bigint[]) AS fresh (o, c, n, at, pos, followers)
WHERE NOT EXISTS (
    SELECT FROM creator_milestones m
    WHERE m.organization_id = o AND m.creator_id = c AND m.mark = n
    AND (m.observed_at, m.position) <= (at, pos)
)
ON CONFLICT (organization_id, creator_id, mark) DO UPDATE
SET observed_at = excluded.observed_at, position = excluded.position,
    followers = excluded.followers
"""


def _erase(cursor: Cursor[TupleRow], erasure: ErasedSubject) -> None:
    """Take the names out of a history, and the figures as well if they are dropped."""
    erasure.execute(cursor, _NAMELESS_VIDEOS)
    if erasure.is_dropped:
        params = {**erasure.params, "figures": sorted(RUN_EVENTS | VIDEO_EVENTS)}
        cursor.execute(_WITHOUT_FIGURES.encode(), params, prepare=True)
        erasure.execute(cursor, f"DELETE FROM creator_milestones {_OF_WHO_IS_ERASED}")


def _line(recorded: RecordedEvent, name: str) -> HistoryLine | None:
    """Return the line of an event that names its creator."""
    event: Any = recorded.event
    # A look-up by name is fast; isinstance with a union tries one class after the
    # other.
    if name in OWN_EVENTS:
        creator_id = recorded.stream
    elif name in RUN_EVENTS or isinstance(event, e.VideoDiscovered):
        creator_id = event.creator_id
    elif name in MEMBERSHIP_EVENTS and event.item_type == "creator":
        creator_id = event.item_id
    else:
        return None
    if creator_id is None:
        return None
    return HistoryLine(
        event.organization_id,
        creator_id,
        recorded.position,
        name,
        event.observed_at if isinstance(event, e.ProfileSnapshotRecorded) else None,
    )


def _video_lines(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
) -> list[HistoryLine]:
    """Return the lines of events of videos whose creator is known."""
    lines: list[HistoryLine] = []

    def fold(
        video: HistoryVideo | None, recorded: RecordedEvent
    ) -> HistoryVideo | None:
        event = recorded.event
        name, position = stored_name(event), recorded.position
        if isinstance(event, e.VideoDiscovered):
            # ``_line`` returns the line of the event itself.
            if video is not None and video.creator_id is not None:
                return video
            lines.extend(
                HistoryLine(event.organization_id, event.creator_id, *early)
                for early in (video.early if video else ())
            )
            return HistoryVideo(
                organization_id=event.organization_id,
                id=recorded.stream,
                tiktok_video_id=event.tiktok_video_id,
                creator_id=event.creator_id,
            )
        if isinstance(event, e.VideoMerged) and video is not None:
            lines.extend(
                HistoryLine(event.organization_id, event.creator_id, *each)
                for each in (*video.early, (position, name))
            )
            return replace(video, creator_id=event.creator_id)
        if video is None:
            if not isinstance(event, e.VideoAdded):
                return None
            return HistoryVideo(
                organization_id=event.organization_id,
                id=recorded.stream,
                tiktok_video_id=event.tiktok_video_id,
                early=[(position, name)],
            )
        if video.creator_id is not None:
            lines.append(
                HistoryLine(video.organization_id, video.creator_id, position, name)
            )
        elif position not in dict(video.early):
            return replace(video, early=[*video.early, (position, name)])
        return video

    _VIDEOS.fold(cursor, events, key=_video_key, fold=fold)
    return lines


def _video_key(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    event: Any = recorded.event
    return event.organization_id, recorded.stream


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


def _write_milestones(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]
) -> None:
    """Store observations that reached a number of followers earlier than all before."""
    observed: defaultdict[tuple[UUID, UUID], list[FollowerObservation]] = defaultdict(
        list
    )
    for recorded in events:
        event = recorded.event
        if isinstance(event, e.ProfileSnapshotRecorded) and is_known(
            event.follower_count
        ):
            observed[event.organization_id, event.creator_id].append(
                FollowerObservation(
                    event.observed_at, recorded.position, event.follower_count
                )
            )
    rows = [
        (*key, mark, first.observed_at, first.position, first.followers)
        for key, observations in observed.items()
        for mark, first in earliest(observations).items()
    ]
    if rows:
        cursor.execute(
            _MILESTONES, list(map(list, zip(*rows, strict=True))), prepare=True
        )
