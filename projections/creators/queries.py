"""Queries of creator_list: one creator, the list, and the search."""

from datetime import datetime
from typing import Any
from uuid import UUID

from projections.creators.creator import COLUMNS, Creator, creator_from_columns
from projections.creators.filter import CreatorFilter
from projections.creators.search_keys import follower_bucket, search_grams
from projections.creators.search_sql import (
    CreatorQueryVariant,
    CreatorSort,
    grams_query,
    list_query,
    scan_query,
)
from projections.engine.reader import Reader

# The search scans this many creators in the requested order before it uses the grams.
# The scan finds common texts quickly, and grams find rare ones.
SCANNED_FIRST = 5_000


class CreatorQuery(CreatorFilter, frozen=True, kw_only=True):
    """The creators to return, their order, and the start of the page.

    ``after`` is the sort value and id of the last row of the previous page.
    """

    organization_id: UUID
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
    """Return one creator of an organization; None if it has no creator with this id."""
    params = {"organization": organization_id, "id": creator_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return creator_from_columns(rows[0]) if rows else None


async def page_of_creators(reader: Reader, query: CreatorQuery) -> list[Creator]:
    """Return up to ``limit`` creators, in the requested order."""
    variant = CreatorQueryVariant(
        conditions=query.conditions(with_search=query.is_narrow),
        statuses=len(query.statuses),
        sort=query.sort,
        has_after=query.after is not None,
    )
    value, last_id = query.after or (None, None)
    params: dict[str, object] = {
        **query.parameters,
        "organization": query.organization_id,
        "value": value,
        "last_id": last_id,
        "limit": query.limit,
        **{f"status{n}": status for n, status in enumerate(query.statuses)},
    }
    if query.search is None or query.is_narrow:
        params["head"] = query.limit
        rows = await reader.rows(query.organization_id, list_query(variant), params)
        return [creator_from_columns(row) for row in rows]
    params["head"] = SCANNED_FIRST
    rows = await reader.rows(query.organization_id, scan_query(variant), params)
    is_unfinished = rows[0][0]
    if not is_unfinished:
        return [creator_from_columns(row[1:]) for row in rows if row[1] is not None]
    params["grams"] = search_grams(query.organization_id, query.search)
    if query.after is not None and query.sort == "follower_count":
        params["bucket"] = follower_bucket(query.after[0])
    rows = await reader.rows(query.organization_id, grams_query(variant), params)
    return [creator_from_columns(row) for row in rows]


def creator_sort_value(creator: Creator, sort: CreatorSort) -> datetime | str | int:
    """Return the value by which a creator is sorted, for the next page's cursor."""
    if sort == "created_at":
        return creator.created_at
    if sort == "tiktok_handle":
        return creator.tiktok_handle
    return -1 if creator.follower_count is None else creator.follower_count
