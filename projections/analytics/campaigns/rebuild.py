"""A rebuild's last stage: sums up what counts in each campaign."""

from psycopg import Cursor
from psycopg.rows import TupleRow

from projections.analytics.campaigns.members import insert_members, members
from projections.analytics.campaigns.rollups import RollupMove, move_rollups
from projections.analytics.keys import CAMPAIGNS, PARTITION, execute, packed_pairs
from projections.engine.projection import Merged

_CAMPAIGNS_AT_ONCE = 20
_GATHERED = f"""
SELECT organization_id, owner FROM analytics_gathered
WHERE metric_group = {CAMPAIGNS} AND {PARTITION.format("owner")}
ORDER BY organization_id, owner LIMIT %s
"""
_DONE = f"""
DELETE FROM analytics_gathered USING unnest(%b::uuid[], %b::uuid[]) AS done (o, c)
WHERE organization_id = o AND metric_group = {CAMPAIGNS} AND owner = c
"""


def merge_campaigns(
    cursor: Cursor[TupleRow], partition: int, partitions: int
) -> Merged:
    """Store the members and the rollups of the next campaigns of a partition."""
    found = execute(cursor, _GATHERED, partitions, partition, _CAMPAIGNS_AT_ONCE)
    campaigns = [(row[0], row[1]) for row in found.fetchall()]
    if campaigns:
        all_members = sorted(members(cursor, campaigns))
        insert_members(cursor, all_members)
        move_rollups(
            cursor, [RollupMove(*member[:3], sign=1) for member in all_members]
        )
        execute(cursor, _DONE, *packed_pairs(campaigns))
    return Merged(len(campaigns), is_all=len(campaigns) < _CAMPAIGNS_AT_ONCE)
