"""The present names of what rows of a list are about, in few requests."""

import asyncio
from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from msgspec import Struct

from api.http.error_codes import Code
from api.web.kit.api_client import ApiRefusedError
from api.web.kit.page import PageContext
from projections.creators.creator import Creator

NamedType = Literal["project", "campaign", "creator", "report"]

_MOST = 100


class _NamedThing(Struct, frozen=True):
    id: UUID
    name: str


async def present_names(
    page: PageContext, things: Iterable[tuple[NamedType, UUID]]
) -> dict[UUID, str]:
    """Return the names of things by id; things that are gone have none.

    Each type takes one request. Campaigns and reports that are not among the newest
    100 take one each.
    """
    ids: dict[NamedType, set[UUID]] = {}
    names = dict(page.organization.projects)
    for type_, id_ in things:
        if id_ not in names:
            ids.setdefault(type_, set()).add(id_)
    for found in await asyncio.gather(
        *(_names_of_type(page, type_, of_type) for type_, of_type in ids.items())
    ):
        names |= found
    return names


async def _names_of_type(
    page: PageContext, type_: NamedType, ids: set[UUID]
) -> dict[UUID, str]:
    if type_ == "creator":
        got = await page.get(
            "/creators",
            list[Creator],
            creator_ids=",".join(sorted(str(id_) for id_ in ids)),
            status="all",
            limit=_MOST,
        )
        return {one.id: f"@{one.tiktok_handle}" for one in got.data}
    listed: dict[UUID, str] = {}
    if type_ != "project":
        some = await page.get(f"/{type_}s", list[_NamedThing], limit=_MOST)
        listed = {one.id: one.name for one in some.data}
    rest = [id_ for id_ in ids if id_ not in listed]
    single = await asyncio.gather(*(_name_of_one(page, type_, id_) for id_ in rest))
    named = zip(rest, single, strict=True)
    return listed | {id_: name for id_, name in named if name is not None}


async def _name_of_one(page: PageContext, type_: NamedType, id_: UUID) -> str | None:
    try:
        return (await page.get(f"/{type_}s/{id_}", _NamedThing)).data.name
    except ApiRefusedError as error:
        if error.code not in {Code.NOT_FOUND, Code.GONE}:
            raise
        return None
