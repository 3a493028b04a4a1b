"""Posting of creators: the last post, the posts in some days, and those who stopped.

Each known post of the account until now is one, also a post that does not count in
figures. A time of posting in the future is a fault of its source.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.analytics.summaries.posting import SHORTEST_SILENCE, USUAL_GAPS
from projections.engine.reader import Reader

_POSTS = """FROM analytics_videos AS post
    WHERE post.organization_id = creator_list.organization_id
    AND post.creator_id = creator_list.id AND post.posted_at <= now()"""
LAST_POSTED = f"(SELECT max(post.posted_at) {_POSTS})"
# The parameters are those of ``PostingDays``.
POSTS = f"""(SELECT count(*) {_POSTS}
    AND post.posted_at >= %(posted_since)s AND post.posted_at < %(posted_before)s)"""
_THESE = f"""
SELECT id, {LAST_POSTED}, {POSTS} FROM creator_list
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
""".encode()
# ``domain.analytics.summaries.posting`` says the same of a list of times. The gaps are
# read only where the silence is long enough. Nobody stops posting while nobody looks.
HAS_STOPPED = f"""(creator_list.status = 'active'
    AND (creator_list.tracking_end_date IS NULL OR creator_list.tracking_end_date
        >= (%(now)s::timestamptz AT TIME ZONE 'UTC')::date)
    AND creator_list.project_id NOT IN (SELECT id FROM projects
        WHERE projects.organization_id = creator_list.organization_id
        AND archived_at IS NOT NULL)
    AND coalesce(CASE WHEN {LAST_POSTED} < %(now)s::timestamptz - make_interval(
        secs => {SHORTEST_SILENCE.total_seconds():.0f})
    THEN (SELECT extract(epoch FROM %(now)s::timestamptz - max(posted_at))
        > {USUAL_GAPS} * percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) FROM (
        SELECT post.posted_at, extract(epoch FROM post.posted_at
            - lag(post.posted_at) OVER (ORDER BY post.posted_at))::float8 AS gap
        {_POSTS}) AS gaps) END, false))"""


class PostingDays(NamedTuple):
    """The time in which posts are counted: from ``since`` up to before ``before``."""

    since: datetime
    before: datetime

    @property
    def parameters(self) -> dict[str, object]:
        return {"posted_since": self.since, "posted_before": self.before}


class Posting(NamedTuple):
    """The time of a creator's last post, None if no post is known, and the posts."""

    last_posted_at: datetime | None
    posts: int


async def posting_of(
    reader: Reader, organization_id: UUID, ids: Sequence[UUID], days: PostingDays
) -> dict[UUID, Posting]:
    """Return the last post of these creators, and the number of posts in the days."""
    params = {"organization": organization_id, "ids": [*ids], **days.parameters}
    rows = await reader.rows(organization_id, _THESE, params)
    return {id_: Posting(last, posts) for id_, last, posts in rows}
