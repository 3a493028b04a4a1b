"""The changes of one batch, or of one step of a rebuild, and their save."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.fold.batch_input import RecordedMembership
from projections.analytics.fold.creator_moves import CreatorMove
from projections.analytics.fold.day_sums import DAY_SUMS, moves_of
from projections.analytics.fold.entities import AnalyticsVideoRow, SubjectRow
from projections.analytics.fold.keys import CreatorKey, OwnerKey, SnapshotTime
from projections.analytics.fold.owner_days import OwnerDays
from projections.analytics.fold.owner_state import OwnerState
from projections.analytics.fold.ownership import Unattributed
from projections.analytics.fold.rollup_deltas import METRIC_GROUPS, RollupDeltas
from projections.analytics.fold.snapshots import OwnerSnapshot
from projections.analytics.store.campaigns import (
    campaigns_of,
    save_changes,
    update_members,
)
from projections.analytics.store.creator_days import (
    save_creator_days,
    save_posts,
    sum_up_late_days,
)
from projections.analytics.store.creator_moves import (
    divided_creators,
    follow_projects,
    known_projects,
    save_and_follow_moves,
)
from projections.analytics.store.owners import (
    delete_owner_states,
    forget_owners,
    save_owner_days,
    save_owner_states,
)
from projections.analytics.store.rollups import save_rollups
from projections.analytics.store.snapshots import delete_snapshots, save_snapshots
from projections.analytics.store.subjects import SUBJECTS
from projections.analytics.store.unattributed import save_unattributed
from projections.analytics.store.videos import save_videos


def no_deltas() -> dict[int, RollupDeltas]:
    """Return deltas of sums, by the number of the metric group, that move nothing."""
    return {group.number: RollupDeltas.of(group) for group in METRIC_GROUPS}


class Changes(msgspec.Struct, kw_only=True):
    """Rows to insert, replace and delete, and the deltas of sums.

    ``subjects`` are the rows of all creators, projects and campaigns that the changes
    concern, as ``subjects_before`` has them or replaced. ``snapshots`` maps a stored
    row to None where it is to be deleted, ``states`` likewise. ``joined_creators`` are
    single videos in campaigns whose creator changed. ``dropped`` are creators that were
    erased with their figures: nothing of them stays.
    """

    subjects_before: Mapping[UUID, SubjectRow] = {}
    subjects: Mapping[UUID, SubjectRow] = {}
    videos: list[AnalyticsVideoRow] = []
    snapshots: dict[tuple[OwnerKey, SnapshotTime], OwnerSnapshot | None] = {}
    states: dict[OwnerKey, OwnerState | None] = {}
    unattributed: set[Unattributed] = set()
    attributed: set[Unattributed] = set()
    memberships: list[RecordedMembership] = []
    joined_creators: set[tuple[UUID, UUID]] = set()
    moves: list[CreatorMove] = []
    rollups: dict[int, RollupDeltas] = msgspec.field(default_factory=no_deltas)
    days: OwnerDays = msgspec.field(default_factory=OwnerDays)
    dropped: set[tuple[UUID, UUID]] = set()

    def put_snapshots(self, snapshots: Iterable[OwnerSnapshot]) -> None:
        """Insert these snapshots, or replace their stored rows."""
        for snapshot in snapshots:
            self.snapshots[snapshot.key, snapshot.time] = snapshot


def save(cursor: Cursor[TupleRow], changes: Changes) -> None:
    """Save changes. Sums that other transactions move as well are locked last."""
    delete_snapshots(cursor, [at for at, row in changes.snapshots.items() if not row])
    save_snapshots(cursor, [row for row in changes.snapshots.values() if row])
    delete_owner_states(cursor, [key for key, row in changes.states.items() if not row])
    save_owner_states(cursor, [row for row in changes.states.values() if row])
    save_unattributed(
        cursor, changes.unattributed - changes.attributed, changes.attributed
    )
    save_videos(cursor, changes.videos)
    before, subjects = changes.subjects_before, changes.subjects
    save_changes(cursor, changes.memberships)
    update_members(
        cursor,
        {(one.organization_id, one.campaign_id) for one in changes.memberships},
        changes.joined_creators,
    )
    save_and_follow_moves(cursor, changes.moves, before, subjects)
    save_owner_days(cursor, changes.days)
    SUBJECTS.save(
        cursor, [row for id_, row in subjects.items() if row is not before.get(id_)]
    )
    follow_projects(cursor, before, subjects)
    _save_sums(cursor, changes)
    forget_owners(cursor, changes.dropped)


def _save_sums(cursor: Cursor[TupleRow], changes: Changes) -> None:
    rollups = changes.rollups
    members = set[tuple[UUID, UUID]]().union(
        *(deltas.members() for deltas in rollups.values())
    )
    if not members:
        return
    moved = [(sums, moves_of(rollups[sums.group])) for sums in DAY_SUMS]
    posts = [deltas.posts_of_creators() for deltas in rollups.values()]
    creators = set[CreatorKey]().union(*(moves for _, moves in moved), *posts)
    # The snapshots of one creator may list videos of another.
    others = sorted(key for key in creators if key[1] not in changes.subjects)
    subjects = {**changes.subjects, **SUBJECTS.load(cursor, others)}
    projects = known_projects(subjects)
    late = [
        (sums, save_creator_days(cursor, sums, moves, projects))
        for sums, moves in moved
    ]
    for each in posts:
        save_posts(cursor, each, projects)
    campaigns = campaigns_of(cursor, members)
    divided = divided_creators(cursor, changes.subjects.values())
    for deltas in rollups.values():
        deltas.add_to(campaigns)
        deltas.leave_out(divided)
        save_rollups(cursor, deltas)
    # The rollups have these sums now, and the sums of days follow from them.
    for sums, creators in late:
        sum_up_late_days(cursor, sums, creators, projects)
