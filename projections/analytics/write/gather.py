"""A rebuild's first step: stores a slice of the log, not folded yet."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.batch import collect
from projections.analytics.fold.batch_input import BatchInput
from projections.analytics.fold.entities import AnalyticsVideoRow, changed
from projections.analytics.fold.ownership import owner_keys_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.store.campaigns import save_changes
from projections.analytics.store.creator_moves import save_moves
from projections.analytics.store.gathered import CAMPAIGNS, note_waiting
from projections.analytics.store.positions import save_positions
from projections.analytics.store.snapshots import add_snapshots
from projections.analytics.store.subjects import add_subjects
from projections.analytics.store.video_lists import save_lists
from projections.analytics.store.videos import add_videos


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
    add_snapshots(cursor, snapshots)
    add_videos(cursor, videos)
    # Rows that other slices write as well come last, so that their locks are short.
    save_lists(cursor, snapshots)
    add_subjects(cursor, subjects)
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
