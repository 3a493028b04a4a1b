"""The times at which counted videos were posted, by creator."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.buckets import slot_of_post
from domain.analytics.membership import Spans, holds_slot
from infra.structs import structs
from projections.analytics.read.project_spans import spans_in
from projections.analytics.summaries.scope import SummaryScope
from projections.engine.reader import Reader


class CreatorPosts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator's posts in a span of time, in order, and the last before its end."""

    creator_id: UUID
    posted: list[datetime]
    last_at: datetime | None


# One search of the index for each creator: most posts are older.
_POSTS = """
SELECT c.id, ARRAY(
    SELECT posted_at FROM analytics_videos v
    WHERE v.organization_id = %(organization)s AND v.creator_id = c.id
    AND {posted} AND posted_at >= %(start)s AND posted_at < %(end)s
    ORDER BY posted_at
), (
    SELECT posted_at FROM analytics_videos v
    WHERE v.organization_id = %(organization)s AND v.creator_id = c.id
    AND {posted} AND posted_at < %(end)s
    ORDER BY posted_at DESC LIMIT 1
)
FROM analytics_subjects c WHERE c.organization_id = %(organization)s AND {creators}
ORDER BY c.id
"""
_ACTIVE = """
SELECT count(*) FROM analytics_subjects c
WHERE c.organization_id = %(organization)s AND {creators} AND EXISTS (
    SELECT FROM analytics_videos v
    WHERE v.organization_id = %(organization)s AND v.creator_id = c.id
    AND {posted} AND posted_at >= %(start)s AND posted_at < %(end)s
)
"""


# The creators of a campaign's single videos are no members of it.
_ACTIVE_IN_CAMPAIGN = """
SELECT count(DISTINCT v.creator_id) FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND {videos}
AND posted_at >= %(start)s AND posted_at < %(end)s
"""


async def posts_by_creator(
    reader: Reader, scope: SummaryScope, *, start: datetime, end: datetime
) -> list[CreatorPosts]:
    """Return every creator's posts from ``start`` on, until before ``end``."""
    rows = await reader.rows(*_query(_POSTS, scope, start=start, end=end))
    return structs(CreatorPosts, rows)


async def active_creators(
    reader: Reader, scope: SummaryScope, *, start: datetime, end: datetime
) -> int:
    """Return the number of creators that posted a counted video in a span of time."""
    query = _ACTIVE_IN_CAMPAIGN if scope.kind == "campaign" else _ACTIVE
    if scope.kind == "project" and (
        divided := await spans_in(reader, scope.organization_id, scope.id)
    ):
        scope = replace(scope, moved_away=(*divided,))
        posts = await posts_by_creator(reader, scope, start=start, end=end)
        return sum(_is_active(one, divided.get(one.creator_id)) for one in posts)
    rows = await reader.rows(*_query(query, scope, start=start, end=end))
    return rows[0][0]


def _is_active(posts: CreatorPosts, spans: Spans | None) -> bool:
    """Tell whether a creator posted within spans; None is all the time."""
    slots = map(slot_of_post, posts.posted)
    return any(spans is None or holds_slot(spans, slot) for slot in slots)


def _query(
    query: str, scope: SummaryScope, *, start: datetime, end: datetime
) -> tuple[UUID, bytes, dict[str, Any]]:
    text = query.format(
        posted=scope.posted, creators=scope.creators, videos=scope.videos
    )
    params = {**scope.params, "start": start, "end": end}
    return scope.organization_id, text.encode(), params
