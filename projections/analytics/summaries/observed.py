"""The numbers of counted videos and of profiles observed in a span of time.

Owner states have the videos that count and the time of the first observation of each.
For videos first observed before the span, the snapshots in it are read, the newest
first: a video that is still listed after the span is almost always in the last one.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
from psycopg.rows import TupleRow

from projections.analytics.fold.columns import Mask
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.read.videos.states import VideoStates
from projections.analytics.summaries.scope import SummaryScope
from projections.analytics.summaries.videos import videos_of, videos_until
from projections.engine.reader import Reader

_TIMES_MORE = 8
_BEFORE = f"""
SELECT observed_at, position, counts FROM analytics_snapshots n
WHERE n.organization_id = %(organization)s AND n.metric_group = {VIDEOS.number}
AND n.owner = {{owner}} AND n.observed_at > %(start)s AND {{until}}
ORDER BY n.observed_at DESC, n.position DESC LIMIT {{limit}}
"""
# With the last snapshot in the span.
_STATES = f"""
SELECT s.owner, s.state, ({{all_of}}), last.*
FROM analytics_owner_states s LEFT JOIN LATERAL (
    {_BEFORE.format(owner="s.owner", until="n.observed_at <= %(end)s", limit=1)}
) last ON s.observed_at > %(start)s
WHERE s.organization_id = %(organization)s AND s.metric_group = {VIDEOS.number}
AND ({{all_of}} OR s.owner = ANY(%(owners)s::uuid[])) ORDER BY s.owner
"""
_SNAPSHOTS = f"""
SELECT place, observed_at, position, counts
FROM unnest(%(places)s::bigint[], %(owners)s::uuid[], %(times)s::timestamptz[],
    %(positions)s::bigint[]) AS requested (place, o, before, at)
CROSS JOIN LATERAL ({
    _BEFORE.format(
        owner="o", until="(n.observed_at, n.position) < (before, at)", limit="%(limit)s"
    )
}) found
""".encode()
# The state of a profile has the time of its newest snapshot. Only a profile that was
# observed after the span, too, needs a search.
_PROFILES = f"""
SELECT count(*) FILTER (WHERE CASE WHEN s.observed_at <= %(end)s
           THEN s.observed_at > %(start)s
           ELSE EXISTS (
               SELECT FROM analytics_snapshots n
               WHERE n.organization_id = %(organization)s
               AND n.metric_group = {PROFILES.number} AND n.owner = c.id
               AND n.observed_at > %(start)s AND n.observed_at <= %(end)s
           )
       END), count(*)
FROM analytics_subjects c LEFT JOIN analytics_owner_states s
    ON s.organization_id = %(organization)s AND s.metric_group = {PROFILES.number}
    AND s.owner = c.id
WHERE c.organization_id = %(organization)s AND {{creators}}
"""
_SnapshotTime = tuple[datetime, int]


class Observed(NamedTuple):
    """The number of observed videos or profiles, and the number of all."""

    observed: int
    whole: int


async def observed_videos(
    reader: Reader, scope: SummaryScope, *, start: datetime, end: datetime
) -> Observed:
    """Return the number of counted videos, posted by its end, observed in the span.

    The span is the time after ``start``, up to and including ``end``. Videos with an
    unknown time of posting are taken for posted.
    """
    params = {**scope.params, "start": start, "end": end}
    whole, (rows, pairs) = await asyncio.gather(
        videos_until(reader, scope, end=end), _states(reader, scope, params)
    )
    videos = VideoStates([row[0] for row in rows], [row[1] for row in rows])
    is_chosen = np.array([row[2] for row in rows], np.bool_)[videos.owner_of]
    if pairs:
        is_chosen |= videos.among_pairs((row[0], row[1]) for row in pairs)
    if whole.later:
        is_chosen &= ~videos.among_pairs(whole.later)
    is_chosen &= videos.is_counted & (videos.first_at <= instant_of(end))
    last = {place: row[3:] for place, row in enumerate(rows) if row[3] is not None}
    unclear = is_chosen & (videos.first_at <= instant_of(start))
    unclear &= ~videos.listed_in((place, row[2]) for place, row in last.items())
    before = {place: (row[0], row[1]) for place, row in last.items()}
    unclear = await _in_none(reader, scope, videos, unclear, before, start=start)
    return Observed(int(np.count_nonzero(is_chosen & ~unclear)), whole.posted)


async def observed_profiles(
    reader: Reader, scope: SummaryScope, *, start: datetime, end: datetime
) -> Observed:
    """Return the number of the creators' profiles observed in the span."""
    ((observed, whole),) = await scope.rows(reader, _PROFILES, start=start, end=end)
    return Observed(observed, whole)


async def _states(
    reader: Reader, scope: SummaryScope, params: Mapping[str, object]
) -> tuple[list[TupleRow], list[TupleRow]]:
    """Return owner states with their last snapshots, and single videos that count."""
    chosen = videos_of(scope)
    params = {**params, **chosen.parameters}
    pairs: list[TupleRow] = []
    if chosen.pairs is not None:
        query = chosen.pairs.encode()
        pairs = await reader.rows(scope.organization_id, query, params)
    query = _STATES.format(all_of=chosen.owners).encode()
    owners = [*{row[0] for row in pairs}]
    return (
        await reader.rows(scope.organization_id, query, params, owners=owners),
        pairs,
    )


async def _in_none(
    reader: Reader,
    scope: SummaryScope,
    videos: VideoStates,
    unclear: Mask,
    before: Mapping[int, _SnapshotTime],
    *,
    start: datetime,
) -> Mask:
    """Return the unclear videos that no earlier snapshot in the span lists.

    ``before`` are the first snapshots of owners that were read.
    """
    limit = 1
    while places := before.keys() & {*videos.owner_of[unclear].tolist()}:
        limit *= _TIMES_MORE
        those = sorted(places)
        rows = await reader.rows(
            scope.organization_id,
            _SNAPSHOTS,
            start=start,
            places=those,
            owners=[videos.owners[place] for place in those],
            times=[before[place][0] for place in those],
            positions=[before[place][1] for place in those],
            limit=limit,
        )
        unclear = unclear & ~videos.listed_in((row[0], row[3]) for row in rows)
        # The last row of an owner is its earliest.
        before = {row[0]: (row[1], row[2]) for row in rows}
    return unclear
