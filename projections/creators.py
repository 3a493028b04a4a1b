"""creator_list as clients read it: one creator, the list, and the partial search."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, Literal
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.creator import Status
from domain.events import TrackingMode
from projections.creator_list import CreatorRow, search_grams
from projections.reading import Reader

Sort = Literal["created_at", "tiktok_handle", "follower_count"]

# How many rows in sort order a search looks through before it asks the grams index:
# what is common is found among these, what is rare the index finds quickly.
LOOKED_THROUGH = 20_000


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


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which creators, in which order, and after which one.

    ``search`` is part of a handle; ``after`` is the sort value and id of the last row
    of the page before.
    """

    organization_id: UUID
    project_id: UUID | None = None
    search: str | None = None
    statuses: tuple[Status, ...] = ("active", "disabled")
    sort: Sort = "created_at"
    limit: int = 50
    after: tuple[Any, UUID] | None = None


_COLUMNS = """
id, project_id, organization_id, tiktok_handle,
coalesce(display_name, scraped_display_name), description, readme, metadata::text,
tracking_mode, tracking_start_date, tracking_end_date, avatar_url, follower_count,
following_count, total_likes_count, video_count, last_scraped_at, status = 'active',
status, disabled_reason, version, created_at, updated_at
"""
_ONE = f"""
SELECT {_COLUMNS} FROM creator_list
WHERE organization_id = %(organization)s AND id = %(id)s
""".encode()

# Sort: the expression, its type, and whether the greatest comes first.
_SORTS: dict[Sort, tuple[str, str, bool]] = {
    "created_at": ("created_at", "timestamptz", True),
    "tiktok_handle": ("tiktok_handle", "text", False),
    "follower_count": ("coalesce(follower_count, -1)", "bigint", True),
}


async def one_creator(
    reader: Reader, organization_id: UUID, creator_id: UUID
) -> Creator | None:
    """Return one creator of an organization, None if it has no such."""
    asked = {"organization": organization_id, "id": creator_id}
    rows = await reader.rows(organization_id, _ONE, asked)
    return _creator(rows[0]) if rows else None


async def page_of_creators(reader: Reader, wanted: Wanted) -> list[Creator]:
    """Return up to ``limit`` creators, in the order asked."""
    shape = _Shape(
        has_project=wanted.project_id is not None,
        statuses=len(wanted.statuses),
        sort=wanted.sort,
        has_after=wanted.after is not None,
    )
    value, last_id = wanted.after or (None, None)
    asked: dict[str, object] = {
        "organization": wanted.organization_id,
        "project": wanted.project_id,
        "value": value,
        "last_id": last_id,
        "limit": wanted.limit,
        **{f"status{n}": status for n, status in enumerate(wanted.statuses)},
    }
    if wanted.search is None:
        asked["head"] = wanted.limit
        rows = await reader.rows(wanted.organization_id, _list(shape), asked)
        return [_creator(row) for row in rows]
    asked["head"] = LOOKED_THROUGH
    asked["search"] = wanted.search
    rows = await reader.rows(wanted.organization_id, _among_the_first(shape), asked)
    if len(rows) < wanted.limit and await _goes_on(reader, shape, asked):
        asked["grams"] = search_grams(wanted.organization_id, wanted.search)
        rows = await reader.rows(wanted.organization_id, _by_grams(shape), asked)
    return [_creator(row) for row in rows]


def sort_value(creator: Creator, sort: Sort) -> datetime | str | int:
    """Return what a creator is sorted by, for the cursor after it."""
    if sort == "created_at":
        return creator.created_at
    if sort == "tiktok_handle":
        return creator.tiktok_handle
    return -1 if creator.follower_count is None else creator.follower_count


def shown(row: CreatorRow) -> Creator:
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


class _Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What makes one query text differ from another."""

    has_project: bool
    statuses: int
    sort: Sort
    has_after: bool


@cache
def _list(shape: _Shape) -> bytes:
    return f"SELECT {_COLUMNS} FROM {_heads(shape)} {_order(shape)}".encode()


@cache
def _among_the_first(shape: _Shape) -> bytes:
    # The first of all statuses together: with a head of each, what one status has past
    # its head would be missing between what another has in its own. Only indexes are
    # read until it is known which few rows to fetch.
    first = f"SELECT * FROM {_heads(shape, _keys(shape))} {_order(shape, limit='head')}"
    found = (
        f"SELECT id FROM ({first}) AS first "
        f"WHERE strpos(tiktok_handle, %(search)s) > 0 {_order(shape)}"
    )
    return (
        f"SELECT {_COLUMNS} FROM creator_list "
        f"WHERE organization_id = %(organization)s AND id IN ({found}) {_order(shape)}"
    ).encode()


async def _goes_on(reader: Reader, shape: _Shape, asked: Mapping[str, object]) -> bool:
    """Tell whether there is more than was looked through."""
    organization_id = asked["organization"]
    assert isinstance(organization_id, UUID)
    return bool(await reader.rows(organization_id, _beyond(shape), asked))


@cache
def _beyond(shape: _Shape) -> bytes:
    heads = _heads(shape, _keys(shape), more=1)
    return f"SELECT 1 FROM {heads} OFFSET %(head)s LIMIT 1".encode()


@cache
def _by_grams(shape: _Shape) -> bytes:
    # Grams say where to look; whether they stand together the handle itself decides.
    statuses = ", ".join(f"%(status{n})s" for n in range(shape.statuses))
    return (
        f"SELECT {_COLUMNS} FROM creator_list WHERE {_where(shape)} "
        f"AND status IN ({statuses}) AND strpos(tiktok_handle, %(search)s) > 0 "
        f"AND id IN (SELECT goatherd_search(%(grams)s)) {_order(shape)}"
    ).encode()


def _heads(shape: _Shape, columns: str = "*", *, more: int = 0) -> str:
    """Return the first rows of each status, each read in order from its index."""
    heads = (
        f"(SELECT {columns} FROM creator_list WHERE {_where(shape)} "
        f"AND status = %(status{n})s {_order(shape, limit='head')} + {more})"
        for n in range(shape.statuses)
    )
    return f"({' UNION ALL '.join(heads)}) AS heads"


def _keys(shape: _Shape) -> str:
    """Return the columns that the index of the sort order has."""
    return ", ".join(dict.fromkeys(("id", shape.sort, "tiktok_handle")))


def _where(shape: _Shape) -> str:
    conditions = ["organization_id = %(organization)s"]
    if shape.has_project:
        conditions.append("project_id = %(project)s")
    if shape.has_after:
        expression, kind, descends = _SORTS[shape.sort]
        beyond = "<" if descends else ">"
        conditions.append(
            f"({expression}, id) {beyond} (%(value)s::{kind}, %(last_id)s)"
        )
    return " AND ".join(conditions)


def _order(shape: _Shape, *, limit: str = "limit") -> str:
    expression, _, descends = _SORTS[shape.sort]
    way = "DESC" if descends else "ASC"
    return f"ORDER BY {expression} {way}, id {way} LIMIT %({limit})s"


def _creator(row: TupleRow) -> Creator:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    values["metadata"] = msgspec.Raw(values["metadata"])
    return Creator(**values)


_FIELDS = Creator.__struct_fields__
