"""Erased creators in analytics: their videos lose their names, or all their numbers.

The rows of their videos stay, without a text of the person. A later snapshot that lists
the number of such a video thus still finds its owner.
"""

from collections import defaultdict
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.fold.batch_input import BatchInput
from projections.analytics.fold.entities import changed
from projections.analytics.fold.keys import EntityKey, entity_key
from projections.analytics.fold.video_changes import Change, erased_change
from projections.analytics.store.keys import PARTITION, execute
from projections.analytics.store.videos import load_videos
from projections.analytics.write.changes import Changes, save
from projections.engine.projection import Merged

_VIDEOS = """
SELECT id FROM analytics_videos
WHERE organization_id = %s AND creator_id = %s AND is_there ORDER BY id
"""
_ERASED = f"""
SELECT organization_id, id, kind, erased_position, erased_time_zone
FROM analytics_subjects
WHERE erased_position IS NOT NULL AND {PARTITION.format("id")}
"""


def mark_videos(cursor: Cursor[TupleRow], batch: BatchInput) -> None:
    """Add the erasures of a batch to the changes of the erased creators' videos."""
    for recorded, event in batch.erasures:
        mark = erased_change(
            recorded.position,
            is_dropped=event.figures == "drop",
            time_zone=event.time_zone,
        )
        for key in _videos_of(cursor, event.organization_id, recorded.stream):
            batch.changes[key].append(mark)


def merge_erasures(cursor: Cursor[TupleRow], partition: int, partitions: int) -> Merged:
    """Mark the videos of a partition's erased creators, in a rebuild."""
    changes: dict[EntityKey, list[Change]] = defaultdict(list)
    for organization_id, creator_id, kind, position, time_zone in execute(
        cursor, _ERASED, partitions, partition
    ).fetchall():
        mark = erased_change(
            position, is_dropped=kind == "erased", time_zone=time_zone or "UTC"
        )
        for key in _videos_of(cursor, organization_id, creator_id):
            changes[key].append(mark)
    before = load_videos(cursor, sorted(changes))
    after = {key: changed(row, changes[key]) for key, row in before.items()}
    marked = [row for key, row in after.items() if row is not before[key]]
    save(cursor, Changes(videos=marked))
    return Merged(len(marked), is_all=True)


def _videos_of(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> list[EntityKey]:
    rows = execute(cursor, _VIDEOS, organization_id, creator_id).fetchall()
    return [entity_key(organization_id, row[0]) for row in rows]
