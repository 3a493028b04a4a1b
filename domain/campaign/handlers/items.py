"""The handlers that put items into campaigns and take them out."""

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from domain import commands as c
from domain.campaign.commands import CampaignItem
from domain.campaign.decider import CampaignState, campaign_of, decide, living
from domain.campaign.errors import (
    AlreadyMemberError,
    CampaignCycleError,
    CampaignTooDeepError,
    ItemRemovedError,
    OtherProjectError,
)
from domain.campaign.membership import campaigns_with, joined, left
from domain.campaign.tree import MOST_DEEP, depth, reached, walk_down, walk_up
from domain.creator.decider import creator_of
from domain.decisions import (
    Decision,
    Handler,
    Histories,
    History,
    StreamEvent,
    check_version,
    on,
)
from domain.errors import (
    DomainError,
    ItemsRefusedError,
    NotFoundError,
)
from domain.organization.decider import organization_of
from domain.organization.plans import Limits
from domain.streams import membership_stream
from domain.video.decider import VideoState, video_of
from domain.video.handlers.videos import project_with

_REMOVED = {
    "creator": "The creator was removed; add the handle again first.",
    "video": "The video is excluded; include it first.",
    "campaign": "The campaign was deleted.",
}


class CampaignExits(msgspec.Struct, frozen=True):
    """The events with which items leave campaigns, and the guards that they need."""

    events: list[StreamEvent]
    guards: list[UUID]


