"""Tables of the members of campaigns: their changes by position, and the present ones.

Members are the creators in the tree below a campaign, and the single videos in it whose
creators are not in it. A campaign's rollups are the sums of the rollups of its members.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.analytics.membership import MembershipChange, members_of_tree
from infra.arrays import Packed, uuids
from projections.analytics.fold.batch_input import CampaignKey, RecordedMembership
from projections.analytics.fold.rollup_deltas import CampaignsByMember
from projections.analytics.store.rollups import RollupMove, move_rollups
from projections.analytics.store.statements import (
    delete_rows,
    execute,
    packed_pairs,
    save_rows,
)

CHANGE_COLUMNS = "campaign_id, position, recorded_at, item_type, item_id, is_added"
# All items that campaigns ever held, the items of these, and so on.
TREE = f"""
WITH RECURSIVE tree (organization_id, campaign_id) AS (
    SELECT * FROM {{roots}}
    UNION
    SELECT c.organization_id, c.item_id
    FROM tree JOIN analytics_campaign_changes c USING (organization_id, campaign_id)
    WHERE c.item_type = 'campaign'
)
SELECT organization_id, {CHANGE_COLUMNS}
FROM tree JOIN analytics_campaign_changes USING (organization_id, campaign_id)
"""
_ABOVE = """
WITH RECURSIVE above (organization_id, campaign_id) AS (
    SELECT * FROM unnest(%b::uuid[], %b::uuid[])
    UNION
    SELECT organization_id, c.campaign_id
    FROM above JOIN analytics_campaign_changes c USING (organization_id)
    WHERE c.item_id = above.campaign_id
)
SELECT organization_id, campaign_id FROM above
"""
_HOLDING = """
SELECT DISTINCT o, campaign_id FROM unnest(%b::uuid[], %b::uuid[]) AS items (o, i)
JOIN analytics_campaign_changes ON organization_id = o AND item_id = i
"""
_SAVE = f"""
INSERT INTO analytics_campaign_changes (organization_id, {CHANGE_COLUMNS})
SELECT organization_id, {CHANGE_COLUMNS}
FROM json_populate_recordset(NULL::analytics_campaign_changes, %s::json)
ON CONFLICT DO NOTHING
"""


def save_changes(
    cursor: Cursor[TupleRow], changes: Sequence[RecordedMembership]
) -> None:
    """Insert the changes that are not there yet."""
    if changes:
        execute(cursor, _SAVE, msgspec.json.encode(changes).decode())


def load_trees(
    cursor: Cursor[TupleRow], campaigns: Iterable[CampaignKey]
) -> dict[UUID, list[MembershipChange]]:
    """Return the changes of campaigns and of all below them, by organization."""
    found: dict[UUID, list[MembershipChange]] = {}
    roots = TREE.format(roots="unnest(%b::uuid[], %b::uuid[])")
    for row in execute(cursor, roots, *packed_pairs(campaigns)):
        found.setdefault(row[0], []).append(change_of(row[1:]))
    return found


def campaigns_holding(
    cursor: Cursor[TupleRow], items: Iterable[tuple[UUID, UUID]]
) -> set[CampaignKey]:
    """Return the campaigns that hold or held one of the items."""
    packed = packed_pairs(items)
    return {(row[0], row[1]) for row in execute(cursor, _HOLDING, *packed)}


def with_those_above(
    cursor: Cursor[TupleRow], campaigns: Iterable[CampaignKey]
) -> set[CampaignKey]:
    """Return the campaigns and all campaigns that hold or held them, at any depth."""
    packed = packed_pairs(campaigns)
    return {(row[0], row[1]) for row in execute(cursor, _ABOVE, *packed)}


def change_of(row: Sequence[Any]) -> MembershipChange:
    """Return the change in a row of ``CHANGE_COLUMNS``."""
    return MembershipChange(
        campaign_id=row[0],
        position=row[1],
        recorded_at=row[2],
        item_type=row[3],
        item_id=row[4],
        is_added=row[5],
    )


_Member = tuple[UUID, UUID, UUID, bool]
"""An organization, a campaign, its member, and True if the member is a creator."""

_HELD = """
SELECT organization_id, campaign_id, member_id, is_creator
FROM unnest(%b::uuid[], %b::uuid[]) AS requested (o, c)
JOIN analytics_campaign_members ON organization_id = o AND campaign_id = c
"""
_OF = """
SELECT organization_id, member_id, campaign_id
FROM unnest(%b::uuid[], %b::uuid[]) AS requested (o, m)
JOIN analytics_campaign_members ON organization_id = o AND member_id = m
"""
_CREATORS = """
SELECT id, creator_id FROM unnest(%b::uuid[], %b::uuid[]) AS requested (o, i)
JOIN analytics_videos ON organization_id = o AND id = i
"""


def campaigns_of(
    cursor: Cursor[TupleRow], subjects: Iterable[tuple[UUID, UUID]]
) -> CampaignsByMember:
    """Return the campaigns that creators and videos are members of."""
    found: defaultdict[tuple[UUID, UUID], list[UUID]] = defaultdict(list)
    if requested := {*subjects}:
        for row in execute(cursor, _OF, *packed_pairs(requested)):
            found[row[0], row[1]].append(row[2])
    return found


def update_members(
    cursor: Cursor[TupleRow],
    campaigns: Iterable[CampaignKey],
    videos: Iterable[tuple[UUID, UUID]],
) -> None:
    """Let members join and leave campaigns, and their stored rollups with them.

    ``campaigns`` are those that got or lost an item, ``videos`` the single videos with
    another creator than before.
    """
    changed = {*campaigns}
    if single := [*videos]:
        changed |= campaigns_holding(cursor, single)
    if not changed:
        return
    concerned = with_those_above(cursor, changed)
    held = execute(cursor, _HELD, *packed_pairs(concerned))
    before = {(row[0], row[1], row[2], row[3]) for row in held}
    after = members(cursor, concerned)
    joined, left = sorted(after - before), sorted(before - after)
    move_rollups(
        cursor,
        [
            *(RollupMove(*member[:3], sign=1) for member in joined),
            *(RollupMove(*member[:3], sign=-1) for member in left),
        ],
    )
    if left:
        delete_rows(cursor, "analytics_campaign_members", _columns_of(left))
    insert_members(cursor, joined)


def members(
    cursor: Cursor[TupleRow], campaigns: Collection[CampaignKey]
) -> set[_Member]:
    trees = load_trees(cursor, campaigns)
    of_each = {
        (organization_id, campaign_id): members_of_tree(
            trees.get(organization_id, ()), campaign_id
        )
        for organization_id, campaign_id in campaigns
    }
    videos = {
        (key[0], video) for key, of_it in of_each.items() for video in of_it.videos
    }
    creators: dict[UUID, UUID | None] = {}
    if videos:
        rows = execute(cursor, _CREATORS, *packed_pairs(videos))
        creators = {row[0]: row[1] for row in rows}
    found: set[_Member] = set()
    for key, of_it in of_each.items():
        found |= {(*key, creator, True) for creator in of_it.creators}
        found |= {
            (*key, video, False)
            for video in of_it.videos
            if creators.get(video) not in of_it.creators
        }
    return found


def insert_members(cursor: Cursor[TupleRow], some: Sequence[_Member]) -> None:
    """Insert members that are not there yet."""
    if some:
        row = {**_columns_of(some), "is_creator": [member[3] for member in some]}
        save_rows(cursor, "analytics_campaign_members", row)


def _columns_of(some: Sequence[_Member]) -> dict[str, Packed]:
    return {
        "organization_id": uuids([member[0] for member in some]),
        "campaign_id": uuids([member[1] for member in some]),
        "member_id": uuids([member[2] for member in some]),
    }
