"""The videos and profiles that count in an entity, with all their levels."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from domain.analytics.baselines import is_baseline
from domain.analytics.metrics import Entity
from projections.analytics.fold.entities import AnalyticsVideoRow, as_of
from projections.analytics.fold.rollup_deltas import PROFILES, MetricGroup
from projections.analytics.read.members import (
    CountedMembers,
    Parameters,
    counted_members,
)
from projections.analytics.read.observations import Counted
from projections.analytics.read.projects import CREATORS_AS_OF, VIDEOS_OF_PROJECT
from projections.analytics.read.selection import Selection
from projections.analytics.store.baseline_rule import RULE_IN_FORCE, rule_in_force
from projections.analytics.store.videos import VIDEO_COLUMNS, video_of
from projections.engine.reader import Reader

_VIDEOS_NOW = f"""
SELECT v.id, v.creator_id, v.number, v.posted_at, c.earliest_at, v.label,
       v.tiktok_video_id, {RULE_IN_FORCE}, coalesce(v.posted_exactly_at, v.posted_at)
FROM analytics_videos v LEFT JOIN analytics_subjects c
    ON c.organization_id = v.organization_id AND c.id = v.creator_id
WHERE v.organization_id = %(organization)s AND v.is_there
"""
# The videos in the sum of a series.
_WHICH_NOW: dict[Entity, str] = {
    "video": "v.id = %(id)s",
    "creator": "v.creator_id = %(id)s AND v.is_counted",
    "project": f"{VIDEOS_OF_PROJECT.format(project='%(id)s')} AND v.is_counted",
    "campaign": "(v.creator_id = ANY(%(creators)s) OR v.id = ANY(%(videos)s)) "
    "AND v.is_counted",
}
# Videos of creators that left numbers with the project are in it as well.
_OR_LEFT = "({which} OR v.creator_id = ANY(%(creators)s) AND v.is_counted)"
# Videos that no creator of the project or campaign posted.
_WITHOUT_CREATORS: dict[Entity, str] = {
    "project": "project_id = %(id)s AND creator_id IS NULL",
    "campaign": "id = ANY(%(videos)s)",
}
_CREATORS = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND kind = 'creator'
AND (%(at)s::bigint IS NULL AND project_id = %(id)s
     OR id = %(id)s OR id = ANY(%(creators)s))
AND (%(at)s::bigint IS NULL OR position <= %(at)s)
"""
_SUBJECTS_AS_OF = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
AND kind = %(entity)s AND position <= %(at)s
AND (deleted_position IS NULL OR deleted_position > %(at)s)
"""
_EARLIEST_AS_OF = b"""
SELECT creator_id, min(observed_at) FROM analytics_snapshots
WHERE organization_id = %(organization)s AND owner = ANY(%(ids)s)
AND creator_id = owner AND position <= %(at)s GROUP BY creator_id
"""
# The videos that may have counted.
_WHICH_AS_OF: dict[Entity, str] = {
    "video": "id = ANY(%(ids)s)",
    "creator": "creator_id = %(id)s",
    "project": "(creator_id = ANY(%(creators)s) OR project_id = %(id)s)",
    "campaign": "(creator_id = ANY(%(creators)s) OR id = ANY(%(videos)s))",
}
# The same, without videos of settled owners. Creators that were not in a project may
# have a video now that was in the project by itself.
_WHICH_AS_OF_UNSETTLED: dict[Entity, str] = {
    **_WHICH_AS_OF,
    "project": """(creator_id = ANY(%(unsettled)s)
        OR creator_id IS NULL AND project_id = %(id)s
        OR changed_position > %(at)s AND project_id = %(id)s AND creator_id IN (
            SELECT s.id FROM analytics_subjects s
            WHERE s.organization_id = %(organization)s AND s.id <> ALL(%(creators)s)
        ))""",
    "campaign": "(creator_id = ANY(%(unsettled)s) OR id = ANY(%(videos)s))",
}


async def counted(
    reader: Reader, selection: Selection, id_: UUID
) -> dict[MetricGroup, list[Counted]]:
    """Return the videos and profiles in the sums of a selected entity's series."""
    members = await counted_members(reader, selection, id_)
    if selection.at is not None and selection.entity == "project":
        members.parameters["creators"] += await creators_as_of(reader, selection, id_)
    return await counted_among(reader, selection, members)


async def counted_among(
    reader: Reader,
    selection: Selection,
    members: CountedMembers,
    *,
    settled: Collection[UUID] = (),
) -> dict[MetricGroup, list[Counted]]:
    """Return the videos and profiles of members, without those of settled owners."""
    organization_id, params = selection.organization_id, members.parameters
    found: dict[MetricGroup, list[Counted]] = {}
    for group in selection.metric_groups:
        if group is PROFILES:
            rows = await reader.rows(organization_id, _CREATORS, params)
            ids = [row[0] for row in rows if row[0] not in settled]
            found[group] = [_profile(id_, members) for id_ in ids]
        elif selection.at is None:
            found[group] = await _videos_now(reader, selection, members)
        else:
            found[group] = await _videos_as_of(reader, selection, members, settled)
    return found


