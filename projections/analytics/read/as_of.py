"""Series as of a past position, from present sums as far as these have not changed.

Sums hold for all owners that are settled at the position: nothing after it has changed
their sums up to the end. No later snapshot was observed by then, no later change of a
video concerns an observation or a post by then, and the creator's first observation was
known. Snapshots are read for the others, and the parts are added.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import numpy as np
from msgspec.structs import replace

from domain.analytics.buckets import end_of_slot, slot_of
from domain.analytics.membership import Spans
from domain.analytics.metrics import Entity
from domain.analytics.series import SeriesByMetric
from domain.analytics.sums import rest_of, together
from projections.analytics.fold.entities import AnalyticsVideoRow, as_of
from projections.analytics.fold.keys import instant_of
from projections.analytics.fold.rollup_deltas import PROFILES, VIDEOS
from projections.analytics.read.members import (
    CountedMembers,
    counted_among,
    counted_members,
    shares_of_creators,
)
from projections.analytics.read.rollups import series_from_sums, series_of_all
from projections.analytics.read.selection import Selection
from projections.analytics.read.snapshots import series_of_members
from projections.analytics.read.videos.states import VideoStates
from projections.analytics.store.videos import VIDEO_COLUMNS, video_of
from projections.engine.reader import Reader

_OWNERS = """
SELECT id, coalesce(creator_id, id) FROM analytics_videos
WHERE organization_id = %(organization)s AND {}
"""
# The single videos.
_SINGLES: dict[Entity, bytes] = {
    "campaign": _OWNERS.format("id = ANY(%(videos)s)").encode(),
    "project": _OWNERS.format("creator_id IS NULL AND project_id = %(id)s").encode(),
}


async def series_as_of(
    reader: Reader, selection: Selection, id_: UUID
) -> SeriesByMetric:
    """Return the series of a creator, project or campaign as of the position."""
    members = await counted_members(reader, selection, id_)
    divided, creators = members.in_project, members.undivided
    singles = await _singles(reader, selection, members)
    owners = {*creators, *divided, *singles.values()}
    sums = present(selection)
    settled, own = await asyncio.gather(
        settled_owners(reader, selection, owners), _own_sums(reader, sums, id_)
    )
    kept = creators & settled
    handled = {*kept}
    parts: list[SeriesByMetric] = []
    if own is not None and _are_close(own, sums, kept, singles, settled):
        parts.append(await _with_changes(reader, sums, own, kept))
        handled |= {*singles.values()}
    else:
        parts.append(await _sum_of(reader, sums, "creator", kept))
        if selection.entity == "campaign":
            alone = {video for video, owner in singles.items() if owner in settled}
            parts.append(await _sum_of(reader, sums, "campaign", alone))
            handled |= {singles[video] for video in alone}
    whole = {id_: spans for id_, spans in divided.items() if id_ in settled}
    if whole and sums.boundaries[-1] == selection.boundaries[-1]:
        parts += (await _shares(reader, sums, whole)).values()
        handled |= whole.keys()
    if owners - handled or selection.entity == "project":
        rest = await counted_among(reader, selection, members, settled=handled)
        parts.append(await series_of_members(reader, selection, rest))
    return together(parts, buckets=selection.size)


class _OwnSums(NamedTuple):
    """The present sums of a campaign or project, and the members in them."""

    series: SeriesByMetric
    members: CountedMembers


async def _own_sums(reader: Reader, sums: Selection, id_: UUID) -> _OwnSums | None:
    if sums.entity == "creator":
        return None
    series, members = await asyncio.gather(
        series_from_sums(reader, replace(sums, ids=[id_])),
        counted_members(reader, sums, id_),
    )
    return _OwnSums(series[id_], members)


async def _singles(
    reader: Reader, selection: Selection, members: CountedMembers
) -> Mapping[UUID, UUID]:
    """Return the owners of single videos as of the position."""
    query = _SINGLES.get(selection.entity)
    if query is None or (
        selection.entity == "campaign" and not members.parameters["videos"]
    ):
        return {}
    rows = await reader.rows(selection.organization_id, query, members.parameters)
    return {row[0]: row[1] for row in rows}


def _are_close(
    own: _OwnSums,
    sums: Selection,
    kept: Collection[UUID],
    singles: Mapping[UUID, UUID],
    settled: Collection[UUID],
) -> bool:
    """Tell whether own sums are of the same videos and mostly of kept creators."""
    if not {*singles.values()} <= {*settled}:
        return False
    if sums.entity == "campaign" and {*own.members.parameters["videos"]} != {*singles}:
        return False
    return len(own.members.undivided ^ {*kept}) <= len(kept)


async def _with_changes(
    reader: Reader, sums: Selection, own: _OwnSums, kept: Collection[UUID]
) -> SeriesByMetric:
    """Return own sums without the creators that are not kept, and with all that are."""
    came, left = own.members.undivided - {*kept}, {*kept} - own.members.undivided
    series = own.series
    if came:
        series = rest_of(series, [await _sum_of(reader, sums, "creator", came)])
    if left:
        more = await _sum_of(reader, sums, "creator", left)
        series = together([series, more], buckets=sums.size)
    return series


async def _sum_of(
    reader: Reader, sums: Selection, entity: Entity, ids: Collection[UUID]
) -> SeriesByMetric:
    selection = replace(sums, entity=entity, ids=sorted(ids))
    return await series_of_all(reader, selection)


async def _shares(
    reader: Reader, sums: Selection, spans: Mapping[UUID, Spans]
) -> Mapping[UUID, SeriesByMetric]:
    """Return the shares of creators with numbers in several projects."""

    async def series_of(selection: Selection) -> Mapping[UUID, SeriesByMetric]:
        return await series_from_sums(reader, selection)

    return await shares_of_creators(spans, replace(sums, entity="creator"), series_of)


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
    rows = await reader.rows(selection.organization_id, _VIDEOS, ids=[*ids])
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
    rows = await reader.rows(organization_id, _STATES, owners=sorted(numbers))
    states = VideoStates([row[0] for row in rows], [row[1] for row in rows])
    pairs = [(owner, number) for owner, some in numbers.items() for number in some]
    is_early = states.among_pairs(pairs) & (states.first_at <= instant_of(until))
    places: list[int] = np.unique(states.owner_of[is_early]).tolist()
    return {states.owners[place] for place in places}


def _decisive(row: AnalyticsVideoRow) -> tuple[object, ...]:
    """Return all values of a video on which sums depend."""
    times = row.posted_at, row.posted_exactly_at
    return row.is_there, row.is_counted, row.creator_id, row.number, *times
