"""Folds a batch of events into the live tables, and the difference into the sums."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from infra.eventstore.store import RecordedEvent
from projections.analytics.fold.batch import collect, subjects_of
from projections.analytics.fold.batch_input import BatchInput
from projections.analytics.fold.entities import (
    AnalyticsVideoRow,
    SubjectRow,
    changed,
    flags_of_profile,
    flags_of_video,
    is_dropped_owner,
    project_of,
)
from projections.analytics.fold.keys import EntityKey, OwnerKey, entity_key
from projections.analytics.fold.owner_days import OwnerDays
from projections.analytics.fold.owner_fold import (
    CountingFlags,
    is_owned,
    take_away,
    take_in,
)
from projections.analytics.fold.owner_state import OwnerState, empty_owner_state
from projections.analytics.fold.ownership import (
    Owners,
    Unattributed,
    attribute,
    new_video_numbers,
    owner_key_of,
    owner_of,
    videos_key,
)
from projections.analytics.fold.rollup_deltas import (
    METRIC_GROUPS,
    PROFILES,
    VIDEOS,
    RollupDeltas,
)
from projections.analytics.fold.snapshots import OwnerSnapshot, merged_by_time
from projections.analytics.store.campaign_changes import save_changes
from projections.analytics.store.campaign_members import campaigns_of, update_members
from projections.analytics.store.creator_moves import (
    divided_creators,
    save_and_follow_moves,
)
from projections.analytics.store.owner_days import save_owner_days
from projections.analytics.store.owner_states import (
    delete_owner_state,
    load_owner_states,
    save_owner_states,
)
from projections.analytics.store.rollups import save_rollups
from projections.analytics.store.snapshots import (
    SnapshotsOfOwner,
    delete_snapshots,
    last_snapshot,
    load_snapshots,
    save_snapshots,
)
from projections.analytics.store.subjects import SUBJECTS
from projections.analytics.store.unattributed import (
    load_unattributed,
    save_unattributed,
)
from projections.analytics.store.videos import (
    END,
    load_numbered,
    load_posted_between,
    load_videos,
    name_items,
    save_videos,
)
from projections.analytics.write.days import save_days
from projections.analytics.write.erasures import forget_owners, mark_videos


class Intake:
    """Folds one batch of events into the tables of analytics."""

    def __init__(self, cursor: Cursor[TupleRow], rule: BaselineRule) -> None:
        self._cursor = cursor
        self._rule: BaselineRule = rule
        self._subjects_before: dict[UUID, SubjectRow] = {}
        self._input = BatchInput()
        self._rows_before: dict[EntityKey, AnalyticsVideoRow] = {}
        self._rows: dict[EntityKey, AnalyticsVideoRow] = {}
        self._states: dict[OwnerKey, OwnerState] = {}
        self._changed_states: set[OwnerKey] = set()
        self._snapshots: dict[OwnerKey, list[OwnerSnapshot]] = defaultdict(list)
        self._flags: dict[OwnerKey, dict[int, int]] = defaultdict(dict)
        self._subjects_of: dict[OwnerKey, tuple[UUID | None, UUID | None]] = {}
        self._item_ids: dict[OwnerKey, dict[int, UUID]] = defaultdict(dict)
        self._rollups = {
            metric_group.number: RollupDeltas.of(metric_group)
            for metric_group in METRIC_GROUPS
        }
        self._days = OwnerDays()
        self._gone: set[Unattributed] = set()
        self._came: set[Unattributed] = set()

    def take_in(self, events: Sequence[RecordedEvent]) -> None:
        """Fold the events in. Events that were folded before change nothing."""
        self._load_subjects(key for event in events for key in subjects_of(event))
        self._input = BatchInput(self._subjects_before.values())
        collect(events, self._input)
        mark_videos(self._cursor, self._input)
        self._fold_videos()
        self._attribute()
        self._flag_profiles()
        self._fold_states()
        self._save()
        forget_owners(
            self._cursor,
            {
                (row.organization_id, row.id)
                for row in self._input.subjects.values()
                if is_dropped_owner(row)
            },
        )

    def _load_subjects(self, keys: Iterable[tuple[UUID, UUID]]) -> None:
        missing = {key for key in keys if key[1] not in self._subjects_before}
        found = SUBJECTS.load(self._cursor, sorted(missing))
        self._subjects_before |= found
        for key, row in found.items():
            self._input.subjects.setdefault(key, row)

    def _fold_videos(self) -> None:
        by_video = self._input.changes
        self._rows_before = load_videos(self._cursor, sorted(by_video))
        for key, changes in by_video.items():
            row = self._rows_before.get(key) or AnalyticsVideoRow(
                organization_id=UUID(int=key[0]), id=UUID(int=key[1])
            )
            self._rows[key] = changed(row, changes, self._input.events)
        both = [*self._rows_before.values(), *self._rows.values()]
        self._load_subjects(
            (row.organization_id, row.creator_id) for row in both if row.creator_id
        )
        for key, row in self._changed_baselines().items():
            self._rows.setdefault(key, row)
            self._rows_before.setdefault(key, row)
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
        rollups = self._rollups[VIDEOS.number]
        for key, after in self._rows.items():
            before = self._rows_before.get(key)
            if before is not None and before.posts() == after.posts():
                continue
            for row, sign in ((before, -1), (after, 1)):
                if row is not None and row.is_counted and row.posted_at is not None:
                    subjects = row.subjects(self._input.subjects)
                    rollups.add_posts(
                        row.organization_id, subjects, [row.posted_at], sign=sign
                    )

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
        self._load_subjects(key for key in provisional_owners)
        projects = {
            key: row.origin_project_id
            if (row := self._input.subjects.get(key[1])) and row.kind != "project"
            else key[1]
            for key in provisional_owners
        }
        self._reassign_stored()
        self._load_states({snapshot.key for snapshot in snapshots})
        new = new_video_numbers(snapshots, self._states)
        numbers = {
            (key[0], number)
            for key, video_numbers in new.items()
            for number in video_numbers.tolist()
        }
        owners = Owners(load_numbered(self._cursor, numbers))
        owners.add(self._rows.values())
        attributed, unattributed = attribute(snapshots, new, owners, projects)
        self._came |= unattributed
        for key, attributed_snapshots in attributed.items():
            self._snapshots[key] += attributed_snapshots
        self._flag_videos(
            [
                *(r for r in owners.rows(numbers) if owner_key_of(r) in attributed),
                *self._rows.values(),
            ]
        )

    def _flag_videos(self, videos: Sequence[AnalyticsVideoRow]) -> None:
        """Note the flags of videos that are new to an owner or have changed."""
        self._load_subjects(
            (row.organization_id, row.creator_id) for row in videos if row.creator_id
        )
        for row in videos:
            key = owner_key_of(row)
            if key is None or row.number is None:
                continue
            flags = flags_of_video(row, self._input.subjects, rule=self._rule)
            self._flags[key][row.number] = flags
            if row.is_campaign_item:
                self._item_ids[key][row.number] = row.id
            project_id = project_of(row, self._input.subjects)
            self._subjects_of[key] = row.creator_id, project_id

    def _reassign_stored(self) -> None:
        """Move the stored observations of videos whose owner has changed."""
        reassigned: dict[OwnerKey, dict[int, UUID]] = defaultdict(dict)
        owned = {
            (row.organization_id, row.number): row
            for row in self._rows.values()
            if row.is_there and row.number is not None
        }
        newly_assigned = {
            (row.organization_id, row.id)
            for row in self._input.subjects.values()
            if row.origin_project_id is not None
            and ((held := self._subjects_before.get(row.id)) is None
                 or held.origin_project_id is None)
        }  # fmt: skip
        kept = load_unattributed(self._cursor, owned, newly_assigned)
        self._load_subjects((one[0], one[2]) for one in kept)
        owners = Owners(load_numbered(self._cursor, {(one[0], one[1]) for one in kept}))
        owners.add(self._rows.values())
        for organization_id, number, provisional_owner in kept:
            subject = self._input.subjects.get(provisional_owner)
            is_creator = subject is not None and subject.kind != "project"
            project_id = (
                subject.origin_project_id
                if subject and is_creator
                else provisional_owner
            )
            row = owners.row_of(organization_id, number, provisional_owner, project_id)
            owner = owner_of(row)
            if row is None or owner is None:
                continue
            self._gone.add((organization_id, number, provisional_owner))
            key = entity_key(row.organization_id, row.id)
            if key not in self._rows:
                self._rows[key] = self._rows_before[key] = row
            if owner != provisional_owner:
                reassigned[videos_key(organization_id, provisional_owner)][number] = (
                    owner
                )
        for key, row in self._rows.items():
            was, owner = owner_of(self._rows_before.get(key)), owner_of(row)
            if was and owner and was != owner and row.number is not None:
                reassigned[videos_key(row.organization_id, was)][row.number] = owner
        self._load_states(reassigned)
        for key, targets in reassigned.items():
            self._reassign(key, targets)

    def _reassign(self, key: OwnerKey, targets: dict[int, UUID]) -> None:
        """Move the observations of videos from one owner to others."""
        state = self._states.get(key)
        if state is None:
            return
        video_numbers = np.array(sorted(targets), np.int64)
        is_theirs = np.isin(state.video_numbers, video_numbers)
        if not is_theirs.any():
            return
        since = int(state.first_at[is_theirs].min())
        stored = load_snapshots(self._cursor, key, since=since)
        take_away(state, video_numbers, stored, self._rollups[key[1]])
        self._days.fold_again(key, since)
        stay: list[OwnerSnapshot] = []
        empty: list[OwnerSnapshot] = []
        for snapshot in stored:
            away = np.isin(snapshot.observed.video_numbers, video_numbers)
            if not away.any():
                continue
            for number in snapshot.observed.video_numbers[away].tolist():
                reassigned_snapshot = msgspec.structs.replace(
                    snapshot,
                    owner=targets[number],
                    observed=snapshot.observed.where(
                        snapshot.observed.video_numbers == number
                    ),
                )
                self._snapshots[reassigned_snapshot.key].append(reassigned_snapshot)
            rest = msgspec.structs.replace(
                snapshot, observed=snapshot.observed.where(~away)
            )
            (stay if rest.is_kept else empty).append(rest)
        save_snapshots(self._cursor, stay)
        delete_snapshots(self._cursor, empty)
        self._changed_states.add(key)
        if empty:
            last = last_snapshot(self._cursor, key)
            if last is None:
                delete_owner_state(self._cursor, key)
                del self._states[key]
            else:
                state.last = last

    def _flag_profiles(self) -> None:
        for snapshot in self._input.snapshots:
            if snapshot.metric_group == PROFILES.number:
                self._snapshots[snapshot.key].append(snapshot)
        for row in self._input.subjects.values():
            before = self._subjects_before.get(row.id)
            key = row.organization_id, PROFILES.number, row.id
            is_new = flags_of_profile(before) != flags_of_profile(row)
            if is_new or key in self._snapshots:
                self._flags[key][0] = flags_of_profile(row)
                self._subjects_of[key] = row.id, row.project_id

    def _fold_states(self) -> None:
        touched = {*self._snapshots, *self._flags}
        self._load_states(touched)
        kept: list[OwnerSnapshot] = []
        for key in sorted(touched):
            state, snapshots = (
                self._states.get(key),
                merged_by_time(self._snapshots[key]),
            )
            if state is None:
                if not snapshots:
                    continue
                metric_group = METRIC_GROUPS[key[1]]
                state = empty_owner_state(*key, counters=metric_group.counters)
            known = self._subjects_of.get(key)
            if known is not None:
                state.creator_id, state.project_id = known
            state.item_ids |= self._item_ids[key]
            counting_flags = CountingFlags.of(self._flags[key])
            opening, last = state.levels.copy(), state.last
            kept += take_in(
                state,
                snapshots,
                SnapshotsOfOwner(self._cursor, key),
                counting_flags,
                self._rollups[key[1]],
            )
            if key[1] == VIDEOS.number:
                self._days.took_in(state, opening, last, snapshots)
            if not is_owned(state):
                state.creator_id = state.project_id = None
            if state.last[1]:
                self._states[key] = state
                self._changed_states.add(key)
        save_snapshots(self._cursor, kept)

    def _load_states(self, keys: Iterable[OwnerKey]) -> None:
        missing = {key for key in keys if key not in self._states}
        loaded = load_owner_states(self._cursor, sorted(missing))
        name_items(self._cursor, loaded.values())
        self._states |= loaded

    def _save(self) -> None:
        states = [
            self._states[key]
            for key in sorted(self._changed_states)
            if key in self._states
        ]
        save_owner_states(self._cursor, states)
        save_unattributed(self._cursor, self._came - self._gone, self._gone)
        before, held = self._rows_before, self._subjects_before
        save_videos(
            self._cursor,
            [row for key, row in self._rows.items() if row is not before.get(key)],
        )
        self._update_campaigns()
        subjects = self._input.subjects
        save_and_follow_moves(self._cursor, self._input.moves, held, subjects)
        divided = divided_creators(self._cursor, subjects.values())
        for rollups in self._rollups.values():
            rollups.leave_out(divided)
            save_rollups(self._cursor, rollups)
        save_days(self._cursor, self._rollups)
        save_owner_days(self._cursor, self._days)
        SUBJECTS.save(
            self._cursor,
            [row for k, row in self._input.subjects.items() if row is not held.get(k)],
        )

    def _update_campaigns(self) -> None:
        """Let members join and leave campaigns, and route the deltas to these."""
        before, memberships = self._rows_before, self._input.memberships
        save_changes(self._cursor, memberships)
        update_members(
            self._cursor,
            {(one.organization_id, one.campaign_id) for one in memberships},
            {
                (row.organization_id, row.id)
                for key, row in self._rows.items()
                if row.is_campaign_item
                and (
                    (was := before.get(key)) is None or was.creator_id != row.creator_id
                )
            },
        )
        moved = set[tuple[UUID, UUID]]().union(
            *(rollups.members() for rollups in self._rollups.values())
        )
        campaigns = campaigns_of(self._cursor, moved)
        for rollups in self._rollups.values():
            rollups.add_to(campaigns)
