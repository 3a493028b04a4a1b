"""The preview of an erasure: everything it would erase, counted before it is done."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.erase.mentions import Mention, mentions_of
from application.erase.records import handles_of, records_of
from infra.eventstore.store import Store
from infra.keys.sealed_addresses import CREATOR_CONTACTS
from infra.structs import structs

_COUNTS = """
WITH creators AS (
    SELECT id, tiktok_handle AS handle FROM creator_list
    WHERE organization_id = %(organization)s AND id = ANY(%(creators)s)
    AND status <> 'erased'
), theirs AS (
    SELECT id FROM videos
    WHERE organization_id = %(organization)s
    AND (creator_id IN (SELECT id FROM creators) OR id = ANY(%(videos)s))
), items AS (
    SELECT id FROM creators UNION ALL SELECT id FROM theirs
)
SELECT %(creator)s::uuid,
    (SELECT count(*) FROM creators),
    (SELECT count(*) FROM theirs),
    (SELECT count(*) FROM scrape_runs
     WHERE organization_id = %(organization)s
     AND (creator_id IN (SELECT id FROM creators) OR id = ANY(%(scrapes)s))),
    (SELECT count(*) FROM annotations
     WHERE organization_id = %(organization)s AND kind = 'note'
     AND scope IN ('creator', 'video') AND scope_id IN (SELECT id FROM items)),
    (SELECT count(DISTINCT i.campaign_id) FROM campaign_items i JOIN campaigns c
         ON c.organization_id = i.organization_id AND c.id = i.campaign_id
     WHERE i.organization_id = %(organization)s AND c.deleted_at IS NULL
     AND i.item_id IN (SELECT id FROM items)),
    (SELECT count(*) FROM bans WHERE handle IN (SELECT handle FROM creators)),
    NULL
"""


class ErasurePreview(msgspec.Struct, frozen=True, kw_only=True):
    """The extent of an erasure.

    ``creator_count`` counts the creator and those pinned to the same TikTok account,
    ``note_count`` the notes that are deleted, and ``campaign_count`` the campaigns that
    contain one of these creators or videos. ``ban_count`` counts the bans of their
    handles, which stay. ``mentions`` are texts that have a present
    or former handle of theirs or their contact address, such as recipients of reports,
    and that an erasure does not change.
    """

    creator_id: UUID
    creator_count: int
    video_count: int
    scrape_count: int
    note_count: int
    campaign_count: int
    ban_count: int
    mentions: list[Mention]


def preview_of(
    cursor: Cursor[TupleRow], store: Store, organization_id: UUID, creator_id: UUID
) -> ErasurePreview:
    """Return the extent of an erasure of the creator, as read models know it."""
    records = records_of(
        cursor,
        store.codec,
        store.names,
        organization_id=organization_id,
        creator_id=creator_id,
    )
    params = {
        "organization": organization_id,
        "creator": creator_id,
        "creators": [each.creator_id for each in records],
        "videos": [v for each in records for v in each.videos_without_creator],
        "scrapes": [run for each in records for run in each.scrape_ids],
    }
    rows = cursor.execute(_COUNTS.encode(), params).fetchall()
    (preview,) = structs(ErasurePreview, rows)
    mentions = mentions_of(
        cursor,
        store.codec,
        organization_id=organization_id,
        handles={
            handle
            for each in records
            for handle in handles_of(
                cursor, store.codec, organization_id, each.creator_id
            )
        },
        addresses=_addresses(cursor, store, [each.creator_id for each in records]),
        own={
            one
            for each in records
            for one in (each.creator_id, *each.video_ids, *each.annotation_ids)
        },
    )
    return replace(preview, mentions=mentions)


def _addresses(
    cursor: Cursor[TupleRow], store: Store, creator_ids: Iterable[UUID]
) -> list[str]:
    """Return the contact addresses of creators that have one."""
    master_key = store.keyring.master_key(cursor.connection)
    found = (CREATOR_CONTACTS.get(cursor, master_key, each) for each in creator_ids)
    return [address for address in found if address is not None]
