"""How many of the counted videos and of the profiles were observed in a span of time.

The newest and the first observation of a video say for most videos whether there was
one in the span. Of the others the snapshots in the span are read, the newest first: a
video that is still listed after it is almost always in the last one.
"""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.analytics.buckets import slot_of
from projections.analytics.column_codec import unpack
from projections.analytics.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.summaries.scope import SummaryScope
from projections.engine.reader import Reader

_SNAPSHOTS_AT_FIRST = 2
_TIMES_MORE = 8
_IS_OBSERVED = """
(f.observed_at > %(start)s AND f.observed_at <= %(end)s)
OR (f.first_seen_at > %(start)s AND f.first_seen_at <= %(end)s)
"""
# Nothing is counted that was posted later.
_VIDEOS = f"""
SELECT count(*), count(*) FILTER (WHERE {_IS_OBSERVED}),
       array_agg(coalesce(v.creator_id, v.id)) FILTER (WHERE {{unclear}}),
       array_agg(v.number) FILTER (WHERE {{unclear}})
FROM analytics_videos v LEFT JOIN video_figures f
    ON f.organization_id = v.organization_id AND f.id = v.id
WHERE v.organization_id = %(organization)s AND {{videos}}
AND (v.posted_at IS NULL OR v.posted_at <= %(end)s)
"""
_UNCLEAR = "f.first_seen_at <= %(start)s AND f.observed_at > %(end)s"
_SNAPSHOTS = f"""
SELECT o, observed_at, position, counts
FROM unnest(%(owners)s::uuid[], %(times)s::timestamptz[], %(positions)s::bigint[])
    AS requested (o, before, at)
CROSS JOIN LATERAL (
    SELECT observed_at, position, counts FROM analytics_snapshots s
    WHERE s.organization_id = %(organization)s AND metric_group = {VIDEOS.number}
    AND owner = o AND observed_at > %(start)s
    AND (observed_at, position) < (before, at)
    ORDER BY observed_at DESC, position DESC LIMIT %(limit)s
) found
""".encode()
_PROFILES = f"""
SELECT count(*) FILTER (WHERE EXISTS (
           SELECT FROM {PROFILES.rollup_table} r
           WHERE r.organization_id = %(organization)s AND r.id = c.id
           AND slot > %(first)s AND slot <= %(last)s AND snapshots > 0
       )), count(*)
FROM analytics_subjects c WHERE c.organization_id = %(organization)s AND {{creators}}
"""
_LAST_POSITION = 2**63 - 1


class Observed(NamedTuple):
    """How many were observed, and of how many."""

    observed: int
    whole: int


async def observed_videos(
    reader: Reader, scope: SummaryScope, *, start: datetime, end: datetime
) -> Observed:
    """Return how many of the counted videos posted by then were observed in the span.

    The span is the time after ``start``, up to and including ``end``. Videos whose time
    of posting is unknown are taken for posted.
    """
    query = _VIDEOS.format(videos=scope.videos, unclear=_UNCLEAR)
    params = {**scope.params, "start": start, "end": end}
    ((whole, observed, owners, numbers),) = await reader.rows(
        scope.organization_id, query.encode(), params
    )
    unclear: defaultdict[UUID, set[int]] = defaultdict(set)
    for owner, number in zip(owners or (), numbers or (), strict=True):
        unclear[owner].add(number)
    seen = await _among_snapshots(reader, scope, unclear, start=start, end=end)
    return Observed(observed + seen, whole)


async def observed_profiles(
    reader: Reader, scope: SummaryScope, *, start: datetime, end: datetime
) -> Observed:
    """Return how many of the creators' profiles were observed in the span."""
    query = _PROFILES.format(creators=scope.creators)
    params = {**scope.params, "first": slot_of(start), "last": slot_of(end)}
    rows = await reader.rows(scope.organization_id, query.encode(), params)
    return Observed(*rows[0])


async def _among_snapshots(
    reader: Reader,
    scope: SummaryScope,
    unclear: dict[UUID, set[int]],
    *,
    start: datetime,
    end: datetime,
) -> int:
    """Return how many of these videos, by owner, a snapshot in the span lists."""
    amount, limit = sum(map(len, unclear.values())), _SNAPSHOTS_AT_FIRST
    before = dict.fromkeys(unclear, (end, _LAST_POSITION))
    while before:
        rows = await reader.rows(
            scope.organization_id,
            _SNAPSHOTS,
            {
                "organization": scope.organization_id,
                "start": start,
                "owners": list(before),
                "times": [time for time, _ in before.values()],
                "positions": [position for _, position in before.values()],
                "limit": limit,
            },
        )
        listed = unpack([row[3] for row in rows], counters=VIDEOS.counters)
        for snapshot, number in zip(
            listed.snapshots.tolist(), listed.video_numbers.tolist(), strict=True
        ):
            unclear[rows[snapshot][0]].discard(number)
        # The last row of an owner is its earliest.
        earliest = {row[0]: (row[1], row[2]) for row in rows}
        before = {owner: at for owner, at in earliest.items() if unclear[owner]}
        limit *= _TIMES_MORE
    return amount - sum(map(len, unclear.values()))
