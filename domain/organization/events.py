"""The events of an organization: one stream for its settings, its keys and projects."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from domain.messages import Event, Scope


class OrganizationCreated(Event, frozen=True, kw_only=True):
    """A tenant, with its plan and time zone."""

    stored_name: ClassVar[str] = "organization_created"
    name: str
    plan: str
    time_zone: str


class OrganizationSettingsChanged(Event, frozen=True, kw_only=True):
    """Its name, time zone or hours between scheduled scrapes changed.

    What is unset did not change; hours between scheduled runs, null for the default.

    The plan's floors are not applied here: they hold when a run is scheduled.
    """

    stored_name: ClassVar[str] = "organization_settings_changed"
    name: str | msgspec.UnsetType = msgspec.UNSET
    time_zone: str | msgspec.UnsetType = msgspec.UNSET
    creator_profiles_hours: int | msgspec.UnsetType | None = msgspec.UNSET
    discover_videos_hours: int | msgspec.UnsetType | None = msgspec.UNSET
    video_stats_hours: int | msgspec.UnsetType | None = msgspec.UNSET


class PlanChanged(Event, frozen=True, kw_only=True):
    """Another plan from now on."""

    stored_name: ClassVar[str] = "plan_changed"
    old: str
    new: str


class ApiKeyCreated(Event, frozen=True, kw_only=True):
    """A key was issued.

    A key was issued; only the SHA-256 digest of its text (hex) is ever kept.
    """

    stored_name: ClassVar[str] = "api_key_created"
    key_id: UUID
    name: str
    digest: str
    hint: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None = None


class ApiKeyRevoked(Event, frozen=True, kw_only=True):
    """It opens nothing any more."""

    stored_name: ClassVar[str] = "api_key_revoked"
    key_id: UUID


class ProjectCreated(Event, frozen=True, kw_only=True):
    """A project began."""

    stored_name: ClassVar[str] = "project_created"
    project_id: UUID
    name: str
    description: str | None = None


class ProjectDetailsChanged(Event, frozen=True, kw_only=True):
    """Its name or description; what is unset did not change.

    What is unset did not change.
    """

    stored_name: ClassVar[str] = "project_details_changed"
    project_id: UUID
    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET


OrganizationEvent = (
    OrganizationCreated
    | OrganizationSettingsChanged
    | PlanChanged
    | ApiKeyCreated
    | ApiKeyRevoked
    | ProjectCreated
    | ProjectDetailsChanged
)
