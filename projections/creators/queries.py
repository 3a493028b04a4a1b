"""creator_list as clients read it: one creator, the list, and the partial search."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.creator.decider import Status
from domain.events import TrackingMode
from projections.creators.projection import CreatorRow, follower_bucket, search_grams
from projections.creators.search_sql import (
    COLUMNS,
    CreatorQueryVariant,
    CreatorSort,
    grams_query,
    list_query,
    scan_query,
)
from projections.engine.reader import Reader

# How many creators in the order asked a search looks through before it asks the grams:
# what is common is found among these, what is rare the grams find quickly. Handles that
# begin alike stand together in theirs, so the first of them are less like the rest.
SCANNED_FIRST: dict[CreatorSort, int] = {
    "created_at": 5_000,
    "tiktok_handle": 20_000,
    "follower_count": 5_000,
}


class Creator(msgspec.Struct, frozen=True, kw_only=True):
    """A tracked TikTok account. Counts are null before the first snapshot.

    ``display_name`` is the one set here, or else TikTok's. ``is_active`` is false for
    removed and for auto-disabled creators, whose ``disabled_reason`` is the verdict.
    Figures are the newest scraped ones; ``last_scraped_at`` says when that last worked.
    """

    id: UUID
    project_id: UUID
    org_id: UUID
    tiktok_handle: str
    display_name: str | None
    description: str | None
    readme: str | None
    metadata: msgspec.Raw
    tracking_mode: TrackingMode
    tracking_start_date: date | None
    tracking_end_date: date | None
    avatar_url: str | None
    follower_count: int | None
    following_count: int | None
    total_likes_count: int | None
    video_count: int | None
    last_scraped_at: datetime | None
    is_active: bool
    status: Status
    disabled_reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime


class CreatorQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which creators, in which order, and after which one.

    ``search`` is part of a handle; ``after`` is the sort value and id of the last row
    of the page before.
    """

    organization_id: UUID
    project_id: UUID | None = None
    search: str | None = None
    statuses: tuple[Status, ...] = ("active", "disabled")
    sort: CreatorSort = "created_at"
    limit: int = 50
    after: tuple[Any, UUID] | None = None


_ONE = f"""
SELECT {COLUMNS} FROM creator_list
WHERE organization_id = %(organization)s AND id = %(id)s
""".encode()


async def one_creator(
    reader: Reader, organization_id: UUID, creator_id: UUID
) -> Creator | None:
    """Return one creator of an organization, None if it has no such."""
    params = {"organization": organization_id, "id": creator_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return _creator(rows[0]) if rows else None


async def page_of_creators(reader: Reader, query: CreatorQuery) -> list[Creator]:
    """Return up to ``limit`` creators, in the order asked."""
    variant = CreatorQueryVariant(
        has_project=query.project_id is not None,
        statuses=len(query.statuses),
        sort=query.sort,
        has_after=query.after is not None,
    )
    value, last_id = query.after or (None, None)
    params: dict[str, object] = {
        "organization": query.organization_id,
        "project": query.project_id,
        "value": value,
        "last_id": last_id,
        "limit": query.limit,
        **{f"status{n}": status for n, status in enumerate(query.statuses)},
    }
    if query.search is None:
        params["head"] = query.limit
        rows = await reader.rows(query.organization_id, list_query(variant), params)
        return [_creator(row) for row in rows]
    params["search"] = query.search
    params["head"] = SCANNED_FIRST[query.sort]
    rows = await reader.rows(query.organization_id, scan_query(variant), params)
    goes_on = rows[0][0]
    if not goes_on:
        return [_creator(row[1:]) for row in rows if row[1] is not None]
    params["grams"] = search_grams(query.organization_id, query.search)
    if query.after is not None and query.sort == "follower_count":
        params["bucket"] = follower_bucket(query.after[0])
    rows = await reader.rows(query.organization_id, grams_query(variant), params)
    return [_creator(row) for row in rows]


def creator_sort_value(creator: Creator, sort: CreatorSort) -> datetime | str | int:
    """Return what a creator is sorted by, for the cursor after it."""
    if sort == "created_at":
        return creator.created_at
    if sort == "tiktok_handle":
        return creator.tiktok_handle
    return -1 if creator.follower_count is None else creator.follower_count


def creator_from_row(row: CreatorRow) -> Creator:
    """Return a row as clients read it."""
    return Creator(
        id=row.id,
        project_id=row.project_id,
        org_id=row.organization_id,
        tiktok_handle=row.tiktok_handle,
        display_name=row.scraped_display_name
        if row.display_name is None
        else row.display_name,
        description=row.description,
        readme=row.readme,
        metadata=msgspec.Raw(msgspec.json.encode(row.metadata)),
        tracking_mode=row.tracking_mode,
        tracking_start_date=row.tracking_start_date,
        tracking_end_date=row.tracking_end_date,
        avatar_url=row.avatar_url,
        follower_count=row.follower_count,
        following_count=row.following_count,
        total_likes_count=row.total_likes_count,
        video_count=row.video_count,
        last_scraped_at=row.last_scraped_at,
        is_active=row.status == "active",
        status=row.status,
        disabled_reason=row.disabled_reason,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _creator(row: TupleRow) -> Creator:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values["metadata"] = msgspec.Raw(values["metadata"])
    return Creator(**values)


_FIELDS = Creator.__struct_fields__
