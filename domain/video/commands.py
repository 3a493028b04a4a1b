"""The commands to a video of a project."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.messages import Command, TrackingStatus, VideoKind
from domain.video.attributes import VideoAttributes


class DiscoverVideo(Command, frozen=True, kw_only=True):
    """Record that a run listed the video; ``Window.status_of`` says its status."""

    organization_id: UUID
    project_id: UUID
    creator_id: UUID
    tiktok_video_id: str
    pseudonym: str
    handle: str
    tracking_status: TrackingStatus
    scrape_id: UUID
    kind: VideoKind | None = None
    title: str | None = None
    posted_at: datetime | None = None
    attributes: VideoAttributes | None = None


class AddVideo(Command, frozen=True, kw_only=True):
    """Track the video of a URL; unset tags stay as they are."""

    organization_id: UUID
    project_id: UUID
    tiktok_video_id: str
    pseudonym: str
    handle: str
    kind: VideoKind
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET


class MoveWindow(Command, frozen=True, kw_only=True):
    """Record that the creator's window changed.

    ``tracking_status`` is the status that a new video would get now.
    """

    tracking_status: TrackingStatus


class IncludeVideo(Command, frozen=True, kw_only=True):
    """Track a video that waits for review, was excluded, or is not tracked any more."""


class ExcludeVideo(Command, frozen=True, kw_only=True):
    """Exclude a video from lists and from counts."""


class PutBackVideo(Command, frozen=True, kw_only=True):
    """Undo the decision about an included or excluded video."""


class DisableTracking(Command, frozen=True, kw_only=True):
    """Stop counting a tracked video; its observations stay."""


class ChangeVideoDetails(Command, frozen=True, kw_only=True):
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    readme: str | msgspec.UnsetType | None = msgspec.UNSET
    metadata: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET


class ReportMissing(Command, frozen=True, kw_only=True):
    """Record that two direct reads found the video gone, at ``missing_since`` first."""

    missing_since: datetime
    scrape_id: UUID


class ReportTakeOff(Command, frozen=True, kw_only=True):
    """Record that the video has far more views than its creator's others had."""

    age_days: int
    views: int
    peer_median: float
    peers: int
    outlier_factor: float


class MergeVideo(Command, frozen=True, kw_only=True):
    """Make the creator's video ``into_video_id`` replace a single video."""

    creator_id: UUID
    into_video_id: UUID


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
    | ReportTakeOff
    | MergeVideo
)
