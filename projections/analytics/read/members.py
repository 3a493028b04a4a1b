"""Members: the creators and videos that count in an entity, and the times of each.

They are those of now or as of a position. Campaigns have the members of their tree. The
stored sums of projects do not include creators that moved and left numbers: their share
in a project is computed from their own sums.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.analytics.baselines import is_baseline
from domain.analytics.buckets import slot_of_post
from domain.analytics.membership import (
    DatedMembers,
    Members,
    MembershipChange,
    Spans,
    campaigns_of_tree,
    dated_members_of_tree,
    holds_slot,
    members_of_tree,
    union_of,
)
from domain.analytics.metrics import Entity
from domain.analytics.project_spans import parted, within
from domain.analytics.series import SeriesByMetric
from projections.analytics.fold.creator_moves import divided_spans
from projections.analytics.fold.entities import AnalyticsVideoRow, as_of
from projections.analytics.fold.rollup_deltas import PROFILES, MetricGroup
from projections.analytics.read.selection import Selection
from projections.analytics.store.baseline_rule import RULE_IN_FORCE, rule_in_force
from projections.analytics.store.campaigns import TREE, change_of
from projections.analytics.store.creator_moves import MOVE_COLUMNS
from projections.analytics.store.videos import VIDEO_COLUMNS, video_of
from projections.engine.reader import Reader

VIDEOS_OF_PROJECT = """(
    v.creator_id IN (
        SELECT id FROM analytics_subjects p
        WHERE p.organization_id = %(organization)s AND p.kind = 'creator'
        AND p.project_id = {project}
    ) OR v.creator_id IS NULL AND v.project_id = {project}
)"""
"""The condition for videos ``v`` to be in a project, given the name of a parameter."""
_CREATORS_NOW = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND kind = 'creator' AND project_id = %(id)s
"""
_CREATORS_AS_OF = b"""
SELECT id FROM analytics_subjects c
WHERE organization_id = %(organization)s AND kind = 'creator' AND position <= %(at)s
AND %(id)s = coalesce(
    (SELECT project_id FROM analytics_creator_moves m
     WHERE m.organization_id = c.organization_id AND m.creator_id = c.id
     AND m.position <= %(at)s ORDER BY m.position DESC LIMIT 1),
    c.origin_project_id
)
"""

SpansByCreator = Mapping[UUID, Spans]
SeriesByCreator = Mapping[UUID, SeriesByMetric]

_MOVES = f"""
SELECT {MOVE_COLUMNS}
FROM analytics_creator_moves m JOIN analytics_subjects c
    ON c.organization_id = m.organization_id AND c.id = m.creator_id
WHERE m.organization_id = %(organization)s AND c.kind = 'creator'
AND (%(at)s::bigint IS NULL OR m.position <= %(at)s) AND EXISTS (
    SELECT FROM analytics_creator_moves s
    WHERE s.organization_id = %(organization)s AND s.creator_id = m.creator_id
    AND s.stays_until IS NOT NULL
)
ORDER BY m.creator_id
""".encode()


async def spans_in(
    reader: Reader, organization_id: UUID, project_id: UUID, *, at: int | None = None
) -> SpansByCreator:
    """Return the times of creators with numbers in this project and in others.

    ``at`` is the position as of which the log is read, None for all of it.
    """
    rows = await reader.rows(organization_id, _MOVES, at=at)
    return {
        creator_id: spans[project_id]
        for (_, creator_id), spans in divided_spans(rows)
        if project_id in spans
    }


async def shares_of_creators(
    spans: SpansByCreator,
    selection: Selection,
    series_of: Callable[[Selection], Awaitable[SeriesByCreator]],
) -> SeriesByCreator:
    """Return the share of each creator, from its own series."""
    if not spans:
        return {}
    boundaries = selection.boundaries
    ends = parted(boundaries, *spans.values())
    whole = await series_of(replace(selection, ids=sorted(spans), boundaries=ends))
    return {
        id_: within(whole[id_], ends, boundaries, its_spans)
        for id_, its_spans in spans.items()
    }


