"""Members of campaigns and projects: now, as of a position, and by time."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from domain.analytics.membership import (
    DatedMembers,
    Members,
    MembershipChange,
    Spans,
    campaigns_of_tree,
    dated_members_of_tree,
    members_of_tree,
    union_of,
)
from projections.analytics.fold.entities import as_of
from projections.analytics.read.project_spans import SpansByCreator, spans_in
from projections.analytics.read.selection import Selection
from projections.analytics.store.campaign_changes import TREE, change_of
from projections.analytics.store.videos import VIDEO_COLUMNS, video_of
from projections.engine.reader import Reader

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
        params = {"organization": organization_id, "campaign": campaign_id}
        rows = await reader.rows(organization_id, _NOW, params)
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


class CountedMembers(msgspec.Struct, frozen=True, kw_only=True):
    """The members of an entity: the parameters of a query for them, and their times.

    ``dated`` is None if all numbers of the members count. ``in_project`` has the times
    of creators with numbers in several projects.
    """

    parameters: Parameters
    dated: DatedMembers | None = None
    in_project: SpansByCreator = {}

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
    the members of a campaign; for a project ``creators`` are those who may have left
    numbers there.
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
        in_project = await spans_in(reader, organization_id, id_, at=at)
        members = Members(creators={*in_project}, videos=set())
    parameters: Parameters = {
        "organization": organization_id,
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
    params = {"organization": organization_id, "campaign": campaign_id}
    rows = await reader.rows(organization_id, _TREE, params)
    changes = [change_of(row[1:]) for row in rows]
    return [change for change in changes if at is None or change.position <= at]


async def _creators_of(
    reader: Reader, organization_id: UUID, videos: Iterable[UUID], at: int
) -> dict[UUID, UUID | None]:
    """Return the creators that videos had at a position."""
    params = {"organization": organization_id, "videos": sorted(videos)}
    if not params["videos"]:
        return {}
    rows = await reader.rows(organization_id, _VIDEOS, params)
    return {row.id: as_of(row, at).creator_id for row in map(video_of, rows)}
