"""Tags of an organization, with the number of their creators and videos."""

from uuid import UUID

import msgspec

from infra.structs import structs
from projections.engine.reader import Reader


class TagCount(msgspec.Struct, frozen=True, kw_only=True):
    """A tag, with the number of creators that are not removed, and of videos.

    Excluded videos do not count. ``tag`` is the most frequent spelling; ``key`` is what
    all spellings share.
    """

    tag: str
    key: str
    creator_count: int
    video_count: int


_PAGE = b"""
SELECT mode() WITHIN GROUP (ORDER BY tag), key, sum(creators)::int, sum(videos)::int
FROM (
    SELECT unnest(tags) AS tag, unnest(tag_keys) AS key, 1 AS creators, 0 AS videos
    FROM creator_list
    WHERE organization_id = %(organization)s AND tag_keys <> '{}'
    AND status <> 'removed' AND (%(project)s::uuid IS NULL OR project_id = %(project)s)
    UNION ALL
    SELECT unnest(tags), unnest(tag_keys), 0, 1
    FROM videos
    WHERE organization_id = %(organization)s AND tag_keys <> '{}'
    AND tracking_status NOT IN ('excluded', 'merged')
    AND (%(project)s::uuid IS NULL OR project_id = %(project)s)
) AS tagged
WHERE %(after)s::text IS NULL OR key COLLATE "C" > %(after)s
GROUP BY key ORDER BY key COLLATE "C" LIMIT %(limit)s
"""


async def page_of_tags(
    reader: Reader,
    organization_id: UUID,
    *,
    project_id: UUID | None,
    limit: int,
    after: tuple[str] | None,
) -> list[TagCount]:
    """Return up to ``limit`` tags after the given key, in the order of their keys."""
    params = {
        "organization": organization_id,
        "project": project_id,
        "after": after and after[0],
        "limit": limit,
    }
    return structs(TagCount, await reader.rows(organization_id, _PAGE, params))