def add_items(
    campaign_id: UUID,
    items: Sequence[CampaignItem],
    *,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Put all of the items into a campaign, or none if one of them is refused.

    Items that are in the campaign already stay, even removed creators. The append
    guards the items, every campaign below them, and the memberships of every campaign
    above. If two commands would together make campaigns contain each other in a circle,
    the later command therefore sees the earlier one and is refused.

    Raises:
        ItemsRefusedError: with NotFoundError, OtherProjectError, ItemRemovedError,
            AlreadyMemberError, CampaignCycleError or CampaignTooDeepError for each bad
            index.
    """
    histories = yield (campaign_id, organization_id)
    campaign = _own(histories[campaign_id], organization_id)
    check_version(len(histories[campaign_id]), expected_versions)
    organization = organization_of(histories[organization_id])
    assert organization is not None, "the organization has a campaign"
    fresh = {
        index: item for index, item in enumerate(items) if item not in campaign.items
    }
    histories = yield (
        *(item.item_id for item in fresh.values()),
        *(membership_stream(item.item_id) for item in fresh.values()),
    )
    refusals = _repetitions(items)
    owners = {
        video.creator_id
        for item in fresh.values()
        if (video := video_of(histories[item.item_id])) and video.creator_id
    }
    creators = yield owners
    for index, item in fresh.items():
        refusal = _refusal(item, campaign, histories[item.item_id], creators)
        if refusal is not None:
            refusals.setdefault(index, refusal)
    guards = {item.item_id for item in fresh.values()} | owners
    subs = {index: i.item_id for index, i in fresh.items() if i.item_type == "campaign"}
    subs = {index: each for index, each in subs.items() if index not in refusals}
    if subs:
        below = yield from walk_down(subs.values())
        above = yield from walk_up(campaign_id)
        refusals |= {
            index: error
            for index, each in subs.items()
            if (error := _misplaced(each, campaign_id, below=below, above=above))
        }
        guards |= {*below, *map(membership_stream, above)}
    if refusals:
        raise ItemsRefusedError(refusals, count=len(items))
    command = c.AddCampaignItems(items=tuple(items))
    added = decide(campaign, command, limits=plans[organization.plan])
    return Decision(
        campaign_id,
        events=[
            *on(campaign_id, added),
            *(
                joined(item, campaign_id, organization_id=organization_id)
                for item in fresh.values()
            ),
        ],
        guards=sorted(guards),
    )


def remove_items(
    campaign_id: UUID,
    items: Sequence[CampaignItem],
    *,
    organization_id: UUID,
    expected_versions: Collection[int] | None = None,
) -> Handler[UUID]:
    """Take all of the items out of a campaign, or none if one of them is not in it.

    Raises:
        ItemsRefusedError: with NotFoundError for each item that is not in it.
    """
    histories = yield (campaign_id,)
    campaign = _own(histories[campaign_id], organization_id)
    check_version(len(histories[campaign_id]), expected_versions)
    removed = decide(campaign, c.RemoveCampaignItems(items=tuple(items)))
    # The handler appends to these streams below.
    yield [membership_stream(item.item_id) for item in items]
    return Decision(
        campaign_id,
        events=[
            *on(campaign_id, removed),
            *(
                left(item, campaign_id, organization_id=organization_id)
                for item in dict.fromkeys(items)
            ),
        ],
    )


def leave_campaigns(
    items: Sequence[CampaignItem], *, organization_id: UUID
) -> Generator[Collection[UUID], Histories, CampaignExits]:
    """Return the events with which items leave all of their campaigns.

    A handler uses it with ``yield from``: for a creator that moves to another project,
    and for a campaign that is deleted. If an item joins a campaign in the meantime, the
    append fails, provided that the handler appends to the item's stream or uses the
    returned guards.
    """
    memberships = yield [membership_stream(item.item_id) for item in items]
    leaving: dict[UUID, list[CampaignItem]] = defaultdict(list)
    guards: list[UUID] = []
    for item in items:
        stream = membership_stream(item.item_id)
        campaigns = campaigns_with(memberships[stream])
        if not campaigns:
            guards.append(stream)
        for campaign_id in campaigns:
            leaving[campaign_id].append(item)
    histories = yield leaving.keys()
    events: list[StreamEvent] = []
    for campaign_id, those in leaving.items():
        command = c.RemoveCampaignItems(items=tuple(those))
        events += on(campaign_id, decide(campaign_of(histories[campaign_id]), command))
        events += [
            left(item, campaign_id, organization_id=organization_id) for item in those
        ]
    return CampaignExits(events, guards)


def _own(history: History, organization_id: UUID) -> CampaignState:
    campaign = living(campaign_of(history))
    if campaign.organization_id != organization_id:
        raise NotFoundError("campaign")
    return campaign


def _repetitions(items: Iterable[CampaignItem]) -> dict[int, DomainError]:
    """Return a refusal for each item that the request repeats, by index."""
    first: dict[CampaignItem, int] = {}
    return {
        index: AlreadyMemberError(first[item])
        for index, item in enumerate(items)
        if first.setdefault(item, index) != index
    }


def _refusal(
    item: CampaignItem, campaign: CampaignState, history: History, creators: Histories
) -> DomainError | None:
    """Return why the item may not be in any campaign of this project, if so."""
    match item.item_type:
        case "creator":
            found = creator_of(history)
            is_removed = found is not None and found.is_gone
        case "video":
            found = video_of(history)
            owner = found and found.creator_id
            creator = creator_of(creators[owner]) if owner else None
            is_removed = found is not None and (
                found.tracking_status == "excluded"
                or (creator is not None and creator.status == "erased")
            )
        case "campaign":
            found = campaign_of(history)
            is_removed = found is not None and found.is_deleted
    if found is None or found.organization_id != campaign.organization_id:
        return NotFoundError(item.item_type)
    is_video = isinstance(found, VideoState)
    project_id = project_with(found, creators) if is_video else found.project_id
    if project_id != campaign.project_id:
        return OtherProjectError(item.item_type)
    if is_video and found.merged_into is not None:
        return ItemRemovedError(
            f"The video was merged into the video {found.merged_into}; put that in."
        )
    return ItemRemovedError(_REMOVED[item.item_type]) if is_removed else None


def _misplaced(
    sub_id: UUID,
    campaign_id: UUID,
    *,
    below: Mapping[UUID, Collection[UUID]],
    above: Mapping[UUID, Collection[UUID]],
) -> DomainError | None:
    """Return why one campaign may not be put into another, if so."""
    if campaign_id in reached(below, sub_id):
        return CampaignCycleError()
    if depth(above, campaign_id) + depth(below, sub_id) > MOST_DEEP:
        return CampaignTooDeepError(MOST_DEEP)
    return None
