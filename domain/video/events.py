"""The events of a video: one stream for each video of a project."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from domain.messages import (
    Event,
    Personal,
    Platform,
    TrackingStatus,
    VideoKind,
    tiktok,
)
from domain.video.attributes import VideoAttributes


class VideoDiscovered(Event, frozen=True, kw_only=True):
    """A scrape listed a video that the project did not know as this creator's.

    ``tracking_status`` follows from the creator's mode and window at that moment. If
    the video was added by hand before, the event only says which creator it belongs to.
    ``pseudonym`` is the name of the video in snapshots, which an erasure leaves; in old
    logs it is null, and snapshots have the id on TikTok.
    """

    stored_name: ClassVar[str] = "video_discovered"
    organization_id: UUID
    project_id: UUID
    creator_id: UUID
    tiktok_video_id: Personal[str]
    handle: Personal[str]
    tracking_status: TrackingStatus
    scrape_id: UUID
    kind: VideoKind | None = None
    title: Personal[str | None] = None
    posted_at: datetime | None = None
    pseudonym: str | None = None
    attributes: Personal[VideoAttributes | None] = None
    platform: Platform = msgspec.field(default_factory=tiktok)


class VideoAdded(Event, frozen=True, kw_only=True):
    """Somebody added the video by its URL, so it is tracked from now on."""

    stored_name: ClassVar[str] = "video_added"
    organization_id: UUID
    project_id: UUID
    tiktok_video_id: Personal[str]
    handle: Personal[str]
    kind: VideoKind
    tags: Personal[list[str]] = []  # noqa: RUF012 - msgspec copies it, and omits it
    pseudonym: str | None = None
    platform: Platform = msgspec.field(default_factory=tiktok)


class VideoCameIntoWindow(Event, frozen=True, kw_only=True):
    """The creator's tracking window now includes a video that was outside."""

    stored_name: ClassVar[str] = "video_came_into_window"
    organization_id: UUID
    tracking_status: TrackingStatus


class VideoIncluded(Event, frozen=True, kw_only=True):
    """Somebody decided to track the video."""

    stored_name: ClassVar[str] = "video_included"
    organization_id: UUID


class VideoExcluded(Event, frozen=True, kw_only=True):
    """Somebody excluded the video, so no list shows it."""

    stored_name: ClassVar[str] = "video_excluded"
    organization_id: UUID


class VideoPutBack(Event, frozen=True, kw_only=True):
    """Somebody undid the decision about the video, and it waits for review again."""

    stored_name: ClassVar[str] = "video_put_back"
    organization_id: UUID


class VideoTrackingDisabled(Event, frozen=True, kw_only=True):
    """Somebody stopped the counting of the video."""

    stored_name: ClassVar[str] = "video_tracking_disabled"
    organization_id: UUID


class VideoDetailsChanged(Event, frozen=True, kw_only=True):
    """The video's notes or tags changed; unset fields stay as they were."""

    stored_name: ClassVar[str] = "video_details_changed"
    organization_id: UUID
    description: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    readme: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    metadata: Personal[dict[str, Any] | msgspec.UnsetType] = msgspec.UNSET
    tags: Personal[list[str] | msgspec.UnsetType] = msgspec.UNSET


class VideoWentMissing(Event, frozen=True, kw_only=True):
    """Two direct reads in different scrapes found the video gone.

    ``missing_since`` is the time of the first read, and ``scrape_id`` the scrape of the
    second one.
    """

    stored_name: ClassVar[str] = "video_went_missing"
    organization_id: UUID
    missing_since: datetime
    scrape_id: UUID


class VideoTookOff(Event, frozen=True, kw_only=True):
    """The video had far more views in its first days than its creator's videos have.

    At ``age_days`` it had ``views``, and the creator's ``peers`` before it had
    ``peer_median`` at the same age; ``outlier_factor`` is ``views`` / ``peer_median``.
    """

    stored_name: ClassVar[str] = "video_took_off"
    organization_id: UUID
    age_days: int
    views: int
    peer_median: float
    peers: int
    outlier_factor: float


class VideoMerged(Event, frozen=True, kw_only=True):
    """A video that was added by its URL turned out to be a video of this creator.

    From then on the creator's video ``into_video_id`` has the notes, tags, campaigns
    and observations. The single video does not exist any more, unless somebody adds it
    again.
    """

    stored_name: ClassVar[str] = "video_merged"
    organization_id: UUID
    creator_id: UUID
    into_video_id: UUID


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
    | VideoTookOff
    | VideoMerged
)
