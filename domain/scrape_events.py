"""The facts of a scrape: what was asked, what was seen, and how it ended."""

from datetime import datetime
from uuid import UUID

from domain.facts import Fact, JobType, Outcome, Precision, Trigger


class ScrapeRequested(Fact, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    creator_id: UUID
    handle: str
    job_type: JobType
    trigger: Trigger


class ProfileSnapshotRecorded(Fact, frozen=True, kw_only=True):
    """What a provider said of a profile at ``observed_at``; what it left out is null.

    Counters are signed 64-bit and kept as they were seen. ``precision`` says whether
    the source rounds large numbers.
    """

    organization_id: UUID
    creator_id: UUID
    observed_at: datetime
    provider: str
    precision: Precision | None = None
    user_id: str | None = None
    sec_uid: str | None = None
    display_name: str | None = None
    avatar_url: str | None = None
    follower_count: int | None = None
    following_count: int | None = None
    total_likes_count: int | None = None
    video_count: int | None = None


class VideoStatsSnapshotRecorded(Fact, frozen=True, kw_only=True):
    """The counters of up to 500 videos at ``observed_at``, as parallel arrays.

    ``kinds``, ``titles`` and ``posted_at`` are filled by the runs that read a whole
    list (discover_videos), and empty where only counters were read.
    """

    organization_id: UUID
    creator_id: UUID
    observed_at: datetime
    provider: str
    video_ids: tuple[str, ...]
    view_counts: tuple[int | None, ...]
    like_counts: tuple[int | None, ...]
    comment_counts: tuple[int | None, ...]
    share_counts: tuple[int | None, ...]
    save_counts: tuple[int | None, ...]
    kinds: tuple[str | None, ...] = ()
    titles: tuple[str | None, ...] = ()
    posted_at: tuple[datetime | None, ...] = ()


class ScrapeSucceeded(Fact, frozen=True, kw_only=True):
    """The run ended well; duration in milliseconds, counts of what it saw."""

    organization_id: UUID
    creator_id: UUID
    job_type: JobType
    provider: str
    attempts: int
    observed_at: datetime
    duration_ms: int
    profile_seen: bool = False
    videos_seen: int = 0
    pages: int = 0
    payload_sha256: str | None = None


class ScrapeFailed(Fact, frozen=True, kw_only=True):
    """The run ended without a result.

    ``outcome`` is the last attempt's verdict, null where the run was given up before
    any provider was asked.
    """

    organization_id: UUID
    creator_id: UUID
    job_type: JobType
    provider: str
    attempts: int
    error: str
    outcome: Outcome | None = None


ScrapeEvent = (
    ScrapeRequested
    | ProfileSnapshotRecorded
    | VideoStatsSnapshotRecorded
    | ScrapeSucceeded
    | ScrapeFailed
)
