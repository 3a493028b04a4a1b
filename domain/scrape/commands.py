"""The commands to a scrape: request a run, and record what came of it."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.messages import Command, JobType, Outcome, Precision, Trigger


class RequestScrape(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    creator_id: UUID | None
    handle: str
    job_type: JobType
    trigger: Trigger
    tiktok_video_ids: tuple[str, ...] = ()


class ProfileSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A profile as one provider showed it; what it left out is None."""

    precision: Precision | None = None
    user_id: str | None = None
    sec_uid: str | None = None
    display_name: str | None = None
    avatar_url: str | None = None
    follower_count: int | None = None
    following_count: int | None = None
    total_likes_count: int | None = None
    video_count: int | None = None


class VideoSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One video as one provider showed it; what it left out is None."""

    tiktok_video_id: str
    kind: str | None = None
    title: str | None = None
    posted_at: datetime | None = None
    view_count: int | None = None
    like_count: int | None = None
    comment_count: int | None = None
    share_count: int | None = None
    save_count: int | None = None


class VideoColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Videos as one provider showed them, one tuple a field, all in the same order.

    The same as so many ``VideoSnapshot``, for whoever has many. ``kinds``, ``titles``
    and ``posted_at`` may be empty if they are None of every video.
    """

    video_ids: tuple[str, ...] = ()
    view_counts: tuple[int | None, ...] = ()
    like_counts: tuple[int | None, ...] = ()
    comment_counts: tuple[int | None, ...] = ()
    share_counts: tuple[int | None, ...] = ()
    save_counts: tuple[int | None, ...] = ()
    kinds: tuple[str | None, ...] = ()
    titles: tuple[str | None, ...] = ()
    posted_at: tuple[datetime | None, ...] = ()


class RecordResult(Command, frozen=True, kw_only=True):
    """A run came back with what it observed.

    Of each video, kind, title and time of posting are None where they are known.
    """

    provider: str
    observed_at: datetime
    attempts: int
    duration_ms: int
    profile: ProfileSnapshot | None = None
    videos: tuple[VideoSnapshot, ...] | VideoColumns = ()
    pages: int = 0
    payload_sha256: str | None = None
    missing_video_ids: tuple[str, ...] = ()


class RecordFailure(Command, frozen=True, kw_only=True):
    """A run was given up; ``outcome`` is None if no provider was asked.

    ``observed_at`` is for what a recording says of the past.
    """

    provider: str
    attempts: int
    error: str
    outcome: Outcome | None = None
    observed_at: datetime | None = None


ScrapeCommand = RequestScrape | RecordResult | RecordFailure
