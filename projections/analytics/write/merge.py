"""A rebuild's later stages: folds what the slices of the log have stored.

Gathering only adds to rows, so slices may be gathered in any order, at once, and twice.
Five stages follow, and workers can share each: fold the videos from their changes, mark
those of erased creators, move each observation to its video's owner, fold the owner
states and the sums, then sum up what counts in each campaign.
"""

from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.analytics.baselines import BaselineRule
from projections.analytics.fold.entities import (
    FlaggedVideo,
    SubjectRow,
    flags_of_profile,
    flags_of_video,
    is_dropped_owner,
    project_of,
    refolded,
)
from projections.analytics.fold.keys import OwnerKey, instant_of
from projections.analytics.fold.owner_days import OwnerDays
from projections.analytics.fold.owner_fold import CountingFlags, fold_anew, is_owned
from projections.analytics.fold.owner_state import OwnerState, empty_owner_state
from projections.analytics.fold.rollup_deltas import (
    METRIC_GROUPS,
    PROFILES,
    VIDEOS,
    RollupDeltas,
)
from projections.analytics.store.baseline_rule import rule_of
from projections.analytics.store.campaign_members import insert_members, members
from projections.analytics.store.column_codec import unpack
from projections.analytics.store.creator_moves import divided_creators
from projections.analytics.store.keys import (
    CAMPAIGNS,
    PARTITION,
    execute,
    packed_keys,
    packed_pairs,
)
from projections.analytics.store.owner_days import save_owner_days
from projections.analytics.store.owner_states import save_owner_states
from projections.analytics.store.rollups import RollupMove, move_rollups, save_rollups
from projections.analytics.store.snapshots import packed_snapshots
from projections.analytics.store.subjects import SUBJECTS
from projections.analytics.store.videos import VIDEO_COLUMNS, save_videos, video_of
from projections.analytics.write.attribution import attribute_gathered
from projections.analytics.write.days import save_days
from projections.analytics.write.erasures import forget_owners, merge_erasures
from projections.analytics.write.gather import note_gathered, owner_keys_of
from projections.engine.projection import Merged

_BEGINNING = instant_of(datetime.min.replace(tzinfo=UTC))
_VIDEOS_AT_ONCE = 2_000
_OWNERS_AT_ONCE = 50
_SNAPSHOTS_AT_ONCE = 200
# In one transaction; fewer are in memory at once.
_OBSERVATIONS_AT_ONCE = 500_000
_GATHERED = f"""
SELECT organization_id, metric_group, owner FROM analytics_gathered
WHERE is_attributed = %s AND metric_group <> {CAMPAIGNS}
AND {PARTITION.format("owner")}
ORDER BY organization_id, metric_group, owner LIMIT %s
"""
_RAW = f"""
SELECT {VIDEO_COLUMNS} FROM analytics_videos
WHERE is_raw AND {PARTITION.format("id")} ORDER BY organization_id, id LIMIT %s
"""
_OWN = f"""
SELECT {", ".join(FlaggedVideo.__struct_fields__)} FROM analytics_videos
WHERE organization_id = %s AND is_there
AND (creator_id = %s OR id = %s AND creator_id IS NULL)
"""
_CAMPAIGNS_AT_ONCE = 20
_CAMPAIGNS_GATHERED = f"""
SELECT organization_id, owner FROM analytics_gathered
WHERE metric_group = {CAMPAIGNS} AND {PARTITION.format("owner")}
ORDER BY organization_id, owner LIMIT %s
"""
_CAMPAIGNS_DONE = f"""
DELETE FROM analytics_gathered USING unnest(%b::uuid[], %b::uuid[]) AS done (o, c)
WHERE organization_id = o AND metric_group = {CAMPAIGNS} AND owner = c
"""


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
            return _merge_attribution(cursor, partition, partitions)
        case "owner_states":
            return _merge_owner_states(cursor, partition, partitions)
        case "campaigns":
            return _merge_campaigns(cursor, partition, partitions)
        case _:
            raise ValueError(f"there is no stage {stage}")


def _merge_videos(cursor: Cursor[TupleRow], partition: int, partitions: int) -> Merged:
    found = execute(cursor, _RAW, partitions, partition, _VIDEOS_AT_ONCE).fetchall()
    videos = [refolded(video_of(row)) for row in found]
    save_videos(cursor, videos)
    note_gathered(cursor, owner_keys_of(videos), is_attributed=False)
    return Merged(len(videos), is_all=len(videos) < _VIDEOS_AT_ONCE)


def _merge_attribution(
    cursor: Cursor[TupleRow], partition: int, partitions: int
) -> Merged:
    keys = _gathered(cursor, partition, partitions, is_attributed=False)
    if keys:
        attribute_gathered(cursor, keys)
    return Merged(len(keys), is_all=len(keys) < _OWNERS_AT_ONCE)


