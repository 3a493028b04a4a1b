"""The counted videos of a summary: their ids, times of posting and levels.

The videos of a project include those that creators left there when they moved.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.buckets import Range, slot_of_post
from domain.analytics.membership import Spans, holds_slot
from domain.analytics.metrics import VIDEO_METRICS
from domain.analytics.project_spans import ended_at
from infra.structs import structs
from projections.analytics.read.members import SpansByCreator, spans_in
from projections.analytics.read.videos.figures import video_figures
from projections.analytics.read.videos.levels import VideoSet, video_columns
from projections.analytics.summaries.scope import SummaryScope
from projections.engine.reader import Reader

_OWNERS = "s.owner = ANY(%(creators)s)"
_VIDEOS = b"""
SELECT v.id, v.creator_id, v.number, v.posted_at FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND v.creator_id = ANY(%(creators)s)
AND v.is_counted AND v.is_there
"""


async def with_videos_left(reader: Reader, scope: SummaryScope) -> SummaryScope:
    """Return the scope of a project with the videos that moved creators left in it.

    A creator leaves the videos that were posted or observed before it moved. Scopes of
    other kinds, and projects without such creators, stay as they are.
    """
    if scope.kind != "project" or scope.spans:
        return scope
    spans = await spans_in(reader, scope.organization_id, scope.id)
    ends = {
        creator_id: ended
        for creator_id, its_spans in spans.items()
        if (ended := ended_at(its_spans)) is not None
    }
    videos = await _videos_left(reader, scope, spans, ends) if ends else ()
    return replace(scope, spans=spans, videos_left=videos)


async def _videos_left(
    reader: Reader,
    scope: SummaryScope,
    spans: SpansByCreator,
    ends: Mapping[UUID, datetime],
) -> tuple[UUID, ...]:
    organization_id = scope.organization_id
    parameters = {"organization": organization_id, "creators": sorted(ends)}
    rows = await reader.rows(organization_id, _VIDEOS, parameters)
    videos = VideoSet(owners=_OWNERS, parameters=parameters, spans=spans)
    last = max(ends.values())
    at_end = await video_columns(reader, organization_id, videos, last, last)
    is_known = at_end.is_known.any(axis=0)
    observed: set[tuple[UUID, int]] = {
        (at_end.owners[owner], number)
        for owner, number in zip(
            at_end.owner_of[is_known].tolist(),
            at_end.numbers[is_known].tolist(),
            strict=True,
        )
    }
    return tuple(
        id_
        for id_, creator_id, number, posted_at in rows
        if (creator_id, number) in observed
        or (posted_at is not None and posted_at < ends[creator_id])
    )


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
SELECT count(*) FILTER (WHERE (v.posted_at >= %(end)s) IS NOT TRUE),
       array_agg(coalesce(creator_id, id)) FILTER (WHERE v.posted_at >= %(end)s),
       array_agg(number) FILTER (WHERE v.posted_at >= %(end)s)
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
    return (await scope.rows(reader, _COUNT))[0][0]


async def videos_until(
    reader: Reader, scope: SummaryScope, *, end: datetime
) -> VideosUntil:
    """Return how many counted videos were posted before ``end``, and the others.

    All summaries of the same days ask the same, so a page asks it once.
    """
    ((posted, owners, numbers),) = await scope.rows(reader, _UNTIL, end=end)
    later = zip(owners or (), numbers or (), strict=True)
    return VideosUntil(posted=posted, later=[*later])


async def ids_of_videos(reader: Reader, scope: SummaryScope) -> set[UUID]:
    """Return the ids of all counted videos."""
    return {row[0] for row in await scope.rows(reader, _IDS)}


async def views_of_posted(
    reader: Reader, scope: SummaryScope, days: Range
) -> list[tuple[datetime, int | None]]:
    """Return the time of posting and the views, at the end, of each video of the range.

    A video that was posted while its creator was in another project is left out.
    """
    organization_id = scope.organization_id
    scope = await with_videos_left(reader, scope)
    rows = await scope.rows(reader, _POSTED, start=days.start, end=days.end)
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
    query = _OF_CREATORS.format(requested=requested)
    rows = await scope.rows(reader, query, ids=None if ids is None else list(ids))
    return structs(OwnedVideos, rows)


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
    rows = await scope.rows(reader, _POSTS, start=start, end=end)
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
    return (await scope.rows(reader, query, start=start, end=end))[0][0]


def _is_active(posts: CreatorPosts, spans: Spans | None) -> bool:
    """Tell whether a creator posted within spans; None is all the time."""
    slots = map(slot_of_post, posts.posted)
    return any(spans is None or holds_slot(spans, slot) for slot in slots)
