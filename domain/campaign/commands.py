"""The commands to a campaign."""

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.campaign.events import ItemType
from domain.messages import Command, TargetMetric, TargetScope


class CampaignItem(NamedTuple):
    """An item of a campaign: a creator, a video or another campaign, by its id."""

    item_type: ItemType
    item_id: UUID


class CreateCampaign(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    name: str
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    starts_on: date | None = None
    ends_on: date | None = None
    target_scope: TargetScope = "gained"
    cost_minor: int | None = None
    currency: str | None = None


class ChangeCampaignDetails(Command, frozen=True, kw_only=True):
    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    readme: str | msgspec.UnsetType | None = msgspec.UNSET
    metadata: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    starts_on: date | msgspec.UnsetType | None = msgspec.UNSET
    ends_on: date | msgspec.UnsetType | None = msgspec.UNSET
    cost_minor: int | msgspec.UnsetType | None = msgspec.UNSET
    currency: str | msgspec.UnsetType | None = msgspec.UNSET


class ChangeCampaignTarget(Command, frozen=True, kw_only=True):
    target_views: int | msgspec.UnsetType | None = msgspec.UNSET
    target_posts: int | msgspec.UnsetType | None = msgspec.UNSET
    target_engagement: int | msgspec.UnsetType | None = msgspec.UNSET
    target_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    target_scope: TargetScope | msgspec.UnsetType = msgspec.UNSET


class ReportTarget(Command, frozen=True, kw_only=True):
    """Record that the campaign reached a target, or missed it at its end.

    The fields up to ``target_at`` are the target as it was when ``reached`` was
    counted. The target was missed if ``reached`` is less, else reached at
    ``reached_at``.
    """

    metric: TargetMetric
    target: int
    target_scope: TargetScope
    target_at: datetime | None
    reached: int
    reached_at: datetime


class AddCampaignItems(Command, frozen=True, kw_only=True):
    """Put items into the campaign; the handler has checked that they may be in it."""

    items: tuple[CampaignItem, ...]


class RemoveCampaignItems(Command, frozen=True, kw_only=True):
    items: tuple[CampaignItem, ...]


class DeleteCampaign(Command, frozen=True, kw_only=True):
    """Delete the campaign; its history stays."""


CampaignCommand = (
    CreateCampaign
    | ChangeCampaignDetails
    | ChangeCampaignTarget
    | ReportTarget
    | AddCampaignItems
    | RemoveCampaignItems
    | DeleteCampaign
)
