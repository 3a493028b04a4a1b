"""Queries of campaigns: one campaign, the list, the items, and a past state."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.letter_case import folded
from domain.messages import TargetScope, copied
from infra.structs import JsonObject, structs
from projections.campaigns.history import END, events_of_campaigns
from projections.campaigns.projection import CampaignRow, fold_campaign
from projections.engine.reader import Reader, newest_first


class ItemCounts(Struct, frozen=True, kw_only=True):
    """The number of direct items of a campaign, by kind."""

    creators: int
    videos: int
    campaigns: int


class Campaign(Struct, frozen=True, kw_only=True):
    """A named group of creators, videos and other campaigns of one project.

    The union of all items below the campaign counts in it, each video once. The target
    is ``target_views`` until ``target_at``; ``target_scope`` says which views count
    towards it: those ``gained`` in the campaign's days, all views of its
    ``posts_in_days``, or those of the whole ``lifetime``. ``target_posts`` and
    ``target_engagement`` (likes, comments, shares and saves together) are further
    targets. ``cost_minor`` is the price of the campaign in the smallest unit of
    ``currency``. ``starts_on`` and ``ends_on`` are inclusive days, null for an open
    end. They are days of the organization's time zone, unless a question names another
    one. ``item_counts`` counts direct items.
    """

    id: UUID
    project_id: UUID
    org_id: UUID
    name: str
    description: str | None
    readme: str | None
    metadata: JsonObject
    starts_on: date | None
    ends_on: date | None
    target_views: int | None
    target_at: datetime | None
    target_scope: TargetScope
    target_posts: int | None
    target_engagement: int | None
    cost_minor: int | None
    currency: str | None
    item_counts: ItemCounts
    version: int
    created_at: datetime
    updated_at: datetime


class CampaignMember(Struct, frozen=True, kw_only=True):
    """An item of a campaign.

    ``name`` is the creator's display name, the video's title or the campaign's name,
    null if it is not known. Campaigns have no ``tiktok_handle``, and only videos have a
    ``tiktok_video_id``. ``is_removed`` says that the creator was removed or the video
    excluded after it joined.
    """

    item_type: e.ItemType
    item_id: UUID
    name: str | None
    tiktok_handle: str | None
    tiktok_video_id: str | None
    avatar_url: str | None
    is_removed: bool
    added_at: datetime
    position: int


_FIELDS = (
    *("id", "project_id", "organization_id", "name", "description", "readme"),
    *("metadata::text", "starts_on", "ends_on", "target_views", "target_at"),
    *("target_scope", "target_posts", "target_engagement", "cost_minor", "currency"),
    *("creator_count", "video_count", "campaign_count", "version"),
    *("created_at", "updated_at"),
)
_COLUMNS = ", ".join(_FIELDS)
_ONE = f"""
SELECT {_COLUMNS} FROM campaigns
WHERE organization_id = %(organization)s AND id = %(id)s AND deleted_at IS NULL
""".encode()
_PAGE = f"""
SELECT {_COLUMNS} FROM campaigns
WHERE organization_id = %(organization)s AND deleted_at IS NULL
AND (%(search)s::text IS NULL OR strpos(lower(name), %(search)s) > 0)
AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s))
{{of_project}}
{newest_first("created_at")}
"""
_PAGE_OF_ALL = _PAGE.format(of_project="").encode()
_PAGE_OF_PROJECT = _PAGE.format(of_project="AND project_id = %(project)s").encode()
_ITEMS = b"""
SELECT i.item_type, i.item_id,
       CASE i.item_type
           WHEN 'creator' THEN coalesce(c.display_name, c.scraped_display_name)
           WHEN 'video' THEN coalesce(f.title, v.title)
           ELSE s.name
       END,
       coalesce(c.tiktok_handle, v.tiktok_handle), v.tiktok_video_id, c.avatar_url,
       coalesce(c.status = 'removed',
                v.tracking_status IN ('excluded', 'merged'), false),
       i.added_at, i.position
FROM (
    SELECT * FROM campaign_items
    WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s
    AND (%(item_type)s::text IS NULL OR item_type = %(item_type)s)
    AND position < %(before)s
    ORDER BY position DESC LIMIT %(limit)s
) AS i
LEFT JOIN creator_list c ON i.item_type = 'creator'
    AND c.organization_id = i.organization_id AND c.id = i.item_id
LEFT JOIN videos v ON i.item_type = 'video'
    AND v.organization_id = i.organization_id AND v.id = i.item_id