Parameters = dict[str, Any]

_NOW = b"""
SELECT member_id, is_creator FROM analytics_campaign_members
WHERE organization_id = %(organization)s AND campaign_id = %(campaign)s
"""
_TREE = TREE.format(
    roots="(VALUES (%(organization)s::uuid, %(campaign)s::uuid)) AS root"
).encode()
_VIDEOS = f"""
SELECT {VIDEO_COLUMNS} FROM analytics_videos
WHERE organization_id = %(organization)s AND id = ANY(%(videos)s)
""".encode()


async def members_of(
    reader: Reader, organization_id: UUID, campaign_id: UUID, at: int | None = None
) -> Members:
    """Return the creators and videos that count in a campaign: the tree below it.

    ``videos`` are the videos that campaigns hold by themselves and whose creator is not
    among ``creators``. ``at`` is the position as of which the log is read, None for all
    of it. A campaign that does not exist, or was deleted, has no members.
    """
    if at is None:
        rows = await reader.rows(organization_id, _NOW, campaign=campaign_id)
        return Members(
            creators={row[0] for row in rows if row[1]},
            videos={row[0] for row in rows if not row[1]},
        )
    changes = await _changes(reader, organization_id, campaign_id, at)
    found = members_of_tree(changes, campaign_id)
    creators = await _creators_of(reader, organization_id, found.videos, at)
    videos = {v for v in found.videos if creators.get(v) not in found.creators}
    return Members(creators=found.creators, videos=videos)


async def dated_members_of(
    reader: Reader, organization_id: UUID, campaign_id: UUID, at: int | None = None
) -> DatedMembers:
    """Return the times of each creator and single video in the tree below a campaign.

    ``at`` is the position as of which the log is read, None for all of it.
    """
    changes = await _changes(reader, organization_id, campaign_id, at)
    return dated_members_of_tree(changes, campaign_id)


async def campaigns_below(
    reader: Reader, organization_id: UUID, campaign_id: UUID, *, at: int
) -> list[UUID]:
    """Return a campaign and those in the tree below it as of a position."""
    changes = await _changes(reader, organization_id, campaign_id, at)
    return campaigns_of_tree(changes, campaign_id)


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A video or profile whose levels are read, with its number and its owner.

    ``spans`` are the times in which its gains count, None if always. ``counts_in`` is
    for creators that left numbers with another project: the times in which they count
    in this one, None if always. ``is_erased`` marks a video of an erased creator; only
    sums with others may be shown.
    """

    id: UUID
    owner: UUID
    number: int
    is_baseline: bool
    creator_id: UUID | None = None
    posted_at: datetime | None = None
    label: str | None = None
    tiktok_video_id: str | None = None
    spans: Spans | None = None
    counts_in: Spans | None = None
    is_erased: bool = False

    @property
    def gains_as_a_post(self) -> bool:
        """Tell whether it counts that the video was posted."""
        if self.spans is None:
            return True
        at = self.posted_at
        return at is not None and holds_slot(self.spans, slot_of_post(at))

    @property
    def title(self) -> str | None:
        """Return the video's title. Without a title its label is its id."""
        return None if self.label == self.tiktok_video_id else self.label


class CountedMembers(msgspec.Struct, frozen=True, kw_only=True):
    """The members of an entity: the parameters of a query for them, and their times.

    ``dated`` is None if all numbers of the members count. ``in_project`` has the times
    of creators with numbers in several projects.
    """

    parameters: Parameters
    dated: DatedMembers | None = None
    in_project: SpansByCreator = {}

    @property
    def undivided(self) -> set[UUID]:
        """Return the creators all of whose numbers count."""
        return {*self.parameters["creators"]} - self.in_project.keys()

    def counts_in(self, creator_id: UUID | None) -> Spans | None:
        """Return the times in which a creator counts; None if always."""
        return None if creator_id is None else self.in_project.get(creator_id)

    def spans_of_creator(self, creator_id: UUID) -> Spans | None:
        """Return the times in which a creator's profile counts; None if always."""
        return None if self.dated is None else self.dated.creators.get(creator_id, ())

    def spans_of_video(self, video_id: UUID, creator_id: UUID | None) -> Spans | None:
        """Return the times in which a video counts, by itself or with its creator."""
        if self.dated is None:
            return None
        its_own = self.dated.videos.get(video_id, ())
        if creator_id is None:
            return its_own
        return union_of(its_own, self.dated.creators.get(creator_id, ()))


