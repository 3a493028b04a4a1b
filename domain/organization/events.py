"""The events of an organization: one stream for its settings, its keys and projects."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.messages import Event, Scope


class OrganizationCreated(Event, frozen=True, kw_only=True):
    name: str
    plan: str
    time_zone: str


class OrganizationSettingsChanged(Event, frozen=True, kw_only=True):
    """What is unset did not change; hours between scheduled runs, null for the default.

    The plan's floors are not applied here: they hold when a run is scheduled.
    """

    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    creator_profiles_hours: int | UnsetType | None = UNSET
    discover_videos_hours: int | UnsetType | None = UNSET
    video_stats_hours: int | UnsetType | None = UNSET


class PlanChanged(Event, frozen=True, kw_only=True):
    old: str
    new: str


class ApiKeyCreated(Event, frozen=True, kw_only=True):
    """A key was issued; only the SHA-256 digest of its text (hex) is ever kept."""

    key_id: UUID
    name: str
    digest: str
    hint: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None = None


class ApiKeyRevoked(Event, frozen=True, kw_only=True):
    key_id: UUID


class ProjectCreated(Event, frozen=True, kw_only=True):
    project_id: UUID
    name: str
    description: str | None = None


class ProjectDetailsChanged(Event, frozen=True, kw_only=True):
    """What is unset did not change."""

    project_id: UUID
    name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET


OrganizationEvent = (
    OrganizationCreated
    | OrganizationSettingsChanged
    | PlanChanged
    | ApiKeyCreated
    | ApiKeyRevoked
    | ProjectCreated
    | ProjectDetailsChanged
)
