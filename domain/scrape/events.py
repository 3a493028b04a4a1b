"""The events of a scrape: its request, its observations, and its end."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from domain.messages import (
    Completeness,
    Event,
    ImportOutcome,
    JobType,
    Outcome,
    Personal,
    Platform,
    Precision,
    Trigger,
    tiktok,
)
from domain.scrape.turns import OlderVideos
from domain.video.attributes import VideoAttributes

# The kind, title, time of posting, address of the picture, and attributes of a video.
VideoDetails = tuple[
    str | None, str | None, datetime | None, str | None, VideoAttributes | None
]
VideoCounts = tuple[str, int | None, int | None, int | None, int | None, int | None]


class ScrapeRequested(Event, frozen=True, kw_only=True):
    """A scrape of a creator, or of the named videos, was requested.

    ``creator_id`` is null if a video was added by hand and belongs to no creator of the
    project. ``tiktok_video_ids`` names the videos to scrape; empty means all of them.
    If it names one video, ``video_id`` is the stream of that video, null in events from
    before this field.
    """

    stored_name: ClassVar[str] = "scrape_requested"
    organization_id: UUID
    project_id: UUID
    creator_id: UUID | None
    handle: Personal[str]
    job_type: JobType
    trigger: Trigger
    tiktok_video_ids: Personal[tuple[str, ...]] = ()
    video_id: UUID | None = None
    platform: Platform = msgspec.field(default_factory=tiktok)


class ProfileSnapshotRecorded(Event, frozen=True, kw_only=True):
    """A scrape observed the profile at ``observed_at``.

    Fields that the provider left out are null. Counts are signed 64-bit numbers, stored
    as observed. ``precision`` says whether the source rounds large numbers.
    """

    stored_name: ClassVar[str] = "profile_snapshot_recorded"
    organization_id: UUID
    creator_id: UUID
    observed_at: datetime
    provider: str
    precision: Precision | None = None
    user_id: Personal[str | None] = None
    sec_uid: Personal[str | None] = None
    display_name: Personal[str | None] = None
    avatar_url: Personal[str | None] = None
    follower_count: int | None = None
    following_count: int | None = None
    total_likes_count: int | None = None
    video_count: int | None = None
    platform: Platform = msgspec.field(default_factory=tiktok)


class VideoStatsSnapshotRecorded(Event, frozen=True, kw_only=True):
    """A scrape observed up to 500 videos at ``observed_at``.

    The fields are parallel arrays. ``kinds``, ``titles``, ``posted_at`` and
    ``thumbnail_urls`` hold the details of a video that were not known before, else
    null; an array without any detail is empty. Pictures are known by their paths,
    because the rest of a picture's address is signed anew each time. ``attributes`` has
    the new attributes, by the videos' names in ``video_ids``. ``project_id`` is null in
    events from before projects had videos.

    With ``has_pseudonyms``, ``video_ids`` are pseudonyms, and ``tiktok_video_ids`` has
    the id on TikTok of each video that the project may not know yet, because details
    are kept. Without it, ``video_ids`` are the ids on TikTok.
    """

    stored_name: ClassVar[str] = "video_stats_snapshot_recorded"
    organization_id: UUID
    project_id: UUID | None = None
    creator_id: UUID | None
    observed_at: datetime
    provider: str
    video_ids: tuple[str, ...]
    view_counts: tuple[int | None, ...]
    like_counts: tuple[int | None, ...]
    comment_counts: tuple[int | None, ...]
    share_counts: tuple[int | None, ...]
    save_counts: tuple[int | None, ...]
    kinds: tuple[str | None, ...] = ()
    titles: Personal[tuple[str | None, ...]] = ()
    posted_at: tuple[datetime | None, ...] = ()
    thumbnail_urls: Personal[tuple[str | None, ...]] = ()
    has_pseudonyms: bool = False
    tiktok_video_ids: Personal[tuple[str | None, ...]] = ()
    attributes: Personal[dict[str, VideoAttributes]] = {}  # noqa: RUF012 - as in VideoAdded
    platform: Platform = msgspec.field(default_factory=tiktok)

    def tiktok_ids(self) -> Sequence[str | None]:
        """Return each video's id on TikTok; null where an earlier event has it."""
        if not self.has_pseudonyms:
            return self.video_ids
        return self.tiktok_video_ids or (None,) * len(self.video_ids)

    def counts(self) -> Iterator[VideoCounts]:
        """Yield each video's id and its five counters, null where left out."""
        return zip(
            self.video_ids,
            self.view_counts,
            self.like_counts,
            self.comment_counts,
            self.share_counts,
            self.save_counts,
            strict=True,
        )

    def details(self) -> Iterator[VideoDetails]:
        """Yield each video's ``VideoDetails``, null where known or left out."""
        nothing = (None,) * len(self.video_ids)
        return zip(
            self.kinds or nothing,
            self.titles or nothing,
            self.posted_at or nothing,
            self.thumbnail_urls or nothing,
            map(self.attributes.get, self.video_ids) if self.attributes else nothing,
            strict=True,
        )


