"""video_figures: the newest counts and details that scrapes observed of each video.

A row may exist before the video itself, because a snapshot also has videos that the
project does not have.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.precision import is_known
from domain.streams import video_stream
from infra.eventstore.store import RecordedEvent
from projections.engine.folds import stored_names
from projections.engine.table import Table
from projections.videos.erased import erased_among

# An instant in microseconds since 1970, and a position of the log.
_CountTime = tuple[int, int]


class VideoFiguresRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The newest observation of a video; a value that no snapshot had is null.

    Each count is the newest known one; negative counts are unknown. ``observed_at`` and
    ``position`` are those of the newest snapshot, ``older_counts`` those of counts that
    it lacks, in microseconds since 1970; null if it lacks none. ``posted_at`` is the
    first known time of posting in the order of the log, from the snapshot at
    ``posted_position``. ``first_seen_at`` is the time of the earliest snapshot.
    ``creator_id`` is the creator of the last scrape that observed the video.
    """

    organization_id: UUID
    id: UUID
    kind: str | None = None
    title: str | None = None
    posted_at: datetime | None = None
    thumbnail_url: str | None = None
    view_count: int | None = None
    like_count: int | None = None
    comment_count: int | None = None
    share_count: int | None = None
    save_count: int | None = None
    first_seen_at: datetime
    observed_at: datetime
    position: int
    creator_id: UUID | None = None
    older_counts: dict[str, _CountTime] | None = None
    posted_position: int | None = None


COUNTS = ("view_count", "like_count", "comment_count", "share_count", "save_count")
FIGURE_EVENTS = stored_names(e.VideoStatsSnapshotRecorded)
_TABLE = Table(VideoFiguresRow, name="video_figures")
_ROWS_AT_A_TIME = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_figures(cursor: Cursor[TupleRow], events: Iterable[RecordedEvent]) -> None:
    """Fold the snapshots among ``events`` into the rows of their videos."""
    rows: list[VideoFiguresRow] = []
    for event in events:
        rows += figures_in_snapshot(event)
        if len(rows) >= _ROWS_AT_A_TIME:
            _write(cursor, rows)
            rows.clear()
    _write(cursor, rows)


def load_figures(
    cursor: Cursor[TupleRow], keys: Iterable[tuple[UUID, UUID]]
) -> dict[UUID, VideoFiguresRow]:
    """Return the rows with these (organization id, video id) keys, by video."""
    return _TABLE.load(cursor, keys)


def figures_in_snapshot(recorded: RecordedEvent) -> list[VideoFiguresRow]:
    """Return a row for each video of a snapshot, with the values of that snapshot.

    There are none for a snapshot without a project, because its videos have no stream.
    """
    event = recorded.event
    if not isinstance(event, e.VideoStatsSnapshotRecorded) or event.project_id is None:
        return []
    project_id, at = event.project_id, event.observed_at
    videos = zip(event.counts(), event.details(), strict=True)
    return [
        VideoFiguresRow(
            organization_id=event.organization_id,
            id=video_stream(project_id, tiktok_video_id),
            kind=kind,
            title=title,
            posted_at=posted_at,
            thumbnail_url=thumbnail_url,
            view_count=_known(counts[0]),
            like_count=_known(counts[1]),
            comment_count=_known(counts[2]),
            share_count=_known(counts[3]),
            save_count=_known(counts[4]),
            first_seen_at=at,
            observed_at=at,
            position=recorded.position,
            creator_id=event.creator_id,
            posted_position=posted_at and recorded.position,
        )
        for (
            (tiktok_video_id, *counts),
            (kind, title, posted_at, thumbnail_url, _),
        ) in videos
    ]


def merge_figures(
    row: VideoFiguresRow | None, fresh: VideoFiguresRow
) -> VideoFiguresRow:
    """Return the row after a snapshot; merging a snapshot twice changes nothing.

    The newest observation wins; among equal times the later one in the log. A missing
    value stays as it was, and so does a known time of posting.
    """
    if row is None:
        return fresh
    is_newer = (fresh.observed_at, fresh.position) > (row.observed_at, row.position)
    new, old = (fresh, row) if is_newer else (row, fresh)
    posted = row if row.posted_at is not None else fresh
    both = VideoFiguresRow(
        organization_id=row.organization_id,
        id=row.id,
        kind=new.kind or old.kind,
        title=old.title if new.title is None else new.title,
        posted_at=posted.posted_at,
        thumbnail_url=new.thumbnail_url or old.thumbnail_url,
        first_seen_at=min(row.first_seen_at, fresh.first_seen_at),
        observed_at=new.observed_at,
        position=new.position,
        creator_id=new.creator_id or old.creator_id,
        posted_position=posted.posted_position,
        **_newest_counts(new, old),
    )
    return row if both == row else both


def _write(cursor: Cursor[TupleRow], rows: Sequence[VideoFiguresRow]) -> None:
    # No later or repeated observation reaches an erased person.
    erased = erased_among(cursor, [(row.organization_id, row.id) for row in rows])
    _TABLE.fold(
        cursor,
        [row for row in rows if row.id not in erased] if erased else rows,
        key=lambda row: (row.organization_id, row.id),
        fold=merge_figures,
    )


def _known(count: int | None) -> int | None:
    return count if is_known(count) else None


def _newest_counts(new: VideoFiguresRow, old: VideoFiguresRow) -> dict[str, Any]:
    """Return each newest known count, and the times of counts from older snapshots."""
    counts: dict[str, Any] = {name: getattr(new, name) for name in COUNTS}
    if new.older_counts is None and None not in counts.values():
        return counts
    times: dict[str, _CountTime] = {}
    for name in COUNTS:
        found = max(
            (one for one in (new, old) if getattr(one, name) is not None),
            key=lambda one: _time_of(one, name),
            default=new,
        )
        counts[name] = getattr(found, name)
        if counts[name] is not None and _time_of(found, name) != _time_of(new):
            times[name] = _time_of(found, name)
    return {**counts, "older_counts": times or None}


def _time_of(row: VideoFiguresRow, name: str = "") -> _CountTime:
    """Return the time of a count's observation, or of the newest one without a name."""
    if row.older_counts is not None and name in row.older_counts:
        instant, position = row.older_counts[name]
        return instant, position
    return (row.observed_at - _EPOCH) // timedelta(microseconds=1), row.position
