"""Program Health: how fresh and how complete the data of each creator are."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from infra.structs import structs
from projections.engine.reader import Reader


class CreatorHealth(Struct, frozen=True, kw_only=True):
    """The freshness and the coverage of a tracked creator.

    `seen_at` is the time of the newest observation of the profile, and `scraped_at`
    that of the last scrape that worked. The source says that the creator has
    `video_count` videos, and `videos_known` of them are known here; `coverage_percent`
    is their share, null if the source gave no number.
    """

    creator_id: UUID
    tiktok_handle: str
    project_id: UUID
    seen_at: datetime | None
    scraped_at: datetime | None
    failing_since: datetime | None
    video_count: int | None
    videos_known: int
    coverage_percent: float | None
    added_at: datetime


_PAGE = b"""
SELECT c.id, c.tiktok_handle, c.project_id, c.profile_observed_at, c.last_scraped_at,
       c.failing_since, c.video_count, known.amount,
       CASE WHEN c.video_count > 0
       THEN round(least(100.0 * known.amount / c.video_count, 100), 1)::float8 END,
       c.created_at
FROM creator_list c CROSS JOIN LATERAL (
    SELECT count(*) AS amount FROM analytics_videos v
    WHERE v.organization_id = %(organization)s AND v.creator_id = c.id AND v.is_there
) known
WHERE c.organization_id = %(organization)s AND c.status = 'active'
AND (%(project)s::uuid IS NULL OR c.project_id = %(project)s)
AND (%(value)s::timestamptz IS NULL OR
     (coalesce(c.profile_observed_at, c.created_at), c.id) > (%(value)s, %(last_id)s))
ORDER BY coalesce(c.profile_observed_at, c.created_at), c.id LIMIT %(limit)s
"""


async def page_of_health(
    reader: Reader,
    organization_id: UUID,
    *,
    project_id: UUID | None,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[CreatorHealth]:
    """Return up to ``limit`` creators, those that were not seen for longest first."""
    rows = await reader.page(
        organization_id, _PAGE, limit=limit, after=after, project=project_id
    )
    return structs(CreatorHealth, rows)
