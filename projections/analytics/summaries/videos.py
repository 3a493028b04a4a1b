"""The counted videos of a summary: their ids, times of posting and levels."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.analytics.buckets import Range, slot_of_post
from domain.analytics.membership import holds_slot
from domain.analytics.metrics import VIDEO_METRICS
from infra.structs import structs
from projections.analytics.read.project_spans import SpansByCreator
from projections.analytics.read.videos.figures import video_figures
from projections.analytics.read.videos.levels import VideoSet
from projections.analytics.read.videos.shares import video_columns
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos_left import with_videos_left
from projections.engine.reader import Reader


class OwnedVideos(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A creator's counted videos with known times of posting, in that order.

    ``is_requested`` is true for the videos of the scope.
    """

    owner: UUID
    ids: list[UUID]
    numbers: list[int]
    posted: list[datetime]
    is_requested: list[bool]


class VideosUntil(msgspec.Struct, frozen=True, kw_only=True):
    """The number of counted videos posted before an instant, and the later ones.

    Videos with an unknown time of posting are taken for posted. ``later`` has the owner
    and the number of each video.
    """

    posted: int
    later: list[tuple[UUID, int | None]]

    @property
    def total(self) -> int:
        return self.posted + len(self.later)


_IDS = """
SELECT v.id FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND {videos}
"""
_PAIRS = """
SELECT coalesce(v.creator_id, v.id) AS owner, v.number FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND v.is_counted AND {single}
"""
_POSTED = """
SELECT v.id, v.creator_id, v.posted_at FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND {videos}
AND v.posted_at >= %(start)s AND v.posted_at < %(end)s
AND v.posted_exactly_at IS NULL
"""
_UNTIL = """
SELECT count(*) FILTER (WHERE {late} IS NOT TRUE),
       array_agg(coalesce(creator_id, id)) FILTER (WHERE {late}),
       array_agg(number) FILTER (WHERE {late})
FROM analytics_videos v WHERE v.organization_id = %(organization)s AND {videos}
"""
_COUNT = """
SELECT count(*) FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND {videos}
"""
# Arrays, because a project may have a hundred thousand videos.
_OF_CREATORS = """
SELECT creator_id, array_agg(id ORDER BY posted_at, id),
       array_agg(number ORDER BY posted_at, id),
       array_agg(posted_at ORDER BY posted_at, id),
       array_agg(({requested}) IS TRUE ORDER BY posted_at, id)
FROM analytics_videos v
WHERE organization_id = %(organization)s AND is_counted AND is_there
AND number IS NOT NULL AND posted_at IS NOT NULL AND posted_exactly_at IS NULL
AND creator_id IN (
    SELECT creator_id FROM analytics_videos v
    WHERE v.organization_id = %(organization)s AND {requested}
)
GROUP BY creator_id ORDER BY creator_id
"""


def videos_of(scope: SummaryScope) -> VideoSet:
    """Return the counted videos of a scope, as queries of figures take them."""
    if scope.has_posting_days or scope.tags:
        query = _IDS.format(videos=scope.videos)
        return VideoSet.these(query, scope.params, spans=scope.spans)
    single = scope.single_videos
    return VideoSet(
        owners=scope.owners,
        pairs=None if single is None else _PAIRS.format(single=single),
        parameters=scope.params,
        spans=scope.spans,
    )


def these(
    ids: Iterable[UUID],
    spans: SpansByCreator | None = None,
    *,
    has_others: bool = False,
) -> VideoSet:
    """Return these videos, as queries of figures take them.

    Videos that do not count are left out unless it ``has_others``. ``spans`` are the
    spans of creators with numbers in several projects.
    """
    query, params = "SELECT unnest(%(ids)s::uuid[])", {"ids": list(ids)}
    return VideoSet.these(query, params, spans=spans, has_others=has_others)


async def count_of_videos(reader: Reader, scope: SummaryScope) -> int:
    """Return the number of counted videos."""
    query = _COUNT.format(videos=scope.videos).encode()
    rows = await reader.rows(scope.organization_id, query, scope.params)
    return rows[0][0]


async def videos_until(
    reader: Reader, scope: SummaryScope, *, end: datetime
) -> VideosUntil:
    """Return how many counted videos were posted before ``end``, and the others.

    All summaries of the same days ask the same, so a page asks it once.
    """
    query = _UNTIL.format(videos=scope.videos, late="(v.posted_at >= %(end)s)")
    params = {**scope.params, "end": end}
    rows = await reader.rows(scope.organization_id, query.encode(), params)
    posted, owners, numbers = rows[0]
    later = zip(owners or (), numbers or (), strict=True)
    return VideosUntil(posted=posted, later=[*later])


async def ids_of_videos(reader: Reader, scope: SummaryScope) -> set[UUID]:
    """Return the ids of all counted videos."""
    query = _IDS.format(videos=scope.videos).encode()
    rows = await reader.rows(scope.organization_id, query, scope.params)
    return {row[0] for row in rows}


async def views_of_posted(
    reader: Reader, scope: SummaryScope, days: Range
) -> list[tuple[datetime, int | None]]:
    """Return the time of posting and the views, at the end, of each video of the range.

    A video that was posted while its creator was in another project is left out.
    """
    organization_id = scope.organization_id
    scope = await with_videos_left(reader, scope)
    query = _POSTED.format(videos=scope.videos)
    params = {**scope.params, "start": days.start, "end": days.end}
    rows = await reader.rows(organization_id, query.encode(), params)
    posts = {
        id_: posted_at
        for id_, creator_id, posted_at in rows
        if creator_id not in scope.spans
        or holds_slot(scope.spans[creator_id], slot_of_post(posted_at))
    }
    figures = await video_figures(
        reader, organization_id, these(posts, scope.spans), days.start, days.end
    )
    views = {one.video_id: one.views for one in figures}
    return [(posted_at, views.get(id_)) for id_, posted_at in posts.items()]


async def views_at_end(
    reader: Reader, scope: SummaryScope, days: Range
) -> list[int | None]:
    """Return the views of each counted video at the end, unknown ones last."""
    scope = await with_videos_left(reader, scope)
    columns = await video_columns(
        reader, scope.organization_id, videos_of(scope), days.start, days.end
    )
    counter = VIDEO_METRICS.index("views")
    is_shown = columns.is_known[counter] & ~columns.is_erased
    known: Sequence[int] = columns.levels[counter][is_shown].tolist()
    unknown = await count_of_videos(reader, scope) - len(known)
    return [*known, *[None] * unknown]


async def of_their_creators(
    reader: Reader, scope: SummaryScope, ids: Iterable[UUID] | None = None
) -> list[OwnedVideos]:
    """Return all counted videos of the creators of a scope's videos, by creator.

    ``ids`` are the requested videos, None for all of the scope.
    """
    requested = scope.videos if ids is None else "v.id = ANY(%(ids)s)"
    params = {**scope.params, "ids": None if ids is None else list(ids)}
    query = _OF_CREATORS.format(requested=requested)
    rows = await reader.rows(scope.organization_id, query.encode(), params)
    return structs(OwnedVideos, rows)
