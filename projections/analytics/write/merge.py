"""The stages of a rebuild: they fold what the slices of the log have stored.

Slices only add to rows, so they may be gathered in any order, at once, and twice. Five
stages follow, and workers can share each: fold the videos from their changes, mark
those of erased creators, move each observation to its video's owner, fold the owner
states and the sums, then sum up what counts in each campaign.
"""

from datetime import UTC, datetime
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from projections.analytics.fold.entities import (
    SubjectRow,
    is_dropped_owner,
    refolded,
)
from projections.analytics.fold.keys import OwnerKey, instant_of
from projections.analytics.fold.owner_fold import OwnerFlags, count_post, fold_stored
from projections.analytics.fold.owner_state import empty_owner_state
from projections.analytics.fold.ownership import owner_keys_of
from projections.analytics.fold.rollup_deltas import METRIC_GROUPS, PROFILES
from projections.analytics.store.baseline_rule import rule_of
from projections.analytics.store.campaigns import insert_members, members
from projections.analytics.store.column_codec import unpack
from projections.analytics.store.gathered import (
    delete_waiting,
    next_waiting,
    note_waiting,
)
from projections.analytics.store.rollups import RollupMove, move_rollups
from projections.analytics.store.snapshots import packed_snapshots
from projections.analytics.store.subjects import SUBJECTS
from projections.analytics.store.videos import own_videos, raw_videos
from projections.analytics.write.attribution import merge_attribution
from projections.analytics.write.changes import Changes, save
from projections.analytics.write.erasures import merge_erasures
from projections.engine.projection import Merged

_BEGINNING = instant_of(datetime.min.replace(tzinfo=UTC))
_VIDEOS_AT_ONCE = 2_000
_OWNERS_AT_ONCE = 50
_SNAPSHOTS_AT_ONCE = 200
_CAMPAIGNS_AT_ONCE = 20
# In one transaction; fewer are in memory at once.
_OBSERVATIONS_AT_ONCE = 500_000


def merge(
    cursor: Cursor[TupleRow], stage: str, *, partition: int, partitions: int
) -> Merged:
    """Do a part of the work that one partition of a stage still needs."""
    match stage:
        case "videos":
            return _merge_videos(cursor, partition, partitions)
        case "erasures":
            return merge_erasures(cursor, partition, partitions)
        case "attribution":
            return merge_attribution(cursor, partition, partitions)
        case "owner_states":
            return _merge_owner_states(cursor, partition, partitions)
        case "campaigns":
            return _merge_campaigns(cursor, partition, partitions)
        case _:
            raise ValueError(f"there is no stage {stage}")


def _merge_videos(cursor: Cursor[TupleRow], partition: int, partitions: int) -> Merged:
    raw = raw_videos(cursor, partition, partitions, most=_VIDEOS_AT_ONCE)
    videos = [refolded(row) for row in raw]
    save(cursor, Changes(videos=videos))
    note_waiting(cursor, owner_keys_of(videos), is_attributed=False)
    return Merged(len(videos), is_all=len(videos) < _VIDEOS_AT_ONCE)


def _merge_owner_states(
    cursor: Cursor[TupleRow], partition: int, partitions: int
) -> Merged:
    keys = next_waiting(cursor, partition, partitions, most=_OWNERS_AT_ONCE)
    subjects = SUBJECTS.load(cursor, [(key[0], key[2]) for key in keys])
    changes = Changes(subjects_before=subjects, subjects=subjects)
    rule = rule_of(cursor)
    done: list[OwnerKey] = []
    observations = 0
    for key in keys:
        done.append(key)
        if is_dropped_owner(subjects.get(key[2])):
            changes.dropped.add((key[0], key[2]))
            continue
        observations += _fold_owner(cursor, key, subjects, changes, rule)
        if observations > _OBSERVATIONS_AT_ONCE:
            break
    delete_waiting(cursor, done)
    save(cursor, changes)
    return Merged(len(done), is_all=len(done) < _OWNERS_AT_ONCE and done == keys)


def _fold_owner(
    cursor: Cursor[TupleRow],
    key: OwnerKey,
    subjects: dict[UUID, SubjectRow],
    changes: Changes,
    rule: BaselineRule,
) -> int:
    """Fold all snapshots of an owner, and return how many observations they have."""
    organization_id, metric_group, owner = key
    counters = METRIC_GROUPS[metric_group].counters
    state = empty_owner_state(*key, counters=counters)
    rollups, flags = changes.rollups[metric_group], OwnerFlags()
    if metric_group == PROFILES.number:
        if (subject := subjects.get(owner)) is not None:
            flags.add_profile(subject)
    else:
        for video in own_videos(cursor, organization_id, owner):
            flags.add_video(video, subjects, rule=rule)
            count_post(video, subjects, rollups)
    amount = 0
    for times, packed in packed_snapshots(
        cursor, key, after=(_BEGINNING, -1), at_once=_SNAPSHOTS_AT_ONCE
    ):
        observations = unpack(packed, counters=counters)
        amount += len(observations)
        fold_stored(state, times, observations, flags, rollups, changes.days)
    if state.last[1]:
        changes.states[key] = state
    return amount


def _merge_campaigns(
    cursor: Cursor[TupleRow], partition: int, partitions: int
) -> Merged:
    keys = next_waiting(
        cursor, partition, partitions, is_campaign=True, most=_CAMPAIGNS_AT_ONCE
    )
    if keys:
        joined = sorted(members(cursor, [(key[0], key[2]) for key in keys]))
        insert_members(cursor, joined)
        move_rollups(cursor, [RollupMove(*member[:3], sign=1) for member in joined])
        delete_waiting(cursor, keys)
    return Merged(len(keys), is_all=len(keys) < _CAMPAIGNS_AT_ONCE)
