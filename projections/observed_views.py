"""Decodes of a snapshot of videos only what milestones need: the views."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.messages import Event


class ObservedViews(Event, frozen=True, kw_only=True):
    """The event ``VideoStatsSnapshotRecorded`` without counts other than views."""

    organization_id: UUID
    project_id: UUID | None = None
    creator_id: UUID | None
    observed_at: datetime
    provider: str
    video_ids: tuple[str, ...]
    view_counts: tuple[int | None, ...]


decode_views = msgspec.json.Decoder(ObservedViews).decode
