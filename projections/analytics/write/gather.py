"""A rebuild's first step: stores a slice of the log, not folded yet."""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.batch import collect
from projections.analytics.fold.batch_input import BatchInput
from projections.analytics.fold.entities import AnalyticsVideoRow, changed
from projections.analytics.fold.ownership import owner_keys_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.store.campaign_changes import save_changes
from projections.analytics.store.creator_moves import save_moves
from projections.analytics.store.gathered import CAMPAIGNS, note_waiting
from projections.analytics.store.keys import execute
from projections.analytics.store.positions import save_positions
from projections.analytics.store.snapshots import copy_snapshots, save_snapshots
from projections.analytics.store.video_lists import save_lists
from projections.analytics.store.videos import copy_videos, known_videos

_COLUMNS = ", ".join(AnalyticsVideoRow.__struct_fields__)
# Most slices leave the row of a creator as it is, and need not lock it.
_SUBJECTS = """
INSERT INTO analytics_subjects AS held
SELECT * FROM json_populate_recordset(NULL::analytics_subjects, %s::json) AS input
WHERE NOT EXISTS (
    SELECT FROM analytics_subjects AS known
    WHERE (known.organization_id, known.id) = (input.organization_id, input.id)
      AND (input.kind IS NULL OR known.kind IS NOT NULL)
      AND (input.kind IS DISTINCT FROM 'erased' OR known.kind = 'erased')
      AND (input.erased_position IS NULL OR known.erased_position IS NOT NULL)
      AND (input.project_id IS NULL OR known.project_id IS NOT NULL)
      AND (input.origin_project_id IS NULL OR known.origin_project_id IS NOT NULL)
      AND known.project_position >= input.project_position
      AND (input.position IS NULL OR known.position IS NOT NULL)
      AND (input.deleted_position IS NULL OR known.deleted_position IS NOT NULL)
      AND (input.earliest_at IS NULL OR known.earliest_at <= input.earliest_at)
      AND known.label_position >= input.label_position
)
ON CONFLICT (organization_id, id) DO UPDATE SET
    kind = CASE WHEN excluded.kind = 'erased' THEN 'erased'
        ELSE coalesce(held.kind, excluded.kind) END,
    erased_position = coalesce(held.erased_position, excluded.erased_position),
    erased_time_zone = coalesce(held.erased_time_zone, excluded.erased_time_zone),
    project_id = CASE WHEN excluded.project_position > held.project_position
        THEN excluded.project_id
        ELSE coalesce(held.project_id, excluded.project_id) END,
    project_position = greatest(held.project_position, excluded.project_position),
    origin_project_id = coalesce(held.origin_project_id, excluded.origin_project_id),
    position = coalesce(held.position, excluded.position),
    deleted_position = coalesce(held.deleted_position, excluded.deleted_position),
    earliest_at = least(held.earliest_at, excluded.earliest_at),
    label = CASE WHEN excluded.label_position > held.label_position
        THEN excluded.label ELSE held.label END,
    label_position = greatest(held.label_position, excluded.label_position)
"""
# Other slices may have stored changes of the same video. All are folded later, and a
# change that is stored twice is folded once.
_VIDEOS = f"""
INSERT INTO analytics_videos AS held ({_COLUMNS})
SELECT {_COLUMNS} FROM json_populate_recordset(NULL::analytics_videos, %s::json)
ON CONFLICT (organization_id, id) DO UPDATE SET is_raw = true,
    changes = (left(held.changes::text, -1) || ','
        || substr(excluded.changes::text, 2))::json
"""


def gather(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    """Store a slice of the log. A slice that is stored already changes nothing."""
    batch = BatchInput()
    collect(events, batch)
    subjects = sorted(
        batch.subjects.values(), key=lambda row: (row.organization_id, row.id)
    )
    organizations = {key[0]: UUID(int=key[0]) for key in batch.changes}
    videos = [
        changed(
            AnalyticsVideoRow(
                organization_id=organizations[key[0]], id=UUID(int=key[1])
            ),
            changes,
            batch.events,
        )
        for key, changes in sorted(batch.changes.items())
    ]
    snapshots = [snapshot for snapshot in batch.snapshots if snapshot.is_kept]
    if not _is_copied(cursor, lambda: copy_snapshots(cursor, snapshots)):
        save_snapshots(cursor, snapshots)
    _write_videos(cursor, videos)
    # Rows that other slices write as well come last, so that their locks are short.
    save_lists(cursor, snapshots)
    if subjects:
        execute(cursor, _SUBJECTS, msgspec.json.encode(subjects).decode())
    save_moves(cursor, batch.moves)
    save_changes(cursor, batch.memberships)
    campaigns = {
        (o.organization_id, CAMPAIGNS, o.campaign_id) for o in batch.memberships
    }
    note_waiting(cursor, campaigns, is_attributed=True)
    keys = {snapshot.key for snapshot in snapshots} | owner_keys_of(videos)
    for metric_group, is_attributed in ((VIDEOS, False), (PROFILES, True)):
        ours = [key for key in keys if key[1] == metric_group.number]
        note_waiting(cursor, ours, is_attributed=is_attributed)
    save_positions(cursor, events)


def _write_videos(
    cursor: Cursor[TupleRow], videos: Sequence[AnalyticsVideoRow]
) -> None:
    known = known_videos(cursor, videos)
    new = [row for row in videos if (row.organization_id, row.id) not in known]
    if _is_copied(cursor, lambda: copy_videos(cursor, new)):
        videos = [row for row in videos if (row.organization_id, row.id) in known]
    if videos:
        execute(cursor, _VIDEOS, msgspec.json.encode(videos).decode())


def _is_copied(cursor: Cursor[TupleRow], copy: Callable[[], None]) -> bool:
    """COPY rows, in half the time of an INSERT.

    Returns false, and copies no row, if some of them are stored already.
    """
    try:
        with cursor.connection.transaction():
            copy()
    except UniqueViolation:
        return False
    return True
