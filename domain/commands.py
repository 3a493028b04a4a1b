"""Orders: everything that can be asked of the domain, on one page.

A command carries whatever deciding needs (ids, the present time, the plan's limits),
because deciding itself reads no clock and draws no ids.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from domain.events import JobType, Outcome, Precision, Scope, TrackingMode, Trigger
from domain.organization.plans import Limits


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Something asked for; it may be refused."""


# organization


class CreateOrganization(Command, frozen=True, kw_only=True):
    name: str
    plan: str
    time_zone: str


class ChangeOrganizationSettings(Command, frozen=True, kw_only=True):
    """Change what is set; hours between scheduled runs, None for the default."""

    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    creator_profiles_hours: int | UnsetType | None = UNSET
    discover_videos_hours: int | UnsetType | None = UNSET
    video_stats_hours: int | UnsetType | None = UNSET


class ChangePlan(Command, frozen=True, kw_only=True):
    plan: str


class CreateApiKey(Command, frozen=True, kw_only=True):
    key_id: UUID
    name: str
    digest: str
    hint: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    limits: Limits


class RevokeApiKey(Command, frozen=True, kw_only=True):
    key_id: UUID


class CreateProject(Command, frozen=True, kw_only=True):
    project_id: UUID
    name: str
    description: str | None
    limits: Limits


class ChangeProjectDetails(Command, frozen=True, kw_only=True):
    project_id: UUID
    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


# creator


class AddCreator(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    tracking_mode: TrackingMode
    tracking_start_date: date | None
    tracking_end_date: date | None
    description: str | None
    readme: str | None
    metadata: dict[str, Any]


class RenameHandle(Command, frozen=True, kw_only=True):
    handle: str


class ChangeDetails(Command, frozen=True, kw_only=True):
    display_name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    readme: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class ChangeTracking(Command, frozen=True, kw_only=True):
    tracking_mode: TrackingMode | UnsetType = UNSET
    tracking_start_date: date | UnsetType | None = UNSET
    tracking_end_date: date | UnsetType | None = UNSET


class SoftDelete(Command, frozen=True, kw_only=True):
    """Stop tracking a creator; its history stays."""


class Reactivate(Command, frozen=True, kw_only=True):
    tracking_mode: TrackingMode
    tracking_start_date: date | None
    tracking_end_date: date | None


class AutoDisable(Command, frozen=True, kw_only=True):
    verdict: Outcome
    scrape_id: UUID


class Reenable(Command, frozen=True, kw_only=True):
    at: datetime


CreatorCommand = (
    AddCreator
    | RenameHandle
    | ChangeDetails
    | ChangeTracking
    | SoftDelete
    | Reactivate
    | AutoDisable
    | Reenable
)


# handle claim and platform handle


class ClaimHandle(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    creator_id: UUID


class ReleaseHandle(Command, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    creator_id: UUID


class BanHandle(Command, frozen=True, kw_only=True):
    handle: str
    reason: str | None


class UnbanHandle(Command, frozen=True, kw_only=True):
    handle: str


# scrape


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
    """A run came back with what it saw.

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
