"""Membership: the campaigns that contain an item, so that the tree is read upwards."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from domain.campaign import events as e
from domain.campaign.commands import CampaignItem
from domain.decisions import StreamEvent
from domain.messages import Event
from domain.streams import membership_stream


def campaigns_with(history: Sequence[Event]) -> list[UUID]:
    """Return the campaigns that contain an item, from the history of its membership."""
    campaigns: dict[UUID, None] = {}
    for event in cast("Sequence[e.MembershipEvent]", history):
        if isinstance(event, e.CampaignJoined):
            campaigns[event.campaign_id] = None
        else:
            campaigns.pop(event.campaign_id, None)
    return list(campaigns)


def joined(
    item: CampaignItem, campaign_id: UUID, *, organization_id: UUID
) -> StreamEvent:
    return membership_stream(item.item_id), e.CampaignJoined(
        organization_id=organization_id,
        item_type=item.item_type,
        item_id=item.item_id,
        campaign_id=campaign_id,
    )


def left(
    item: CampaignItem, campaign_id: UUID, *, organization_id: UUID
) -> StreamEvent:
    return membership_stream(item.item_id), e.CampaignLeft(
        organization_id=organization_id,
        item_type=item.item_type,
        item_id=item.item_id,
        campaign_id=campaign_id,
    )
