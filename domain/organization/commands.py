"""The commands to an organization: settings, keys, projects, members, invitations."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from domain.messages import Command, MemberRole, Scope
from domain.organization.logo import Logo

# The one who wants a change of members: a person, by their id, a key of the
# organization, or somebody at the command line of the installation.
Asker = UUID | Literal["key", "operator"]


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
    requires_second_factor: bool | msgspec.UnsetType = msgspec.UNSET


class ChangePlan(Command, frozen=True, kw_only=True):
    plan: str


class SetOperator(Command, frozen=True, kw_only=True):
    """Let the organization's admin keys run the installation, or stop that."""

    is_operator: bool


class CreateApiKey(Command, frozen=True, kw_only=True):
    """Issue a key; ``person_id`` is its person, None for the organization."""

    key_id: UUID
    name: str
    digest: str
    hint: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    person_id: UUID | None = None


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
    color: str | msgspec.UnsetType | None = msgspec.UNSET


class ChangeProjectLogo(Command, frozen=True, kw_only=True):
    """Print another logo on the project's reports, or none."""

    project_id: UUID
    logo: Logo | None


class ArchiveProject(Command, frozen=True, kw_only=True):
    """Let a project rest until it is restored."""

    project_id: UUID


class RestoreProject(Command, frozen=True, kw_only=True):
    """Let an archived project go on."""

    project_id: UUID


class AddMember(Command, frozen=True, kw_only=True):
    """Add a person; no ``project_ids`` stands for all projects.

    The plan's limit holds at the time ``at``; without a time it does not hold.
    """

    person_id: UUID
    role: MemberRole
    project_ids: tuple[UUID, ...] | None = None
    money: bool = False
    at: datetime | None = None


class ChangeMember(Command, frozen=True, kw_only=True):
    """Change the fields that are set."""

    person_id: UUID
    role: MemberRole | msgspec.UnsetType = msgspec.UNSET
    project_ids: tuple[UUID, ...] | msgspec.UnsetType | None = msgspec.UNSET
    money: bool | msgspec.UnsetType = msgspec.UNSET
    by: Asker = "operator"


class RemoveMember(Command, frozen=True, kw_only=True):
    """Remove a person; ``even_last_owner`` leaves an organization without an owner."""

    person_id: UUID
    even_last_owner: bool = False
    by: Asker = "operator"


class SettleThings(Command, frozen=True, kw_only=True):
    """Choose what becomes of things of a person who is removed; all others stay.

    The member ``to`` gets the things in ``hand_over``. The things in ``end`` end, and
    the reports in ``take_out`` mail to the person no more.
    """

    to: UUID | None = None
    hand_over: tuple[UUID, ...] = ()
    end: tuple[UUID, ...] = ()
    take_out: tuple[UUID, ...] = ()

    @property
    def ids(self) -> tuple[UUID, ...]:
        return (*self.hand_over, *self.end, *self.take_out)


class HandOverThings(Command, frozen=True, kw_only=True):
    """Let the member ``to_person_id`` answer for things of a person."""

    person_id: UUID
    to_person_id: UUID
    share_ids: tuple[UUID, ...] = ()
    view_ids: tuple[UUID, ...] = ()
    rule_ids: tuple[UUID, ...] = ()
    report_ids: tuple[UUID, ...] = ()


class MakePasswordLink(Command, frozen=True, kw_only=True):
    """Let a member choose another password by a link.

    ``is_of_others`` tells that the account is not the organization's alone: the person
    belongs to another one as well, or a directory signs them in.
    """

    person_id: UUID
    is_of_others: bool
    by: Asker = "operator"


class InvitePerson(Command, frozen=True, kw_only=True):
    """Invite somebody by their address; ``person_id`` is the person who has it."""

    id: UUID
    email: str
    role: MemberRole
    project_ids: tuple[UUID, ...] | None = None
    money: bool = False
    at: datetime
    expires_at: datetime
    person_id: UUID | None = None
    by: Asker = "operator"


class SendInvitationAgain(Command, frozen=True, kw_only=True):
    """Give an open invitation a new link, which ends the old one."""

    id: UUID
    at: datetime
    expires_at: datetime
    by: Asker = "operator"


class AcceptInvitation(Command, frozen=True, kw_only=True):
    """Become a member; ``email`` is the person's present address."""

    id: UUID
    person_id: UUID
    email: str
    at: datetime


class DeclineInvitation(Command, frozen=True, kw_only=True):
    id: UUID
    at: datetime


class WithdrawInvitation(Command, frozen=True, kw_only=True):
    """Withdraw an open invitation, or only one that had expired at a time."""

    id: UUID
    by: Asker = "operator"
    if_expired_at: datetime | None = None


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
    | ArchiveProject
    | RestoreProject
    | AddMember
    | ChangeMember
    | RemoveMember
    | HandOverThings
    | MakePasswordLink
    | InvitePerson
    | SendInvitationAgain
    | AcceptInvitation
    | DeclineInvitation
    | WithdrawInvitation
)