async def counted_members(
    reader: Reader, selection: Selection, id_: UUID
) -> CountedMembers:
    """Return the members of a selected entity, with their times if membership is dated.

    The parameters ``id`` and ``ids`` are the entity. ``creators`` and ``videos`` are
    its members; creators of a project include those who left numbers there.
    """
    organization_id, at = selection.organization_id, selection.at
    dated: DatedMembers | None = None
    in_project: SpansByCreator = {}
    members = Members(creators=set(), videos=set())
    if selection.is_dated:
        dated = await dated_members_of(reader, organization_id, id_, at)
        members = Members(creators={*dated.creators}, videos={*dated.videos})
    elif selection.entity == "campaign":
        members = await members_of(reader, organization_id, id_, at)
    elif selection.entity == "project":
        query = _CREATORS_NOW if at is None else _CREATORS_AS_OF
        in_project, rows = await asyncio.gather(
            spans_in(reader, organization_id, id_, at=at),
            reader.rows(organization_id, query, id=id_, at=at),
        )
        creators = {*in_project, *(row[0] for row in rows)}
        members = Members(creators=creators, videos=set())
    elif selection.entity == "creator":
        members = Members(creators={id_}, videos=set())
    parameters: Parameters = {
        "id": id_,
        "ids": [id_],
        "creators": sorted(members.creators),
        "videos": sorted(members.videos),
        "at": at,
    }
    return CountedMembers(parameters=parameters, dated=dated, in_project=in_project)


async def _changes(
    reader: Reader, organization_id: UUID, campaign_id: UUID, at: int | None
) -> list[MembershipChange]:
    """Return the changes of a campaign and of all below it up to a position."""
    rows = await reader.rows(organization_id, _TREE, campaign=campaign_id)
    changes = [change_of(row[1:]) for row in rows]
    return [change for change in changes if at is None or change.position <= at]


async def _creators_of(
    reader: Reader, organization_id: UUID, videos: Iterable[UUID], at: int
) -> dict[UUID, UUID | None]:
    """Return the creators that videos had at a position."""
    if not (ids := sorted(videos)):
        return {}
    rows = await reader.rows(organization_id, _VIDEOS, videos=ids)
    return {row.id: as_of(row, at).creator_id for row in map(video_of, rows)}


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
    "project": "(v.creator_id = ANY(%(creators)s) "
    "OR v.creator_id IS NULL AND v.project_id = %(id)s) AND v.is_counted",
    "campaign": "(v.creator_id = ANY(%(creators)s) OR v.id = ANY(%(videos)s)) "
    "AND v.is_counted",
}
# Videos that no creator of the project or campaign posted.
_WITHOUT_CREATORS: dict[Entity, str] = {
    "project": "project_id = %(id)s AND creator_id IS NULL",
    "campaign": "id = ANY(%(videos)s)",
}
_CREATORS = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND kind = 'creator'
AND id = ANY(%(creators)s) AND (%(at)s::bigint IS NULL OR position <= %(at)s)
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


async def existing_as_of(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    *,
    at: int,
) -> set[UUID]:
    """Return the entities among these that the organization had at a position."""
    params: Parameters = {"ids": list(ids), "entity": entity, "at": at}
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
    query = f"{_VIDEOS_NOW} AND {_WHICH_NOW[selection.entity]}".encode()
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
        params,
        ids=sorted({r.creator_id for _, r in rows if r.creator_id}),
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
