"""Owners whose present sums, up to an instant, are those as of a past position.

An owner is settled at a position if nothing after it has changed the owner's sums up to
the instant: no later snapshot was observed by then, no later change of a video concerns
an observation or a post by then, and the creator's first observation was known.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from msgspec.structs import replace

from domain.analytics.buckets import end_of_slot, slot_of
from projections.analytics.fold.entities import AnalyticsVideoRow, as_of
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.read.selection import Selection
from projections.analytics.read.videos.states import VideoStates
from projections.analytics.store.videos import VIDEO_COLUMNS, video_of
from projections.engine.reader import Reader

_A_DAY = timedelta(days=1)
_GROUPS = f"metric_group IN ({VIDEOS.number}, {PROFILES.number})"
_SNAPSHOT = """
EXISTS (
    SELECT FROM analytics_snapshots n
    WHERE n.organization_id = %(organization)s AND n.owner = requested.id AND {}
)
"""
# The index analytics_snapshots_untimely has this condition.
_IS_UNTIMELY = """
(n.recorded_at < n.observed_at OR n.recorded_at - n.observed_at > interval '1 day')
"""
_OF_OWNERS = """
(v.creator_id = ANY(%(owners)s) OR v.creator_id IS NULL AND v.id = ANY(%(owners)s))
"""
# With the videos that changed later: the numbers of those posted later, and the ids of
# the others.
_SETTLED = f"""
SELECT requested.id, changed.later, changed.earlier
FROM unnest(%(owners)s::uuid[]) AS requested (id)
LEFT JOIN analytics_subjects c
    ON c.organization_id = %(organization)s AND c.id = requested.id