LEFT JOIN video_figures f ON f.organization_id = v.organization_id AND f.id = v.id
LEFT JOIN campaigns s ON i.item_type = 'campaign'
    AND s.organization_id = i.organization_id AND s.id = i.item_id
ORDER BY i.position DESC
"""
_THERE = b"""
SELECT FROM campaigns WHERE organization_id = %(organization)s AND id = %(id)s
"""
_EVER = b"""
SELECT id FROM campaigns
WHERE organization_id = %(organization)s AND project_id = %(project)s
"""
_NAMES = b"""
SELECT id, name FROM campaigns
WHERE organization_id = %s AND project_id = %s AND deleted_at IS NULL
"""


async def one_campaign(
    reader: Reader, organization_id: UUID, campaign_id: UUID
) -> Campaign | None:
    """Return one campaign; None if there is none, or it was deleted."""
    params = {"organization": organization_id, "id": campaign_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return _campaign(rows[0]) if rows else None


async def was_there(reader: Reader, organization_id: UUID, campaign_id: UUID) -> bool:
    """Tell whether the campaign exists, or existed before it was deleted."""
    params = {"organization": organization_id, "id": campaign_id}
    return bool(await reader.rows(organization_id, _THERE, params))


async def page_of_campaigns(
    reader: Reader,
    organization_id: UUID,
    *,
    project_id: UUID | None,
    search: str | None,
    ids: Sequence[UUID] | None = None,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Campaign]:
    """Return up to ``limit`` campaigns after the given one, newest first.

    ``search`` is a part of the name, in small letters. ``ids`` are the campaigns to
    choose from, None for all.
    """
    rows = await reader.page(
        organization_id,
        _PAGE_OF_ALL if project_id is None else _PAGE_OF_PROJECT,
        limit=limit,
        after=after,
        project=project_id,
        search=search,
        ids=ids if ids is None else [*ids],
    )
    return [_campaign(row) for row in rows]


async def page_of_items(
    reader: Reader,
    organization_id: UUID,
    campaign_id: UUID,
    *,
    item_type: e.ItemType | None,
    limit: int,
    after: tuple[int] | None,
) -> list[CampaignMember]:
    """Return up to ``limit`` items of a campaign, those added last first."""
    params = {
        "organization": organization_id,
        "campaign": campaign_id,
        "item_type": item_type,
        "before": END if after is None else after[0],
        "limit": limit,
    }
    return structs(CampaignMember, await reader.rows(organization_id, _ITEMS, params))


async def campaigns_as_of(
    reader: Reader, organization_id: UUID, campaign_ids: Sequence[UUID], *, at: int
) -> list[Campaign]:
    """Return those of the campaigns that existed after a position, as they were."""
    events = await events_of_campaigns(reader, organization_id, campaign_ids, last=at)
    rows: dict[UUID, CampaignRow | None] = {}
    for one in reversed(events):
        rows[one.stream] = fold_campaign(rows.get(one.stream), one)
    return [
        campaign_from_row(row)
        for row in rows.values()
        if row is not None and not row.deleted_at
    ]


async def campaigns_ever_in(
    reader: Reader, organization_id: UUID, project_id: UUID
) -> list[UUID]:
    """Return all campaigns that a project ever had, deleted ones among them."""
    params = {"organization": organization_id, "project": project_id}
    rows = await reader.rows(organization_id, _EVER, params)
    return [row[0] for row in rows]


def campaigns_by_name(
    cursor: Cursor[TupleRow], organization_id: UUID, project_id: UUID
) -> dict[str, list[UUID]]:
    """Return the campaigns of a project by their names in one letter case."""
    found: dict[str, list[UUID]] = {}
    for id_, name in cursor.execute(_NAMES, (organization_id, project_id)):
        found.setdefault(folded(name), []).append(id_)
    return found


def campaign_from_row(row: CampaignRow) -> Campaign:
    return copied(
        row,
        Campaign,
        org_id=row.organization_id,
        metadata=msgspec.Raw(msgspec.json.encode(row.metadata)),
        item_counts=ItemCounts(
            creators=row.creator_count,
            videos=row.video_count,
            campaigns=row.campaign_count,
        ),
    )


def _campaign(values: TupleRow) -> Campaign:
    row: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
    return Campaign(
        org_id=row.pop("organization_id"),
        metadata=msgspec.Raw(row.pop("metadata::text")),
        item_counts=ItemCounts(
            creators=row.pop("creator_count"),
            videos=row.pop("video_count"),
            campaigns=row.pop("campaign_count"),
        ),
        **row,
    )
