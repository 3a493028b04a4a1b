"""Erased creators in analytics: their videos lose their names, or all their numbers.

The rows of their videos stay, without a text of the person. A later snapshot that lists
the number of such a video thus still finds its owner.
"""

from collections import defaultdict

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.fold.batch_input import BatchInput
from projections.analytics.fold.entities import changed, is_dropped_owner
from projections.analytics.fold.keys import EntityKey
from projections.analytics.fold.video_changes import Change, erased_change
from projections.analytics.store.subjects import erased_subjects
from projections.analytics.store.videos import load_videos, videos_of_creator
from projections.analytics.write.changes import Changes, save
from projections.engine.projection import Merged


def mark_videos(cursor: Cursor[TupleRow], batch: BatchInput) -> None:
    """Add the erasures of a batch to the changes of the erased creators' videos."""
    for recorded, event in batch.erasures:
        mark = erased_change(
            recorded.position,
            is_dropped=event.figures == "drop",
            time_zone=event.time_zone,
        )
        for key in videos_of_creator(cursor, event.organization_id, recorded.stream):
            batch.changes[key].append(mark)


def merge_erasures(cursor: Cursor[TupleRow], partition: int, partitions: int) -> Merged:
    """Mark the videos of a partition's erased creators, in a rebuild."""
    changes: dict[EntityKey, list[Change]] = defaultdict(list)
    for creator in erased_subjects(cursor, partition, partitions):
        mark = erased_change(
            creator.erased_position or 0,
            is_dropped=is_dropped_owner(creator),
            time_zone=creator.erased_time_zone or "UTC",
        )
        for key in videos_of_creator(cursor, creator.organization_id, creator.id):
            changes[key].append(mark)
    before = load_videos(cursor, sorted(changes))
    after = {key: changed(row, changes[key]) for key, row in before.items()}
    marked = [row for key, row in after.items() if row is not before[key]]
    save(cursor, Changes(videos=marked))
    return Merged(len(marked), is_all=True)
