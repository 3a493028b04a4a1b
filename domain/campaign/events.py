"""The events of a campaign, and of the list of campaigns that contain an item."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec

from domain.messages import Event, Personal, TargetMetric, TargetScope
from domain.texts import EarlierTextsForgotten

ItemType = Literal["creator", "video", "campaign"]

# campaign: one stream for each campaign


class CampaignCreated(Event, frozen=True, kw_only=True):
    """A campaign was created in a project, without items and without a target.

    ``target_scope`` says which views count towards a target. Events from before this
    field leave it unset: then all views of all time counted. ``cost_minor`` is the
    price of the campaign in the smallest unit of ``currency``, a code of ISO 4217.
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
    cost_minor: int | None = None
    currency: str | None = None


class CampaignDetailsChanged(Event, frozen=True, kw_only=True):
    """The campaign's name, notes, dates or cost changed; unset fields stay.

    Both days are inclusive, and a null day is an open end.
    """

    stored_name: ClassVar[str] = "campaign_details_changed"
    organization_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    description: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    readme: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    metadata: Personal[dict[str, Any] | msgspec.UnsetType] = msgspec.UNSET
    starts_on: date | msgspec.UnsetType | None = msgspec.UNSET
    ends_on: date | msgspec.UnsetType | None = msgspec.UNSET
    cost_minor: int | msgspec.UnsetType | None = msgspec.UNSET
    currency: str | msgspec.UnsetType | None = msgspec.UNSET


class CampaignTargetChanged(Event, frozen=True, kw_only=True):
    """The campaign should reach ``target_views`` until ``target_at``, both optional.

    ``target_posts`` is the number of videos to post, and ``target_engagement`` that of
    likes, comments, shares and saves together. The event has the whole new target; an
    event from before ``target_scope`` leaves the scope as it was.
    """

    stored_name: ClassVar[str] = "campaign_target_changed"
    organization_id: UUID
    target_views: int | None = None
    target_at: datetime | None = None
    target_scope: TargetScope | msgspec.UnsetType = msgspec.UNSET
    target_posts: int | None = None
    target_engagement: int | None = None


class CampaignTargetReached(Event, frozen=True, kw_only=True):
    """The number that counts for the campaign's ``metric`` reached its ``target``.

    ``reached`` is that number at ``reached_at``. A campaign that reached its target
    days before anybody looked has the end of that day there.
    """

    stored_name: ClassVar[str] = "campaign_target_reached"
    organization_id: UUID
    metric: TargetMetric
    target: int
    target_scope: TargetScope
    reached: int
    reached_at: datetime


class CampaignTargetMissed(Event, frozen=True, kw_only=True):
    """The campaign's time ended at ``target_at``, and ``reached`` was not enough."""

    stored_name: ClassVar[str] = "campaign_target_missed"
    organization_id: UUID
    metric: TargetMetric
    target: int
    target_scope: TargetScope
    reached: int
    target_at: datetime


class CampaignItemAdded(Event, frozen=True, kw_only=True):
    """A creator, video or campaign of the same project joined the campaign."""

    stored_name: ClassVar[str] = "campaign_item_added"
    organization_id: UUID
    item_type: ItemType
    item_id: UUID


class CampaignItemRemoved(Event, frozen=True, kw_only=True):
    """An item left the campaign.

    Somebody took the item out, the item is a campaign that was deleted, or the item is
    a creator that moved to another project.
    """

    stored_name: ClassVar[str] = "campaign_item_removed"
    organization_id: UUID
    item_type: ItemType
    item_id: UUID


class CampaignDeleted(Event, frozen=True, kw_only=True):
    """The campaign has left every list and has no items any more; its history stays.

    Just before, the campaign left the campaigns above it.
    """

    stored_name: ClassVar[str] = "campaign_deleted"
    organization_id: UUID


# membership: one stream for each item, which lists the campaigns of that item


class CampaignJoined(Event, frozen=True, kw_only=True):
    """The item joined this campaign."""

    stored_name: ClassVar[str] = "campaign_joined"
    organization_id: UUID
    item_type: ItemType
    item_id: UUID
    campaign_id: UUID


class CampaignLeft(Event, frozen=True, kw_only=True):
    """The item left this campaign, or the campaign was deleted."""

    stored_name: ClassVar[str] = "campaign_left"
    organization_id: UUID
    item_type: ItemType
    item_id: UUID
    campaign_id: UUID


CampaignEvent = (
    CampaignCreated
    | CampaignDetailsChanged
    | CampaignTargetChanged
    | CampaignTargetReached
    | CampaignTargetMissed
    | CampaignItemAdded
    | CampaignItemRemoved
    | CampaignDeleted
    | EarlierTextsForgotten
)
MembershipEvent = CampaignJoined | CampaignLeft
