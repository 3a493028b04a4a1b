"""Rows of items that joined campaigns and left them, one row an event."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.analytics.membership import MemberType

CampaignKey = tuple[UUID, UUID]
"""An organization and one of its campaigns."""


class RecordedMembership(msgspec.Struct, frozen=True, kw_only=True):
    """A row: an item joined a campaign or left it.

    Without an item type the campaign was deleted.
    """

    organization_id: UUID
    campaign_id: UUID
    position: int
    recorded_at: datetime
    item_type: MemberType | None
    item_id: UUID
    is_added: bool
