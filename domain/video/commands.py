"""The commands to a video of a project."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.messages import Command, TrackingStatus, VideoKind


class DiscoverVideo(Command, frozen=True, kw_only=True):
    """A run listed the video; ``tracking_status`` is ``video.Window.status_of``'s."""

    organization_id: UUID
    project_id: UUID
    creator_id: UUID
    tiktok_video_id: str
    handle: str
    tracking_status: TrackingStatus
    scrape_id: UUID
    kind: VideoKind | None = None
    title: str | None = None
    posted_at: datetime | None = None


class AddVideo(Command, frozen=True, kw_only=True):
    """Track the video whose URL somebody gave."""

    organization_id: UUID
    project_id: UUID
    tiktok_video_id: str
    handle: str
    kind: VideoKind


class MoveWindow(Command, frozen=True, kw_only=True):
    """The creator's window changed; the status is what a new video would get now."""

    tracking_status: TrackingStatus


class IncludeVideo(Command, frozen=True, kw_only=True):
    """Track a video that waits for review, was excluded or is not tracked any more."""


class ExcludeVideo(Command, frozen=True, kw_only=True):
    """Put a video aside: it is never listed and never counted."""


class PutBackVideo(Command, frozen=True, kw_only=True):
    """Take the decision about an included or excluded video back."""


class DisableTracking(Command, frozen=True, kw_only=True):
    """Stop counting a tracked video; what was seen of it stays."""


class ChangeVideoDetails(Command, frozen=True, kw_only=True):
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    readme: str | msgspec.UnsetType | None = msgspec.UNSET
    metadata: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class ReportMissing(Command, frozen=True, kw_only=True):
    """Two direct reads found the video gone, the first of them at ``missing_since``."""

    missing_since: datetime
    scrape_id: UUID


VideoCommand = (
    DiscoverVideo
    | AddVideo
    | MoveWindow
    | IncludeVideo
    | ExcludeVideo
    | PutBackVideo
    | DisableTracking
    | ChangeVideoDetails
    | ReportMissing
)
