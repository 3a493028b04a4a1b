"""The events of a video: one stream a video and project, however it came into it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.messages import Event, TrackingStatus, VideoKind


class VideoDiscovered(Event, frozen=True, kw_only=True):
    """A run listed a video that the project did not know yet as this creator's.

    ``tracking_status`` follows from the creator's mode and window at that moment. Of a
    video that was added by hand before, it only says whose it is.
    """

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


class VideoAdded(Event, frozen=True, kw_only=True):
    """Somebody added the video by its URL: it is tracked, whatever it was before."""

    organization_id: UUID
    project_id: UUID
    tiktok_video_id: str
    handle: str
    kind: VideoKind


class VideoCameIntoWindow(Event, frozen=True, kw_only=True):
    """The creator's tracking window grew over a video that was remembered outside."""

    organization_id: UUID
    tracking_status: TrackingStatus


class VideoIncluded(Event, frozen=True, kw_only=True):
    organization_id: UUID


class VideoExcluded(Event, frozen=True, kw_only=True):
    organization_id: UUID


class VideoPutBack(Event, frozen=True, kw_only=True):
    """Somebody took the decision about the video back: it waits for review again."""

    organization_id: UUID


class VideoTrackingDisabled(Event, frozen=True, kw_only=True):
    organization_id: UUID


class VideoDetailsChanged(Event, frozen=True, kw_only=True):
    """What is unset did not change."""

    organization_id: UUID
    description: str | UnsetType | None = UNSET
    readme: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class VideoWentMissing(Event, frozen=True, kw_only=True):
    """Two direct reads in different runs found the video gone.

    ``missing_since`` is when the first of them looked, ``scrape_id`` the second run.
    """

    organization_id: UUID
    missing_since: datetime
    scrape_id: UUID


VideoEvent = (
    VideoDiscovered
    | VideoAdded
    | VideoCameIntoWindow
    | VideoIncluded
    | VideoExcluded
    | VideoPutBack
    | VideoTrackingDisabled
    | VideoDetailsChanged
    | VideoWentMissing
)
