"""The commands to an organization: its settings, its plan, its keys and projects."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.messages import Command, Scope
from domain.organization.plans import Limits


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


OrganizationCommand = (
    CreateOrganization
    | ChangeOrganizationSettings
    | ChangePlan
    | CreateApiKey
    | RevokeApiKey
    | CreateProject
    | ChangeProjectDetails
)
