"""Facts: everything that can have happened, each under its permanent stored name.

A fact carries what a reader years later needs and is never edited. New fields get
defaults, a changed meaning gets a new name, and a changed shape gets a new
``schema_version`` with an upcast in ``infra.mapper``. Whose fact it is, which version,
when and by whom is the envelope's business (``infra.store.Recorded``).
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.facts import (
    Fact,
    JobType,
    Outcome,
    Precision,
    Scope,
    TrackingMode,
    Trigger,
)
from domain.scrape_events import (
    ProfileSnapshotRecorded,
    ScrapeEvent,
    ScrapeFailed,
    ScrapeRequested,
    ScrapeSucceeded,
    VideoStatsSnapshotRecorded,
)

__all__ = [
    "STORED_NAMES",
    "ApiKeyCreated",
    "ApiKeyRevoked",
    "BanEvent",
    "ClaimEvent",
    "CreatorAdded",
    "CreatorAutoDisabled",
    "CreatorDetailsChanged",
    "CreatorEvent",
    "CreatorReactivated",
    "CreatorReenabled",
    "CreatorRemoved",
    "Event",
    "Fact",
    "HandleBanned",
    "HandleChanged",
    "HandleClaimed",
    "HandleReleased",
    "HandleUnbanned",
    "JobType",
    "OrganizationCreated",
    "OrganizationEvent",
    "Outcome",
    "PlanChanged",
    "Precision",
    "ProfileSnapshotRecorded",
    "ProjectCreated",
    "ProjectDetailsChanged",
    "Scope",
    "ScrapeEvent",
    "ScrapeFailed",
    "ScrapeRequested",
    "ScrapeSucceeded",
    "TrackingMode",
    "TrackingModeChanged",
    "TrackingWindowChanged",
    "Trigger",
    "VideoStatsSnapshotRecorded",
]

# organization: one stream for the organization, its keys and its projects


class OrganizationCreated(Fact, frozen=True, kw_only=True):
    name: str
    plan: str
    time_zone: str


class PlanChanged(Fact, frozen=True, kw_only=True):
    old: str
    new: str


class ApiKeyCreated(Fact, frozen=True, kw_only=True):
    """A key was issued; only the SHA-256 digest of its text (hex) is ever kept."""

    key_id: UUID
    name: str
    digest: str
    hint: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None = None


class ApiKeyRevoked(Fact, frozen=True, kw_only=True):
    key_id: UUID


class ProjectCreated(Fact, frozen=True, kw_only=True):
    project_id: UUID
    name: str
    description: str | None = None


class ProjectDetailsChanged(Fact, frozen=True, kw_only=True):
    """What is unset did not change."""

    project_id: UUID
    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


# creator: one stream a tracked creator


class CreatorAdded(Fact, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    tracking_mode: TrackingMode
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None
    description: str | None = None
    readme: str | None = None
    metadata: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it, and omits it


class HandleChanged(Fact, frozen=True, kw_only=True):
    organization_id: UUID
    old: str
    new: str


class CreatorDetailsChanged(Fact, frozen=True, kw_only=True):
    """What is unset did not change; a null display name follows the scraped one."""

    organization_id: UUID
    display_name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    readme: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class TrackingModeChanged(Fact, frozen=True, kw_only=True):
    organization_id: UUID
    old: TrackingMode
    new: TrackingMode


class TrackingWindowChanged(Fact, frozen=True, kw_only=True):
    """The whole new window, both ends inclusive; a null end is open."""

    organization_id: UUID
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None


class CreatorRemoved(Fact, frozen=True, kw_only=True):
    organization_id: UUID


class CreatorReactivated(Fact, frozen=True, kw_only=True):
    """A removed creator came back under its own id, with these tracking settings."""

    organization_id: UUID
    tracking_mode: TrackingMode
    tracking_start_date: date | None = None
    tracking_end_date: date | None = None


class CreatorAutoDisabled(Fact, frozen=True, kw_only=True):
    """Too many scrapes in a row found no public account; ``scrape_id`` was the last."""

    organization_id: UUID
    verdict: Outcome
    scrape_id: UUID


class CreatorReenabled(Fact, frozen=True, kw_only=True):
    """Somebody asked for another try; ``at`` starts the cooldown of the next one."""

    organization_id: UUID
    at: datetime


# handle: one stream a handle and project, saying which creator holds it


class HandleClaimed(Fact, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    creator_id: UUID


class HandleReleased(Fact, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    handle: str
    creator_id: UUID


# platform handle: one stream a handle, for the whole installation


class HandleBanned(Fact, frozen=True, kw_only=True):
    handle: str
    reason: str | None = None


class HandleUnbanned(Fact, frozen=True, kw_only=True):
    handle: str


OrganizationEvent = (
    OrganizationCreated
    | PlanChanged
    | ApiKeyCreated
    | ApiKeyRevoked
    | ProjectCreated
    | ProjectDetailsChanged
)
CreatorEvent = (
    CreatorAdded
    | HandleChanged
    | CreatorDetailsChanged
    | TrackingModeChanged
    | TrackingWindowChanged
    | CreatorRemoved
    | CreatorReactivated
    | CreatorAutoDisabled
    | CreatorReenabled
)
ClaimEvent = HandleClaimed | HandleReleased
BanEvent = HandleBanned | HandleUnbanned
Event = OrganizationEvent | CreatorEvent | ClaimEvent | BanEvent | ScrapeEvent

# The stored name is written out, not derived: renaming a class must not rename history.
STORED_NAMES: dict[str, type[Fact]] = {
    "organization_created": OrganizationCreated,
    "plan_changed": PlanChanged,
    "api_key_created": ApiKeyCreated,
    "api_key_revoked": ApiKeyRevoked,
    "project_created": ProjectCreated,
    "project_details_changed": ProjectDetailsChanged,
    "creator_added": CreatorAdded,
    "handle_changed": HandleChanged,
    "creator_details_changed": CreatorDetailsChanged,
    "tracking_mode_changed": TrackingModeChanged,
    "tracking_window_changed": TrackingWindowChanged,
    "creator_removed": CreatorRemoved,
    "creator_reactivated": CreatorReactivated,
    "creator_auto_disabled": CreatorAutoDisabled,
    "creator_reenabled": CreatorReenabled,
    "handle_claimed": HandleClaimed,
    "handle_released": HandleReleased,
    "handle_banned": HandleBanned,
    "handle_unbanned": HandleUnbanned,
    "scrape_requested": ScrapeRequested,
    "profile_snapshot_recorded": ProfileSnapshotRecorded,
    "video_stats_snapshot_recorded": VideoStatsSnapshotRecorded,
    "scrape_succeeded": ScrapeSucceeded,
    "scrape_failed": ScrapeFailed,
}
