"""The commands to a scrape: request a run, and record its result."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from domain.messages import Command, ImportOutcome, JobType, Outcome, Precision, Trigger
from domain.scrape.turns import OlderVideos
from domain.video.attributes import ATTRIBUTES, VideoAttributes, attributes_of


class RequestScrape(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    creator_id: UUID | None
    handle: str
    job_type: JobType
    trigger: Trigger
    tiktok_video_ids: tuple[str, ...] = ()
    video_id: UUID | None = None


class ProfileSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A profile as one provider returned it; a field that it left out is None."""

    precision: Precision | None = None
    user_id: str | None = None
    sec_uid: str | None = None
    display_name: str | None = None
    avatar_url: str | None = None
    follower_count: int | None = None
    following_count: int | None = None
    total_likes_count: int | None = None
    video_count: int | None = None


class VideoSnapshot(VideoAttributes, frozen=True, kw_only=True, gc=False):
    """One video as one provider returned it; a field that it left out is None."""

    tiktok_video_id: str
    kind: str | None = None
    title: str | None = None
    posted_at: datetime | None = None
    thumbnail_url: str | None = None
    view_count: int | None = None
    like_count: int | None = None
    comment_count: int | None = None
    share_count: int | None = None
    save_count: int | None = None

    @property
    def attributes(self) -> VideoAttributes | None:
        """The video's attributes; None if the provider left out all of them."""
        return attributes_of([getattr(self, name) for name in ATTRIBUTES])


class VideoColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Videos as one provider returned them: equally long tuples, one for a field.

    The columns hold the same as a list of ``VideoSnapshot``, but are faster for many
    videos. ``kinds``, ``titles``, ``posted_at``, ``thumbnail_urls`` and ``attributes``
    may be empty if they are None for every video.
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
    thumbnail_urls: tuple[str | None, ...] = ()
    attributes: tuple[VideoAttributes | None, ...] = ()


class NamedVideos(VideoColumns, frozen=True, kw_only=True):
    """Videos under the names of snapshots: ``video_ids`` are their pseudonyms.

    ``tiktok_video_ids`` has the ids on TikTok of videos that are not known yet, and may
    be empty if all are known. Without ``has_pseudonyms``, ``video_ids`` are the ids on
    TikTok.
    """

    has_pseudonyms: bool = False
    tiktok_video_ids: tuple[str | None, ...] = ()


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A source that was asked in addition to the one that the run ends with.

    ``detail`` is a sentence about its answer; ``duration_ms`` is in milliseconds.
    """

    provider: str
    outcome: Outcome
    detail: str | None
    duration_ms: int


class RecordResult(Command, frozen=True, kw_only=True):
    """Record that a run succeeded, with its observations.

    The details of a video (kind, title, time of posting, picture and attributes) are
    None if they are known already. ``missing_video_ids`` are pseudonyms.
    ``known_user_id`` is the creator's account if only the table of identities has it.
    ``profile_provider`` is set if the profile is from another provider than the rest.
    ``listed_reason`` says why the list of videos is not complete, and ``older`` which
    older videos it has.
    """

    provider: str
    observed_at: datetime
    attempts: int
    duration_ms: int
    profile: ProfileSnapshot | None = None
    videos: NamedVideos = NamedVideos()
    pages: int = 0
    payload_sha256: str | None = None
    missing_video_ids: tuple[str, ...] = ()
    known_user_id: str | None = None
    profile_provider: str | None = None
    listed_reason: str | None = None
    older: OlderVideos | None = None
    tried: tuple[Tried, ...] = ()


class RecordFailure(Command, frozen=True, kw_only=True):
    """Record that a run failed; ``outcome`` is None if no provider was asked.

    ``observed_at`` is set for failures that a recording reports.
    """

    provider: str
    attempts: int
    error: str
    outcome: Outcome | None = None
    observed_at: datetime | None = None
    tried: tuple[Tried, ...] = ()


ScrapeCommand = RequestScrape | RecordResult | RecordFailure


class ReportSource(Command, frozen=True, kw_only=True):
    """The newest answers of a source in the organization.

    ``newest`` are the outcomes of its newest runs, and ``retrying`` counts those of
    runs that wait for another attempt.
    """

    organization_id: UUID
    provider: str
    newest: tuple[Outcome | None, ...]
    retrying: Mapping[Outcome, int]
    now: datetime


class FinishImport(Command, frozen=True, kw_only=True):
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
