"""Names of creators, for the rows of summaries."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from infra.structs import structs
from projections.engine.reader import Reader


class CreatorName(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator's handle, and its display name and picture, if known."""

    creator_id: UUID
    tiktok_handle: str
    display_name: str | None
    avatar_url: str | None


# The creators list may lack a creator that was added a moment ago.
_NAMES = b"""
SELECT c.id, coalesce(l.tiktok_handle, c.label),
       coalesce(l.display_name, l.scraped_display_name), l.avatar_url
FROM analytics_subjects c LEFT JOIN creator_list l
    ON l.organization_id = c.organization_id AND l.id = c.id
WHERE c.organization_id = %(organization)s AND c.id = ANY(%(ids)s)
"""


async def names_of(
    reader: Reader, organization_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, CreatorName]:
    """Return the names of these creators, by id."""
    params = {"organization": organization_id, "ids": list(ids)}
    rows = await reader.rows(organization_id, _NAMES, params)
    return {name.creator_id: name for name in structs(CreatorName, rows)}
