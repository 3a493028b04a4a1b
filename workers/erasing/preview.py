"""What an erasure would concern, counted before it is done."""

from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.structs import structs

# Whose account it is, the same handles' single videos, and what is about them.
_COUNTS = """
WITH account AS (
    SELECT %(creator)s::uuid AS id
    UNION
    SELECT other.creator_id FROM creator_identity AS this
    JOIN creator_identity AS other ON other.user_id = this.user_id
        AND other.organization_id = this.organization_id
    WHERE this.creator_id = %(creator)s AND this.organization_id = %(organization)s
), creators AS (
    SELECT id, tiktok_handle AS handle FROM creator_list
    WHERE organization_id = %(organization)s AND id IN (SELECT id FROM account)
    AND status <> 'erased'
), theirs AS (
    SELECT id, tiktok_handle AS handle FROM videos
    WHERE organization_id = %(organization)s
    AND (creator_id IN (SELECT id FROM creators)
         OR creator_id IS NULL AND tiktok_handle IN (SELECT handle FROM creators))
), items AS (
    SELECT id FROM creators UNION ALL SELECT id FROM theirs
)
SELECT %(creator)s::uuid,
    (SELECT count(*) FROM creators),
    (SELECT count(*) FROM theirs),
    (SELECT count(*) FROM scrape_runs
     WHERE organization_id = %(organization)s
     AND (creator_id IN (SELECT id FROM creators)
          OR creator_id IS NULL AND tiktok_handle IN (
              SELECT handle FROM creators UNION ALL SELECT handle FROM theirs))),
    (SELECT count(*) FROM annotations
     WHERE organization_id = %(organization)s AND kind = 'note'
     AND scope IN ('creator', 'video') AND scope_id IN (SELECT id FROM items)),
    (SELECT count(DISTINCT i.campaign_id) FROM campaign_items i JOIN campaigns c
         ON c.organization_id = i.organization_id AND c.id = i.campaign_id
     WHERE i.organization_id = %(organization)s AND c.deleted_at IS NULL
     AND i.item_id IN (SELECT id FROM items)),
    (SELECT count(*) FROM bans WHERE handle IN (SELECT handle FROM creators))
"""


class ErasurePreview(msgspec.Struct, frozen=True, kw_only=True):
    """How much an erasure concerns.

    ``creator_count`` counts the creator and those pinned to the same TikTok account,
    ``note_count`` the notes that are deleted, and ``campaign_count`` the campaigns that
    hold one of these creators or videos. Bans of their handles stay, ``ban_count``.
    """

    creator_id: UUID
    creator_count: int
    video_count: int
    scrape_count: int
    note_count: int
    campaign_count: int
    ban_count: int


def preview_of(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> ErasurePreview:
    """Return what an erasure of the creator would concern, as read models know it."""
    params = {"organization": organization_id, "creator": creator_id}
    rows = cursor.execute(_COUNTS.encode(), params).fetchall()
    (preview,) = structs(ErasurePreview, rows)
    return preview
