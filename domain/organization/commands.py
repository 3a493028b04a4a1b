"""The commands to an organization: its settings, plan, keys, projects and members."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.messages import Command, MemberRole, Scope
from domain.organization.logo import Logo


class CreateOrganization(Command, frozen=True, kw_only=True):
    name: str
    plan: str
    time_zone: str


class ChangeOrganizationSettings(Command, frozen=True, kw_only=True):
    """Change the fields that are set.

    For the hours between scrapes, None stands for the default; for the erasure of
    removed creators, None stands for never.
    """

    name: str | msgspec.UnsetType = msgspec.UNSET
    time_zone: str | msgspec.UnsetType = msgspec.UNSET
    creator_profiles_hours: int | msgspec.UnsetType | None = msgspec.UNSET
    discover_videos_hours: int | msgspec.UnsetType | None = msgspec.UNSET
    video_stats_hours: int | msgspec.UnsetType | None = msgspec.UNSET
    erase_removed_after_days: int | msgspec.UnsetType | None = msgspec.UNSET


class ChangePlan(Command, frozen=True, kw_only=True):
    plan: str


class SetOperator(Command, frozen=True, kw_only=True):
    """Let the organization's admin keys run the installation, or stop that."""

    is_operator: bool


class CreateApiKey(Command, frozen=True, kw_only=True):
    key_id: UUID
    name: str
    digest: str
    hint: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None


class RenameApiKey(Command, frozen=True, kw_only=True):
    key_id: UUID
    name: str


class RevokeApiKey(Command, frozen=True, kw_only=True):
    key_id: UUID


class CreateProject(Command, frozen=True, kw_only=True):
    project_id: UUID
    name: str
    description: str | None


class ChangeProjectDetails(Command, frozen=True, kw_only=True):
    project_id: UUID
    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    client: str | msgspec.UnsetType | None = msgspec.UNSET
    comment: str | msgspec.UnsetType | None = msgspec.UNSET


class ChangeProjectLogo(Command, frozen=True, kw_only=True):
    """Print another logo on the project's reports, or none."""

    project_id: UUID
    logo: Logo | None


class AddMember(Command, frozen=True, kw_only=True):
    """Add a person; no ``project_ids`` stands for all projects."""

    person_id: UUID
    role: MemberRole
    project_ids: tuple[UUID, ...] | None = None
    money: bool = False


class ChangeMember(Command, frozen=True, kw_only=True):
    """Change the fields that are set."""

    person_id: UUID
    role: MemberRole | msgspec.UnsetType = msgspec.UNSET
    project_ids: tuple[UUID, ...] | msgspec.UnsetType | None = msgspec.UNSET
    money: bool | msgspec.UnsetType = msgspec.UNSET


class RemoveMember(Command, frozen=True, kw_only=True):
    """Remove a person; ``even_last_owner`` leaves an organization without an owner."""

    person_id: UUID
    even_last_owner: bool = False


OrganizationCommand = (
    CreateOrganization
    | ChangeOrganizationSettings
    | ChangePlan
    | SetOperator
    | CreateApiKey
    | RenameApiKey
    | RevokeApiKey
    | CreateProject
    | ChangeProjectDetails
    | ChangeProjectLogo
    | AddMember
    | ChangeMember
    | RemoveMember
)