LEFT JOIN (
    SELECT coalesce(v.creator_id, v.id) AS owner,
           array_agg(v.number) FILTER (
               WHERE v.posted_at >= %(until)s AND v.number IS NOT NULL
           ) AS later,
           array_agg(v.id) FILTER (WHERE (v.posted_at >= %(until)s) IS NOT TRUE)
               AS earlier
    FROM analytics_videos v
    WHERE v.organization_id = %(organization)s AND v.changed_position > %(at)s
    AND {_OF_OWNERS} GROUP BY 1
) changed ON changed.owner = requested.id
WHERE (c.id IS NULL OR c.kind = 'creator' AND c.position <= %(at)s AND (
    c.earliest_at IS NULL OR {
    _SNAPSHOT.format(
        f"n.{_GROUPS} AND n.creator_id = n.owner "
        "AND n.observed_at = c.earliest_at AND n.position <= %(at)s"
    )
}
)) AND NOT {
    _SNAPSHOT.format(
        f"{_IS_UNTIMELY} AND n.position > %(at)s AND n.observed_at <= %(until)s"
    )
} AND NOT {
    _SNAPSHOT.format(
        f"n.{_GROUPS} AND n.position > %(at)s "
        "AND n.observed_at >= %(since)s AND n.observed_at <= %(until)s"
    )
}
""".encode()
# Snapshots that are counted although they were observed after they were recorded.
_EARLY_SNAPSHOTS = f"""
SELECT requested.id FROM unnest(%(owners)s::uuid[]) AS requested (id)
WHERE {
    _SNAPSHOT.format(
        f"{_IS_UNTIMELY} AND n.position <= %(at)s "
        "AND n.observed_at > %(until)s AND n.observed_at <= %(end)s"
    )
}
""".encode()
_EARLY_POSTS = f"""
SELECT coalesce(v.creator_id, v.id) FROM analytics_videos v
WHERE v.organization_id = %(organization)s AND {_OF_OWNERS}
AND v.posted_at >= %(until)s AND v.posted_at < %(end)s
AND (v.changes -> 0 ->> 0)::bigint <= %(at)s
""".encode()
_VIDEOS = f"""
SELECT {VIDEO_COLUMNS} FROM analytics_videos
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
""".encode()
_STATES = f"""
SELECT owner, state FROM analytics_owner_states
WHERE organization_id = %(organization)s AND metric_group = {VIDEOS.number}
AND owner = ANY(%(owners)s)
""".encode()


def end_of_sums(selection: Selection) -> datetime:
    """Return the instant after which nothing was observed as of the position.

    Without the time of the position, this is the end of the selection.
    """
    end = selection.boundaries[-1]
    if selection.at_time is None:
        return end
    return min(end, end_of_slot(slot_of(selection.at_time)))


def present(selection: Selection) -> Selection:
    """Return the selection of present sums that answers for settled owners."""
    until = end_of_sums(selection)
    boundaries = [min(one, until) for one in selection.boundaries]
    return replace(selection, boundaries=boundaries, at=None, at_time=None)


async def settled_owners(
    reader: Reader, selection: Selection, owners: Iterable[UUID]
) -> frozenset[UUID]:
    """Return the settled ones among creators and videos without creators.

    Without the time of the position all snapshots of an owner are searched.
    """
    organization_id, end = selection.organization_id, selection.boundaries[-1]
    since, until = datetime.min.replace(tzinfo=end.tzinfo), end_of_sums(selection)
    if selection.at_time is not None:
        since = selection.at_time - _A_DAY
    params = {
        "organization": organization_id,
        "owners": [*owners],
        "at": selection.at,
        "since": since,
        "until": until,
        "end": end,
    }
    rows = await reader.rows(organization_id, _SETTLED, params)
    found = {row[0] for row in rows}
    if until < end:
        early = [_EARLY_SNAPSHOTS]
        if "posts" in selection.metrics:
            early.append(_EARLY_POSTS)
        for query in early:
            gone = await reader.rows(organization_id, query, params)
            found -= {row[0] for row in gone}
    earlier = [id_ for row in rows for id_ in row[2] or ()]
    unlike = await _unlike(reader, selection, earlier)
    if "posts" in selection.metrics:
        found -= {
            now.creator_id or now.id
            for was, now in unlike
            if any(v.posted_at is not None and v.posted_at < until for v in (was, now))
        }
    numbers: defaultdict[UUID, list[int]] = defaultdict(list)
    for owner, later, _ in rows:
        if later:
            numbers[owner] += later
    for _, now in unlike:
        if now.number is not None:
            numbers[now.creator_id or now.id].append(now.number)
    return frozenset(found - await _observed(reader, organization_id, numbers, until))


async def _unlike(
    reader: Reader, selection: Selection, ids: Sequence[UUID]
) -> list[tuple[AnalyticsVideoRow, AnalyticsVideoRow]]:
    """Return the videos that count in another way now, as they were and as they are."""
    if not ids:
        return []
    at = selection.at
    assert at is not None
    params = {"organization": selection.organization_id, "ids": [*ids]}
    rows = await reader.rows(selection.organization_id, _VIDEOS, params)
    pairs = [(as_of(now, at), now) for now in map(video_of, rows)]
    return [(was, now) for was, now in pairs if _decisive(was) != _decisive(now)]


async def _observed(
    reader: Reader,
    organization_id: UUID,
    numbers: Mapping[UUID, Sequence[int]],
    until: datetime,
) -> set[UUID]:
    """Return the owners of which one of the videos was observed up to an instant."""
    if not numbers:
        return set()
    params = {"organization": organization_id, "owners": sorted(numbers)}
    rows = await reader.rows(organization_id, _STATES, params)
    states = VideoStates([row[0] for row in rows], [row[1] for row in rows])
    pairs = [(owner, number) for owner, some in numbers.items() for number in some]
    is_early = states.among_pairs(pairs) & (states.first_at <= instant_of(until))
    places: list[int] = np.unique(states.owner_of[is_early]).tolist()
    return {states.owners[place] for place in places}


def _decisive(row: AnalyticsVideoRow) -> tuple[object, ...]:
    """Return all values of a video on which sums depend."""
    times = row.posted_at, row.posted_exactly_at
    return row.is_there, row.is_counted, row.creator_id, row.number, *times