async def creators_as_of(
    reader: Reader, selection: Selection, project_id: UUID
) -> list[UUID]:
    """Return the creators that were in a project at the position of a selection."""
    params = {
        "organization": selection.organization_id,
        "id": project_id,
        "at": selection.at,
    }
    rows = await reader.rows(selection.organization_id, CREATORS_AS_OF.encode(), params)
    return [row[0] for row in rows]


async def existing_as_of(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    *,
    at: int,
) -> set[UUID]:
    """Return the entities among these that the organization had at a position."""
    params: Parameters = {
        "organization": organization_id,
        "ids": list(ids),
        "entity": entity,
        "at": at,
    }
    if entity == "video":
        which = _WHICH_AS_OF[entity]
        videos = await _candidates(reader, organization_id, which, params)
        return {row.id for _, row in videos if row.is_there}
    rows = await reader.rows(organization_id, _SUBJECTS_AS_OF, params)
    return {row[0] for row in rows}


async def counts_without_creators(
    reader: Reader, selection: Selection, id_: UUID
) -> bool:
    """Tell whether videos count in a project or campaign by themselves now."""
    members = await counted_members(reader, selection, id_)
    query = f"""
    SELECT FROM analytics_videos WHERE organization_id = %(organization)s
    AND is_there AND is_counted AND {_WITHOUT_CREATORS[selection.entity]} LIMIT 1
    """
    return bool(
        await reader.rows(selection.organization_id, query.encode(), members.parameters)
    )


def _profile(creator_id: UUID, members: CountedMembers) -> Counted:
    return Counted(
        id=creator_id,
        owner=creator_id,
        number=0,
        is_baseline=True,
        spans=members.spans_of_creator(creator_id),
        counts_in=members.counts_in(creator_id),
    )


async def _videos_now(
    reader: Reader, selection: Selection, members: CountedMembers
) -> list[Counted]:
    which = _WHICH_NOW[selection.entity]
    if members.in_project:
        which = _OR_LEFT.format(which=which)
    query = f"{_VIDEOS_NOW} AND {which}".encode()
    return [
        Counted(
            id=row[0],
            owner=row[1] or row[0],
            creator_id=row[1],
            number=row[2],
            is_baseline=is_baseline(row[7], posted_at=row[8], earliest_at=row[4]),
            posted_at=row[3],
            label=row[5],
            tiktok_video_id=row[6],
            is_erased=row[6] is None,
            spans=members.spans_of_video(row[0], row[1]),
            counts_in=members.counts_in(row[1]),
        )
        for row in await reader.rows(
            selection.organization_id, query, members.parameters
        )
    ]


async def _videos_as_of(
    reader: Reader,
    selection: Selection,
    members: CountedMembers,
    settled: Collection[UUID],
) -> list[Counted]:
    """Return the videos that counted at a position, or a single selected one."""
    organization_id, entity = selection.organization_id, selection.entity
    params = members.parameters
    creators, singles = {*params["creators"]}, {*params["videos"]}

    def counts(row: AnalyticsVideoRow) -> bool:
        match entity:
            case "video":
                return True
            case "creator":
                return row.is_counted and row.creator_id == params["id"]
            case "project":
                is_own = row.creator_id is None and row.project_id == params["id"]
                return row.is_counted and (is_own or row.creator_id in creators)
            case "campaign":
                is_member = row.creator_id in creators or row.id in singles
                return row.is_counted and is_member

    which = _WHICH_AS_OF
    if settled:
        which = _WHICH_AS_OF_UNSETTLED
        params = {**params, "unsettled": sorted(creators - {*settled})}
    rows = [
        (now, row)
        for now, row in await _candidates(
            reader, organization_id, which[entity], params
        )
        if row.is_there and counts(row) and (now.creator_id or now.id) not in settled
    ]
    snapshots = await reader.rows(
        organization_id,
        _EARLIEST_AS_OF,
        {**params, "ids": sorted({r.creator_id for _, r in rows if r.creator_id})},
    )
    rule = await rule_in_force(reader, organization_id)
    earliest: dict[UUID | None, datetime] = {
        snapshot[0]: snapshot[1] for snapshot in snapshots
    }
    return [
        Counted(
            id=row.id,
            # Snapshots are stored with the present owner of a video.
            owner=now.creator_id or now.id,
            creator_id=row.creator_id,
            number=now.number or 0,
            is_baseline=is_baseline(
                rule,
                posted_at=row.posted_exactly_at or row.posted_at,
                earliest_at=earliest.get(row.creator_id),
            ),
            posted_at=row.posted_at,
            label=row.label,
            tiktok_video_id=row.tiktok_video_id,
            is_erased=row.tiktok_video_id is None,
            spans=members.spans_of_video(row.id, row.creator_id),
            counts_in=members.counts_in(row.creator_id),
        )
        for now, row in rows
    ]


async def _candidates(
    reader: Reader, organization_id: UUID, which: str, params: Parameters
) -> list[tuple[AnalyticsVideoRow, AnalyticsVideoRow]]:
    """Return the videos that may have counted, as they are now and as they were."""
    query = f"""
    SELECT {VIDEO_COLUMNS} FROM analytics_videos
    WHERE organization_id = %(organization)s AND {which}
    """
    rows = await reader.rows(organization_id, query.encode(), params)
    return [(row, as_of(row, params["at"])) for row in map(video_of, rows)]
