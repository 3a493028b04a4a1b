"""Following the log: the plan of what a batch of events changes in the live tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import numpy as np
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.batch import collect, subjects_of
from projections.analytics.fold.batch_input import BatchInput
from projections.analytics.fold.entities import (
    AnalyticsVideoRow,
    SubjectRow,
    changed,
    flags_of_profile,
    is_dropped_owner,
)
from projections.analytics.fold.keys import (
    EntityKey,
    OwnerKey,
    SnapshotTime,
    entity_key,
)
from projections.analytics.fold.owner_fold import (
    OwnerFlags,
    count_post,
    fold_snapshots,
    take_away,
)
from projections.analytics.fold.owner_state import OwnerState, empty_owner_state
from projections.analytics.fold.ownership import (
    Owners,
    attribute,
    listed_project,
    new_video_numbers,
    owner_key_of,
    owner_of,
    videos_key,
)
from projections.analytics.fold.rollup_deltas import METRIC_GROUPS, PROFILES, VIDEOS
from projections.analytics.fold.snapshot_decoder import VideoSnapshotColumns
from projections.analytics.fold.snapshots import OwnerSnapshot, merged_by_time
from projections.analytics.store.owners import load_owner_states
from projections.analytics.store.snapshots import SnapshotsOfOwner
from projections.analytics.store.subjects import SUBJECTS
from projections.analytics.store.unattributed import load_unattributed
from projections.analytics.store.videos import (
    END,
    load_numbered,
    load_posted_between,
    load_videos,
    name_items,
)
from projections.analytics.write.changes import Changes, save
from projections.analytics.write.erasures import mark_videos

# The most observations that are in memory at once, however many a batch has.
MOST_OBSERVATIONS = 500_000


def write_batch(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent], rule: BaselineRule
) -> None:
    """Fold a batch of events into the tables, part by part."""
    for part in _parts(events):
        save(cursor, plan(cursor, part, rule))


def plan(
    cursor: Cursor[TupleRow], events: Sequence[RecordedEvent], rule: BaselineRule
) -> Changes:
    """Return what events change in the tables. The cursor is only read from.

    Events that were folded before change nothing.
    """
    return _Plan(cursor, rule).of(events)


def _parts(events: Sequence[RecordedEvent]) -> Iterator[Sequence[RecordedEvent]]:
    """Cut a batch into parts of little more than ``MOST_OBSERVATIONS`` each.

    A move of a creator is a part by itself: what comes before it counts in one project,
    what comes after it in the other. So is an erasure.
    """
    part: list[RecordedEvent] = []
    observations = 0
    for recorded in events:
        event = recorded.event
        if isinstance(event, (e.CreatorMoved, e.SubjectErased)):
            if part:
                yield part
            yield [recorded]
            part, observations = [], 0
            continue
        part.append(recorded)
        if isinstance(event, VideoSnapshotColumns):
            observations += len(event.observed)
        elif isinstance(event, e.VideoStatsSnapshotRecorded):
            observations += len(event.video_ids)
        if observations >= MOST_OBSERVATIONS:
            yield part
            part, observations = [], 0
    if part:
        yield part


class _Plan:
    """The changes of one batch, and the stored rows that were read to find them.

    ``_videos`` and ``_states`` are rows as the batch leaves them, ``_videos_before``
    and ``_subjects_before`` those that are stored. ``_listed`` are the snapshots to
    fold into each owner's state, ``_flags`` the flags to set there.
    """

    def __init__(self, cursor: Cursor[TupleRow], rule: BaselineRule) -> None:
        self._cursor = cursor
        self._rule: BaselineRule = rule
        self._subjects_before: dict[UUID, SubjectRow] = {}
        self._input = BatchInput()
        self._videos_before: dict[EntityKey, AnalyticsVideoRow] = {}
        self._videos: dict[EntityKey, AnalyticsVideoRow] = {}
        self._states: dict[OwnerKey, OwnerState] = {}
        self._listed: dict[OwnerKey, list[OwnerSnapshot]] = defaultdict(list)
        self._flags: dict[OwnerKey, OwnerFlags] = defaultdict(OwnerFlags)
        self._changes = Changes()

    def of(self, events: Sequence[RecordedEvent]) -> Changes:
        self._load_subjects(key for event in events for key in subjects_of(event))
        self._input = BatchInput(self._subjects_before.values())
        collect(events, self._input)
        mark_videos(self._cursor, self._input)
        self._fold_videos()
        self._attribute()
        self._flag_profiles()
        self._fold_states()
        changes, before = self._changes, self._videos_before
        subjects = self._input.subjects
        changes.subjects_before, changes.subjects = self._subjects_before, subjects
        changes.memberships, changes.moves = self._input.memberships, self._input.moves
        new = [key for key, row in self._videos.items() if row is not before.get(key)]
        changes.videos = [self._videos[key] for key in new]
        changes.joined_creators = {
            (row.organization_id, row.id)
            for key in new
            if (row := self._videos[key]).is_campaign_item
            and ((was := before.get(key)) is None or was.creator_id != row.creator_id)
        }
        changes.dropped = {
            (row.organization_id, row.id)
            for row in subjects.values()
            if is_dropped_owner(row)
        }
        return changes

    def _load_subjects(self, keys: Iterable[tuple[UUID, UUID]]) -> None:
        missing = {key for key in keys if key[1] not in self._subjects_before}
        found = SUBJECTS.load(self._cursor, sorted(missing))
        self._subjects_before |= found
        for key, row in found.items():
            self._input.subjects.setdefault(key, row)

    def _fold_videos(self) -> None:
        by_video = self._input.changes
        self._videos_before = load_videos(self._cursor, sorted(by_video))
        for key, changes in by_video.items():
            row = self._videos_before.get(key) or AnalyticsVideoRow(
                organization_id=UUID(int=key[0]), id=UUID(int=key[1])
            )
            self._videos[key] = changed(row, changes, self._input.events)
        both = [*self._videos_before.values(), *self._videos.values()]
        self._load_subjects(
            (row.organization_id, row.creator_id) for row in both if row.creator_id
        )
        for key, row in self._changed_baselines().items():
            self._videos.setdefault(key, row)
            self._videos_before.setdefault(key, row)
        self._count_posts()

    def _changed_baselines(self) -> dict[EntityKey, AnalyticsVideoRow]:
        """Return the videos whose baseline flag an earlier snapshot may change."""
        spans: dict[EntityKey, tuple[datetime, datetime]] = {}
        for subject_id, row in self._input.subjects.items():
            held = self._subjects_before.get(subject_id)
            was = None if held is None else held.earliest_at
            if row.earliest_at is not None and row.earliest_at != was:
                key = entity_key(row.organization_id, row.id)
                spans[key] = row.earliest_at, was or END
        return load_posted_between(self._cursor, spans)

    def _count_posts(self) -> None:
        rollups, subjects = self._changes.rollups[VIDEOS.number], self._input.subjects
        for key, after in self._videos.items():
            before = self._videos_before.get(key)
            if before is not None and before.posts() == after.posts():
                continue
            if before is not None:
                count_post(before, subjects, rollups, sign=-1)
            count_post(after, subjects, rollups)

    def _attribute(self) -> None:
        """Attribute every observation, new or stored, to its video's owner."""
        snapshots = [
            snapshot
            for snapshot in self._input.snapshots
            if snapshot.metric_group == VIDEOS.number
        ]
        provisional_owners = {
            (snapshot.organization_id, snapshot.owner) for snapshot in snapshots
        }
        self._load_subjects(provisional_owners)
        projects = {key: self._listed_project(key[1]) for key in provisional_owners}
        self._reassign_stored()
        self._load_states({snapshot.key for snapshot in snapshots})
        new = new_video_numbers(snapshots, self._states)
        numbers = {
            (key[0], number)
            for key, video_numbers in new.items()
            for number in video_numbers.tolist()
        }
        owners = Owners(load_numbered(self._cursor, numbers))
        owners.add(self._videos.values())
        attributed, self._changes.unattributed = attribute(
            snapshots, new, owners, projects
        )
        for key, attributed_snapshots in attributed.items():
            self._listed[key] += attributed_snapshots
        self._flag_videos(
            [
                *(r for r in owners.rows(numbers) if owner_key_of(r) in attributed),
                *self._videos.values(),
            ]
        )

    def _listed_project(self, provisional_owner: UUID) -> UUID | None:
        subject = self._input.subjects.get(provisional_owner)
        return listed_project(provisional_owner, subject)

    def _flag_videos(self, videos: Sequence[AnalyticsVideoRow]) -> None:
        """Note the flags of videos that are new to an owner or have changed."""
        self._load_subjects(
            (row.organization_id, row.creator_id) for row in videos if row.creator_id
        )
        for row in videos:
            key = owner_key_of(row)
            if key is not None and row.number is not None:
                self._flags[key].add_video(row, self._input.subjects, rule=self._rule)

    def _reassign_stored(self) -> None:
        """Move the stored observations of videos whose owner has changed."""
        reassigned: dict[OwnerKey, dict[int, UUID]] = defaultdict(dict)
        owned = {
            (row.organization_id, row.number): row
            for row in self._videos.values()
            if row.is_there and row.number is not None
        }
        newly_assigned = {
            (row.organization_id, row.id)
            for row in self._input.subjects.values()
            if row.origin_project_id is not None
            and (
                (held := self._subjects_before.get(row.id)) is None
                or held.origin_project_id is None
            )
        }
        waiting = load_unattributed(self._cursor, owned, newly_assigned)
        self._load_subjects((one[0], one[2]) for one in waiting)
        owners = Owners(
            load_numbered(self._cursor, {(one[0], one[1]) for one in waiting})
        )
        owners.add(self._videos.values())
        for organization_id, number, provisional_owner in waiting:
            project_id = self._listed_project(provisional_owner)
            row = owners.row_of(organization_id, number, provisional_owner, project_id)
            owner = owner_of(row)
            if row is None or owner is None:
                continue
            self._changes.attributed.add((organization_id, number, provisional_owner))
            key = entity_key(row.organization_id, row.id)
            if key not in self._videos:
                self._videos[key] = self._videos_before[key] = row
            if owner != provisional_owner:
                reassigned[videos_key(organization_id, provisional_owner)][number] = (
                    owner
                )
        for key, row in self._videos.items():
            was, owner = owner_of(self._videos_before.get(key)), owner_of(row)
            if was and owner and was != owner and row.number is not None:
                reassigned[videos_key(row.organization_id, was)][row.number] = owner
        self._load_states(reassigned)
        for key, targets in reassigned.items():
            self._reassign(key, targets)

    def _reassign(self, key: OwnerKey, targets: dict[int, UUID]) -> None:
        """Move the observations of videos from one owner to others."""
        state, changes = self._states.get(key), self._changes
        if state is None:
            return
        video_numbers = np.array(sorted(targets), np.int64)
        is_theirs = np.isin(state.video_numbers, video_numbers)
        if not is_theirs.any():
            return
        since = int(state.first_at[is_theirs].min())
        history = SnapshotsOfOwner(self._cursor, key, changes.snapshots)
        stored = history.since(since)
        take_away(state, video_numbers, stored, changes.rollups[key[1]])
        changes.days.fold_again(key, since)
        is_any_gone = False
        for snapshot in stored:
            away = np.isin(snapshot.observed.video_numbers, video_numbers)
            if not away.any():
                continue
            for number in snapshot.observed.video_numbers[away].tolist():
                one = snapshot.observed.where(snapshot.observed.video_numbers == number)
                moved = replace(snapshot, owner=targets[number], observed=one)
                self._listed[moved.key].append(moved)
            rest = replace(snapshot, observed=snapshot.observed.where(~away))
            changes.snapshots[key, rest.time] = rest if rest.is_kept else None
            is_any_gone |= not rest.is_kept
        changes.states[key] = state
        last = _last_left(history, since) if is_any_gone else state.last
        if last is None:
            changes.states[key] = None
            del self._states[key]
        else:
            state.last = last

    def _flag_profiles(self) -> None:
        for snapshot in self._input.snapshots:
            if snapshot.metric_group == PROFILES.number:
                self._listed[snapshot.key].append(snapshot)
        for row in self._input.subjects.values():
            before = self._subjects_before.get(row.id)
            key = row.organization_id, PROFILES.number, row.id
            is_new = flags_of_profile(before) != flags_of_profile(row)
            if is_new or key in self._listed:
                self._flags[key].add_profile(row)

    def _fold_states(self) -> None:
        changes = self._changes
        touched = sorted({*self._listed, *self._flags})
        self._load_states(touched)
        for key in touched:
            state, snapshots = self._states.get(key), merged_by_time(self._listed[key])
            if state is None:
                if not snapshots:
                    continue
                counters = METRIC_GROUPS[key[1]].counters
                state = empty_owner_state(*key, counters=counters)
            history = SnapshotsOfOwner(self._cursor, key, changes.snapshots)
            changes.put_snapshots(
                fold_snapshots(
                    state, snapshots, history, self._flags[key],
                    changes.rollups[key[1]], changes.days,
                )
            )  # fmt: skip
            if state.last[1]:
                changes.states[key] = state

    def _load_states(self, keys: Iterable[OwnerKey]) -> None:
        known = self._states.keys() | self._changes.states.keys()
        loaded = load_owner_states(self._cursor, sorted({*keys} - known))
        name_items(self._cursor, loaded.values())
        self._states |= loaded


def _last_left(history: SnapshotsOfOwner, since: int) -> SnapshotTime | None:
    """Return the time of an owner's last snapshot, after changes since an instant."""
    stays = history.since(since)
    if stays:
        return stays[-1].time
    return next((page[0].time for page in history.before(since) if page), None)
