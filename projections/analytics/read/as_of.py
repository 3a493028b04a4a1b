"""Series as of a past position, from present sums as far as these have not changed.

Sums hold for all owners that are settled at the position. Snapshots are read for the
others, and the parts are added.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from domain.analytics.membership import Members, Spans
from domain.analytics.metrics import Entity
from domain.analytics.series import SeriesByMetric
from projections.analytics.read.accumulate import without_part
from projections.analytics.read.counted import counted_among, creators_as_of
from projections.analytics.read.from_snapshots import series_of_members
from projections.analytics.read.members import (
    CountedMembers,
    counted_members,
    members_of,
)
from projections.analytics.read.project_spans import (
    shares_of_creators,
    spans_in,
    together,
)
from projections.analytics.read.rollups import series_from_sums, series_of_all
from projections.analytics.read.selection import Selection
from projections.analytics.read.settled import present, settled_owners
from projections.engine.reader import Reader

_OWNERS = b"""
SELECT id, coalesce(creator_id, id) FROM analytics_videos
WHERE organization_id = %(organization)s AND id = ANY(%(videos)s)
"""
_SINGLE_IN_PROJECT = b"""
SELECT id, id FROM analytics_videos
WHERE organization_id = %(organization)s AND creator_id IS NULL AND project_id = %(id)s
"""
_CREATORS_NOW = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND kind = 'creator' AND project_id = %(id)s
"""


async def series_as_of(
    reader: Reader, selection: Selection, id_: UUID
) -> SeriesByMetric:
    """Return the series of a creator, project or campaign as of the position."""
    members = await counted_members(reader, selection, id_)
    divided = members.in_project
    creators, singles = await _owners(reader, selection, members, id_)
    owners = {*creators, *divided, *singles.values()}
    sums = present(selection)
    settled, own = await asyncio.gather(
        settled_owners(reader, selection, owners), _own_sums(reader, sums, id_)
    )
    kept = (creators - divided.keys()) & settled
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
    members: Members


async def _own_sums(reader: Reader, sums: Selection, id_: UUID) -> _OwnSums | None:
    if sums.entity == "creator":
        return None
    series, members = await asyncio.gather(
        series_from_sums(reader, replace(sums, ids=[id_])),
        _present_members(reader, sums, id_),
    )
    return _OwnSums(series[id_], members)


async def _present_members(reader: Reader, sums: Selection, id_: UUID) -> Members:
    organization_id = sums.organization_id
    if sums.entity == "campaign":
        return await members_of(reader, organization_id, id_)
    params = {"organization": organization_id, "id": id_}
    rows, divided = await asyncio.gather(
        reader.rows(organization_id, _CREATORS_NOW, params),
        spans_in(reader, organization_id, id_),
    )
    return Members(creators={row[0] for row in rows} - divided.keys(), videos=set())


async def _owners(
    reader: Reader, selection: Selection, members: CountedMembers, id_: UUID
) -> tuple[set[UUID], Mapping[UUID, UUID]]:
    """Return the creators as of the position, and the owners of single videos.

    The creators of a project are added to the parameters of its members.
    """
    organization_id, params = selection.organization_id, members.parameters
    if selection.entity == "creator":
        return {id_}, {}
    if selection.entity == "campaign":
        creators = {*params["creators"]}
        if not params["videos"]:
            return creators, {}
        rows = await reader.rows(organization_id, _OWNERS, params)
    else:
        found, rows = await asyncio.gather(
            creators_as_of(reader, selection, id_),
            reader.rows(organization_id, _SINGLE_IN_PROJECT, params),
        )
        creators = {*found}
        params["creators"] = sorted({*params["creators"], *creators})
    return creators, {row[0]: row[1] for row in rows}


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
    if sums.entity == "campaign" and own.members.videos != {*singles}:
        return False
    return len(own.members.creators ^ {*kept}) <= len(kept)


async def _with_changes(
    reader: Reader, sums: Selection, own: _OwnSums, kept: Collection[UUID]
) -> SeriesByMetric:
    """Return own sums without the creators that are not kept, and with all that are."""
    came, left = own.members.creators - {*kept}, {*kept} - own.members.creators
    series = own.series
    if came:
        series = without_part(series, await _sum_of(reader, sums, "creator", came))
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