class TriedSource(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A source that a run asked in addition to the one that the run ended with.

    ``duration_ms`` is in milliseconds.
    """

    provider: str
    outcome: Outcome
    duration_ms: int


class ScrapeSucceeded(Event, frozen=True, kw_only=True):
    """A scrape ended with a result.

    ``duration_ms`` is in milliseconds. ``videos_observed`` counts the videos that the
    provider returned. ``missing_video_ids`` are the requested videos that are gone by
    the provider's word, named as in snapshots. ``listed`` says whether the list has all
    videos of the account, null if the scrape listed none, and ``listed_reason`` why it
    has not all. ``older`` are the older videos that it listed in turn, null if it
    listed none so. ``tried`` are the other sources that were asked, in their order;
    ``tried_details`` has a sentence on each, or null.
    """

    stored_name: ClassVar[str] = "scrape_succeeded"
    organization_id: UUID
    creator_id: UUID | None
    job_type: JobType
    provider: str
    attempts: int
    observed_at: datetime
    duration_ms: int
    # The stored names are the first ones, because the log is never changed.
    profile_observed: bool = msgspec.field(default=False, name="profile_seen")
    videos_observed: int = msgspec.field(default=0, name="videos_seen")
    pages: int = 0
    payload_sha256: str | None = None
    precision: Precision | None = None
    missing_video_ids: tuple[str, ...] = ()
    listed: Completeness | None = None
    listed_reason: Personal[str | None] = None
    older: OlderVideos | None = None
    tried: tuple[TriedSource, ...] = ()
    tried_details: Personal[tuple[str | None, ...]] = ()


class ScrapeFailed(Event, frozen=True, kw_only=True):
    """A scrape ended without a result.

    ``outcome`` is the verdict of the last attempt, null if the run was given up before
    it asked a provider. ``observed_at`` is set for imported runs only; for other runs
    the time of recording is that of the failure. ``tried`` and ``tried_details`` are as
    in ``ScrapeSucceeded``.
    """

    stored_name: ClassVar[str] = "scrape_failed"
    organization_id: UUID
    creator_id: UUID | None
    job_type: JobType
    provider: str
    attempts: int
    error: Personal[str]
    outcome: Outcome | None = None
    observed_at: datetime | None = None
    tried: tuple[TriedSource, ...] = ()
    tried_details: Personal[tuple[str | None, ...]] = ()


ScrapeEvent = (
    ScrapeRequested
    | ProfileSnapshotRecorded
    | VideoStatsSnapshotRecorded
    | ScrapeSucceeded
    | ScrapeFailed
)


class SourceFailing(Event, frozen=True, kw_only=True):
    """Most of the newest scrapes of a source fail, and the source is at fault.

    ``outcome`` is the most frequent failure.
    """

    stored_name: ClassVar[str] = "source_failing"
    organization_id: UUID
    provider: str
    outcome: Outcome
    since: datetime


class SourceRecovered(Event, frozen=True, kw_only=True):
    """A source that failed since ``since`` answers more often than it fails."""

    stored_name: ClassVar[str] = "source_recovered"
    organization_id: UUID
    provider: str
    since: datetime


SourceEvent = SourceFailing | SourceRecovered


class ImportFinished(Event, frozen=True, kw_only=True):
    """An import of a recording ended.

    It ``stored`` all of its observations that were not there already, or was refused as
    a whole, or was interrupted after some of them. ``left_out`` are observations of
    people who were erased, and ``bad_lines`` counts lines that are no observations.
    """

    stored_name: ClassVar[str] = "import_finished"
    organization_id: UUID
    project_id: UUID
    outcome: ImportOutcome
    observations: int = 0
    stored: int = 0
    there_already: int = 0
    left_out: int = 0
    bad_lines: int = 0
    runs: int = 0
    creators_added: int = 0
