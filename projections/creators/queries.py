"""Queries of creator_list: one creator, the list, and the search in handles."""

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
    NAMES,
    CreatorQueryVariant,
    CreatorSort,
    grams_query,
    list_query,
    scan_query,
)
from projections.engine.reader import Reader

# How many creators, in the requested order, a search scans before it uses the grams:
# what is common is found among these, what is rare the grams find quickly. In the order
# of handles those that begin alike stand together, so the first tell less of the rest.
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
    """Return one creator of an organization; None if it has no such creator."""
    params = {"organization": organization_id, "id": creator_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return _creator(rows[0]) if rows else None


async def page_of_creators(reader: Reader, query: CreatorQuery) -> list[Creator]:
    """Return up to ``limit`` creators, in the requested order."""
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
    is_unfinished = rows[0][0]
    if not is_unfinished:
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


def creator_from_row(
    row: CreatorRow, *, metadata: msgspec.Raw | None = None
) -> Creator:
    """Return a row as clients read it.

    ``metadata`` is the row's as it was written, where that is at hand.
    """
    same: dict[str, Any] = {name: getattr(row, name) for name in _SAME_FIELDS}
    return Creator(
        **same,
        org_id=row.organization_id,
        display_name=row.scraped_display_name
        if row.display_name is None
        else row.display_name,
        metadata=metadata or msgspec.Raw(msgspec.json.encode(row.metadata)),
        is_active=row.status == "active",
    )


_SAME_FIELDS = [
    name
    for name in Creator.__struct_fields__
    if name in CreatorRow.__struct_fields__ and name not in {"display_name", "metadata"}
]


def _creator(row: TupleRow) -> Creator:
    *columns, metadata = row
    values: dict[str, Any] = dict(zip(NAMES, columns, strict=True))
    return creator_from_row(
        CreatorRow(**values, metadata={}), metadata=msgspec.Raw(metadata)
    )