def _merge_owner_states(
    cursor: Cursor[TupleRow], partition: int, partitions: int
) -> Merged:
    keys = _gathered(cursor, partition, partitions, is_attributed=True)
    held = SUBJECTS.load(cursor, [(key[0], key[2]) for key in keys])
    rule = rule_of(cursor)
    rollups = {
        metric_group.number: RollupDeltas.of(metric_group)
        for metric_group in METRIC_GROUPS
    }
    done: list[OwnerKey] = []
    days = OwnerDays()
    observations = 0
    states: list[OwnerState] = []
    for key in keys:
        if is_dropped_owner(held.get(key[2])):
            forget_owners(cursor, [(key[0], key[2])])
            done.append(key)
            continue
        state, amount = _folded(cursor, key, held, rollups[key[1]], days, rule=rule)
        done.append(key)
        if state.last[1]:
            states.append(state)
        observations += amount
        if observations > _OBSERVATIONS_AT_ONCE:
            break
    save_owner_states(cursor, states)
    save_owner_days(cursor, days)
    execute(
        cursor,
        """
        DELETE FROM analytics_gathered
        USING unnest(%b::uuid[], %b::bigint[], %b::uuid[]) AS done (o, f, w)
        WHERE organization_id = o AND metric_group = f AND owner = w
        """,
        *packed_keys(done),
    )
    save_days(cursor, rollups)
    divided = divided_creators(cursor, held.values())
    # Rows that other partitions change too come last, so that they are locked only
    # briefly.
    for each in rollups.values():
        each.leave_out(divided)
        save_rollups(cursor, each)
    return Merged(len(done), is_all=len(done) < _OWNERS_AT_ONCE and done == keys)


def _gathered(
    cursor: Cursor[TupleRow], partition: int, partitions: int, *, is_attributed: bool
) -> list[OwnerKey]:
    """Return the next owners with snapshots that wait for a stage."""
    found = execute(
        cursor, _GATHERED, is_attributed, partitions, partition, _OWNERS_AT_ONCE
    )
    return [(row[0], row[1], row[2]) for row in found.fetchall()]


def _folded(
    cursor: Cursor[TupleRow],
    key: OwnerKey,
    held: dict[UUID, SubjectRow],
    rollups: RollupDeltas,
    days: OwnerDays,
    *,
    rule: BaselineRule,
) -> tuple[OwnerState, int]:
    """Return an owner's state after all its snapshots, and its observations' number."""
    organization_id, metric_group, owner = key
    state = empty_owner_state(*key, counters=METRIC_GROUPS[metric_group].counters)
    subject = held.get(owner)
    if metric_group == PROFILES.number:
        flags = {0: flags_of_profile(subject)}
        state.creator_id = owner
        state.project_id = None if subject is None else subject.project_id
    else:
        own = _own_videos(cursor, organization_id, owner)
        flags = {row.number: flags_of_video(row, held, rule=rule) for row in own}
        for (creator_id, project_id), theirs in groupby(
            own, key=lambda row: (row.creator_id, project_of(row, held))
        ):
            rollups.add_posts(
                organization_id,
                (creator_id, project_id),
                (row.posted_at for row in theirs if row.is_counted and row.posted_at),
            )
        items = [row for row in own if row.is_campaign_item]
        state.item_ids = {row.number: row.id for row in items}
        for row in items:
            if row.is_counted and row.posted_at:
                rollups.add_posts(
                    organization_id, (None, None, row.id), [row.posted_at]
                )
        for row in own[:1]:
            state.creator_id, state.project_id = row.creator_id, project_of(row, held)
    counting_flags = CountingFlags.of(flags)
    amount = 0
    after = _BEGINNING, -1
    for times, packed in packed_snapshots(
        cursor, key, after=after, at_once=_SNAPSHOTS_AT_ONCE
    ):
        observations = unpack(packed, counters=METRIC_GROUPS[metric_group].counters)
        amount += len(observations)
        opening, last = state.levels.copy(), state.last
        fold_anew(state, times, observations, counting_flags, rollups)
        if metric_group == VIDEOS.number:
            days.go_on(key, opening, last, times, observations)
    if not is_owned(state):
        state.creator_id = state.project_id = None
    return state, amount


def _own_videos(
    cursor: Cursor[TupleRow], organization_id: UUID, owner: UUID
) -> list[FlaggedVideo]:
    found = execute(cursor, _OWN, organization_id, owner, owner)
    return [FlaggedVideo(*row) for row in found.fetchall()]


def _merge_campaigns(
    cursor: Cursor[TupleRow], partition: int, partitions: int
) -> Merged:
    """Store the members and the rollups of the next campaigns of a partition."""
    found = execute(
        cursor, _CAMPAIGNS_GATHERED, partitions, partition, _CAMPAIGNS_AT_ONCE
    )
    campaigns = [(row[0], row[1]) for row in found.fetchall()]
    if campaigns:
        all_members = sorted(members(cursor, campaigns))
        insert_members(cursor, all_members)
        move_rollups(
            cursor, [RollupMove(*member[:3], sign=1) for member in all_members]
        )
        execute(cursor, _CAMPAIGNS_DONE, *packed_pairs(campaigns))
    return Merged(len(campaigns), is_all=len(campaigns) < _CAMPAIGNS_AT_ONCE)
