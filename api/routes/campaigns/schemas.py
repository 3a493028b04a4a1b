"""Request bodies about campaigns and their items."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.http.bodies.fields_to_change import FieldsToChange
from api.http.errors import Code, field_error
from api.routes.creators.schemas import MOST_AT_ONCE, Description, Metadata, Readme
from api.routes.projects import Name
from domain import commands as c
from domain.events import ItemType
from domain.messages import TargetScope
from infra.structs import shared_fields

CountToReach = Annotated[int, Meta(ge=1, le=2**53 - 1)]
TargetAt = Annotated[datetime, Meta(tz=True)]
CostMinor = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]
ScopeOfTarget = Annotated[
    TargetScope,
    Meta(
        description="The views that count towards the target: the views ``gained`` "
        "from the campaign's first day, or its creation, to its last day; "
        "all views of the videos posted in these days (``posts_in_days``); "
        "or all views of all time (``lifetime``)."
    ),
]


class NewCampaign(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A campaign to create; it has no items at first."""

    name: Name
    description: Description | None = None
    readme: Readme | None = None
    metadata: Metadata = {}
    starts_on: date | None = None
    ends_on: date | None = None
    target_views: CountToReach | None = None
    target_at: TargetAt | None = None
    target_scope: ScopeOfTarget = "gained"
    target_posts: CountToReach | None = None
    target_engagement: CountToReach | None = None
    cost_minor: CostMinor | None = None
    currency: Currency | None = None


class CampaignChange(FieldsToChange, frozen=True, kw_only=True):
    """The fields to change; all others stay. At least one field is needed."""

    name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    readme: Readme | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    starts_on: date | UnsetType | None = UNSET
    ends_on: date | UnsetType | None = UNSET
    target_views: CountToReach | UnsetType | None = UNSET
    target_at: TargetAt | UnsetType | None = UNSET
    target_scope: ScopeOfTarget | UnsetType = UNSET
    target_posts: CountToReach | UnsetType | None = UNSET
    target_engagement: CountToReach | UnsetType | None = UNSET
    cost_minor: CostMinor | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET


class CampaignItemId(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A creator, video or campaign of the campaign's own project."""

    item_type: ItemType
    item_id: UUID


class CampaignItemIds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several items, each once: all of them are processed, or none."""

    items: Annotated[list[CampaignItemId], Meta(min_length=1, max_length=MOST_AT_ONCE)]


def creating_commands(
    data: NewCampaign, *, organization_id: UUID, project_id: UUID
) -> list[c.CampaignCommand]:
    """Return the commands that create a campaign.

    Raises:
        ApiError: ``invalid_body``, if the time of its target is too far in the future.
    """
    return [
        c.CreateCampaign(
            organization_id=organization_id,
            project_id=project_id,
            **_without_target(data),
            target_scope=data.target_scope,
        ),
        _target_command(data),
    ]


def changing_commands(
    data: CampaignChange,
) -> list[c.ChangeCampaignDetails | c.ChangeCampaignTarget]:
    """Return the commands that change a campaign.

    Raises:
        ApiError: ``invalid_body``, if the time of its target is too far in the future.
    """
    details = c.ChangeCampaignDetails(**_without_target(data))
    return [details, _target_command(data)]


def items_of(data: CampaignItemId | CampaignItemIds) -> list[c.CampaignItem]:
    items = [data] if isinstance(data, CampaignItemId) else data.items
    return [c.CampaignItem(item.item_type, item.item_id) for item in items]


def _without_target(data: NewCampaign | CampaignChange) -> dict[str, Any]:
    return shared_fields(c.ChangeCampaignDetails, data)


def _target_command(data: NewCampaign | CampaignChange) -> c.ChangeCampaignTarget:
    at: Any = data.target_at
    if isinstance(at, datetime):
        try:
            at = at.astimezone(UTC)
        except OverflowError:
            message = "must lie in the years 1 to 9999 in UTC"
            raise field_error(Code.INVALID_BODY, "/target_at", message) from None
    return c.ChangeCampaignTarget(
        target_views=data.target_views,
        target_at=at,
        target_scope=data.target_scope,
        target_posts=data.target_posts,
        target_engagement=data.target_engagement,
    )
