"""What counts in a campaign, now and as of a position, and what ever did and when."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from domain.analytics.membership import (
    DatedMembers,
    Members,
    MembershipChange,
    Spans,
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
    """Return what counts in a campaign: the union of the tree below it.

    ``videos`` are those that campaigns hold by themselves and whose creator is not
    among ``creators``. ``at`` is the position as of which the log is read, None for
    all of it. Nothing counts in a campaign that is not there, or was deleted.
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
    """Return when each creator and single video was in the tree below a campaign.

    ``at`` is the position as of which the log is read, None for all of it.
    """
    changes = await _changes(reader, organization_id, campaign_id, at)
    return dated_members_of_tree(changes, campaign_id)


class CountedMembers(msgspec.Struct, frozen=True, kw_only=True):
    """What counts in an entity: the parameters of a query for it, and since when.

    ``dated`` is None if everything counts that the members have. ``in_project`` is of
    the creators whose numbers are in a project and in others.
    """

    parameters: Parameters
    dated: DatedMembers | None = None
    in_project: SpansByCreator = {}

    def counts_in(self, creator_id: UUID | None) -> Spans | None:
        """Return when it counts what a creator has; None if that is always."""
        return None if creator_id is None else self.in_project.get(creator_id)

    def spans_of_creator(self, creator_id: UUID) -> Spans | None:
        """Return when a creator's profile counted; None if that is always."""
        return None if self.dated is None else self.dated.creators.get(creator_id, ())

    def spans_of_video(self, video_id: UUID, creator_id: UUID | None) -> Spans | None:
        """Return when a video counted, by itself or with its creator."""
        if self.dated is None:
            return None
        its_own = self.dated.videos.get(video_id, ())
        if creator_id is None:
            return its_own
        return union_of(its_own, self.dated.creators.get(creator_id, ()))


async def counted_members(
    reader: Reader, selection: Selection, id_: UUID
) -> CountedMembers:
    """Return what counts in a selected entity, and with dated membership when.

    The parameters ``id`` and ``ids`` are the entity; ``creators`` and ``videos`` are
    the members of a campaign, and ``creators`` those who may have left numbers in a
    project, else nothing.
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
    """Return what the campaign and all below it got and lost up to a position."""
    params = {"organization": organization_id, "campaign": campaign_id}
    rows = await reader.rows(organization_id, _TREE, params)
    changes = [change_of(row[1:]) for row in rows]
    return [change for change in changes if at is None or change.position <= at]


async def _creators_of(
    reader: Reader, organization_id: UUID, videos: Iterable[UUID], at: int
) -> dict[UUID, UUID | None]:
    """Return the creators that videos had at a position."""
    params = {"organization": organization_id, "videos": sorted(videos)}
    rows = await reader.rows(organization_id, _VIDEOS, params)
    return {row.id: as_of(row, at).creator_id for row in map(video_of, rows)}
