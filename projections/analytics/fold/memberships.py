"""What campaigns got and lost, one row an event."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.analytics.membership import MemberType

CampaignKey = tuple[UUID, UUID]
"""An organization, and a campaign of its."""


class RecordedMembership(msgspec.Struct, frozen=True, kw_only=True):
    """A row: a campaign got an item or lost it; without a type, it was deleted."""

    organization_id: UUID
    campaign_id: UUID
    position: int
    recorded_at: datetime
    item_type: MemberType | None
    item_id: UUID
    is_added: bool
