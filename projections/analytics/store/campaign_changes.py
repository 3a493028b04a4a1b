"""Table analytics_campaign_changes: items that joined and left, by position."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.analytics.membership import MembershipChange
from projections.analytics.fold.batch_input import CampaignKey, RecordedMembership
from projections.analytics.store.keys import execute, packed_pairs

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
