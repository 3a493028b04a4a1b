"""The events of a campaign, and of the list of campaigns that an item is in."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec

from domain.messages import Event, Personal, TargetScope
from domain.texts import EarlierTextsForgotten

ItemType = Literal["creator", "video", "campaign"]

# campaign: one stream for each campaign


class CampaignCreated(Event, frozen=True, kw_only=True):
    """A campaign was created in a project, without items and without a target.

    ``target_scope`` says which views are counted for one. An event from before the
    field says nothing: all views of all time were counted then.
    """

    stored_name: ClassVar[str] = "campaign_created"
    organization_id: UUID
    project_id: UUID
    name: Personal[str]
    description: Personal[str | None] = None
    readme: Personal[str | None] = None
    metadata: Personal[dict[str, Any]] = {}  # noqa: RUF012 - msgspec copies it, and omits it
    starts_on: date | None = None
    ends_on: date | None = None
    target_scope: TargetScope = "lifetime"


class CampaignDetailsChanged(Event, frozen=True, kw_only=True):
    """The campaign's name, notes or dates changed; unset fields did not.

    Both days are inclusive, and a null day is open.
    """

    stored_name: ClassVar[str] = "campaign_details_changed"
    organization_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    description: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    readme: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    metadata: Personal[dict[str, Any] | msgspec.UnsetType] = msgspec.UNSET
    starts_on: date | msgspec.UnsetType | None = msgspec.UNSET
    ends_on: date | msgspec.UnsetType | None = msgspec.UNSET


class CampaignTargetChanged(Event, frozen=True, kw_only=True):
    """The campaign is to reach so many views, by then; null says that it has no such.

    The event has the whole new target; an event from before ``target_scope`` leaves
    the scope as it was.
    """

    stored_name: ClassVar[str] = "campaign_target_changed"
    organization_id: UUID
    target_views: int | None = None
    target_at: datetime | None = None
    target_scope: TargetScope | msgspec.UnsetType = msgspec.UNSET


class CampaignItemAdded(Event, frozen=True, kw_only=True):
    """A creator, video or campaign of the same project is in the campaign now."""

    stored_name: ClassVar[str] = "campaign_item_added"
    organization_id: UUID
    item_type: ItemType
    item_id: UUID


class CampaignItemRemoved(Event, frozen=True, kw_only=True):
    """An item is not in the campaign any more.

    Somebody took it out, it was a campaign that was deleted, or a creator that moved to
    another project.
    """

    stored_name: ClassVar[str] = "campaign_item_removed"
    organization_id: UUID
    item_type: ItemType
    item_id: UUID


class CampaignDeleted(Event, frozen=True, kw_only=True):
    """The campaign is gone from every list, and nothing is in it; its history stays.

    It was taken out of the campaigns above it just before.
    """

    stored_name: ClassVar[str] = "campaign_deleted"
    organization_id: UUID


# membership: one stream for each item, which says in which campaigns it is


class CampaignJoined(Event, frozen=True, kw_only=True):
    """The item is in this campaign now."""

    stored_name: ClassVar[str] = "campaign_joined"
    organization_id: UUID
    item_type: ItemType
    item_id: UUID
    campaign_id: UUID


class CampaignLeft(Event, frozen=True, kw_only=True):
    """The item is not in this campaign any more, or the campaign was deleted."""

    stored_name: ClassVar[str] = "campaign_left"
    organization_id: UUID
    item_type: ItemType
    item_id: UUID
    campaign_id: UUID


CampaignEvent = (
    CampaignCreated
    | CampaignDetailsChanged
    | CampaignTargetChanged
    | CampaignItemAdded
    | CampaignItemRemoved
    | CampaignDeleted
    | EarlierTextsForgotten
)
MembershipEvent = CampaignJoined | CampaignLeft
