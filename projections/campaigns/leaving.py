"""The campaigns that a creator and its single videos leave if the creator moves."""

from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.structs import structs
from projections.engine.reader import Reader

_ITEMS = """
FROM campaign_items i LEFT JOIN videos v
    ON v.organization_id = i.organization_id AND v.id = i.item_id
WHERE i.organization_id = %(organization)s
AND (i.item_id = %(creator)s OR v.creator_id = %(creator)s)
"""
_VIDEOS = f"""
SELECT DISTINCT i.item_id {_ITEMS} AND i.item_type = 'video' ORDER BY i.item_id
""".encode()
_LEFT = f"""
SELECT c.id, c.name, count(*) FILTER (WHERE item.item_type = 'creator') > 0,
       count(*) FILTER (WHERE item.item_type = 'video')
FROM (SELECT i.* {_ITEMS}) AS item JOIN campaigns c
    ON c.organization_id = item.organization_id AND c.id = item.campaign_id
WHERE c.deleted_at IS NULL GROUP BY c.id, c.name ORDER BY c.name, c.id
""".encode()


class LeftCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign that contains the creator, or some of its videos as single items."""

    id: UUID
    name: str
    holds_creator: bool
    video_count: int


def single_videos(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> list[UUID]:
    """Return the creator's videos that are single items of campaigns."""
    params = {"organization": organization_id, "creator": creator_id}
    return [row[0] for row in cursor.execute(_VIDEOS, params)]


async def campaigns_left(
    reader: Reader, organization_id: UUID, creator_id: UUID
) -> list[LeftCampaign]:
    """Return the campaigns that the creator and its videos leave if it moves."""
    params = {"organization": organization_id, "creator": creator_id}
    return structs(LeftCampaign, await reader.rows(organization_id, _LEFT, params))
