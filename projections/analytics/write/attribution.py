"""The attribution stage of a rebuild: it moves gathered observations to owners."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.fold.columns import Longs
from projections.analytics.fold.entities import is_dropped_owner, was_there
from projections.analytics.fold.keys import OwnerKey, instant_of
from projections.analytics.fold.ownership import Owners, attribute, listed_project
from projections.analytics.fold.snapshots import OwnerSnapshot
from projections.analytics.store.gathered import (
    mark_attributed,
    next_waiting,
    note_waiting,
)
from projections.analytics.store.snapshots import load_snapshots
from projections.analytics.store.subjects import SUBJECTS
from projections.analytics.store.video_lists import delete_lists, listed_video_numbers
from projections.analytics.store.videos import load_numbered, own_numbers
from projections.analytics.write.changes import Changes, save
from projections.engine.projection import Merged

_BEGINNING = instant_of(datetime.min.replace(tzinfo=UTC))
_OWNERS_AT_ONCE = 50
_SNAPSHOTS_AT_ONCE = 200


def merge_attribution(
    cursor: Cursor[TupleRow], partition: int, partitions: int
) -> Merged:
    """Move videos of other owners out of the snapshots of a partition's next owners."""
    keys = next_waiting(
        cursor, partition, partitions, is_attributed=False, most=_OWNERS_AT_ONCE
    )
    if keys:
        for key, others in _not_their_own(cursor, keys).items():
            _attribute(cursor, key, others)
        delete_lists(cursor, keys)
        mark_attributed(cursor, keys)
    return Merged(len(keys), is_all=len(keys) < _OWNERS_AT_ONCE)


def _not_their_own(
    cursor: Cursor[TupleRow], keys: Sequence[OwnerKey]
) -> dict[OwnerKey, Longs]:
    """Return the videos of other owners in the snapshots of provisional owners."""
    own = own_numbers(cursor, keys)
    listed = listed_video_numbers(cursor, keys)
    others = {
        key: np.setdiff1d(video_numbers, own[key[0], key[2]])
        for key, video_numbers in listed.items()
    }
    return {
        key: video_numbers
        for key, video_numbers in others.items()
        if len(video_numbers)
    }


def _attribute(cursor: Cursor[TupleRow], key: OwnerKey, unknown: Longs) -> None:
    """Move the observations of other owners' videos to these owners."""
    organization_id, _, provisional_owner = key
    subject = SUBJECTS.load(cursor, [(organization_id, provisional_owner)]).get(
        provisional_owner
    )
    pairs = [(organization_id, number) for number in unknown.tolist()]
    numbered = load_numbered(cursor, pairs)
    is_dropped = is_dropped_owner(subject)
    if subject is not None and is_dropped:
        # The erasure deleted the observations of all videos that nobody had added yet.
        # The others had left by then, and follow their video to any later owner.
        erased_at = subject.erased_position or 0
        numbered = [row for row in numbered if was_there(row, erased_at)]
    owners = Owners(numbered)
    project_id = listed_project(provisional_owner, subject)
    projects = {(organization_id, provisional_owner): project_id}
    _, unattributed = attribute([], {key: unknown}, owners, projects)
    if not is_dropped:
        save(cursor, Changes(unattributed=unattributed))
    if len(unattributed) == len(unknown):
        return
    for snapshots in _in_chunks(cursor, key):
        attributed, _ = attribute(snapshots, {key: unknown}, owners, projects)
        stays = {snapshot.time: snapshot for snapshot in attributed.pop(key)}
        changes = Changes()
        for snapshot in snapshots:
            rest = stays[snapshot.time]
            if len(rest.observed) != len(snapshot.observed):
                changes.snapshots[key, rest.time] = rest if rest.is_kept else None
        for moved in attributed.values():
            changes.put_snapshots(moved)
        save(cursor, changes)
        note_waiting(cursor, attributed, is_attributed=True)


def _in_chunks(
    cursor: Cursor[TupleRow], key: OwnerKey
) -> Iterator[list[OwnerSnapshot]]:
    last: tuple[int, int] | None = None
    while True:
        snapshots = load_snapshots(
            cursor, key, since=_BEGINNING, after=last, most=_SNAPSHOTS_AT_ONCE
        )
        if snapshots:
            yield snapshots
        if len(snapshots) < _SNAPSHOTS_AT_ONCE:
            return
        last = snapshots[-1].time
