"""The events of an organization: settings, keys, projects, members, invitations."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from domain.messages import Event, MemberRole, Personal, Scope
from domain.organization.logo import Logo
from domain.texts import EarlierTextsForgotten


class OrganizationCreated(Event, frozen=True, kw_only=True):
    """A tenant was created, with its plan and time zone."""

    stored_name: ClassVar[str] = "organization_created"
    name: Personal[str]
    plan: str
    time_zone: str


class OrganizationSettingsChanged(Event, frozen=True, kw_only=True):
    """The organization's name, time zone or hours between scheduled scrapes changed.

    Unset fields stay as they were. Null hours mean the default. The plan's lower limits
    apply when a scrape is scheduled, not here. Creators are erased
    ``erase_removed_after_days`` after their removal; null means never. With
    ``requires_second_factor`` its members sign in with one.
    """

    stored_name: ClassVar[str] = "organization_settings_changed"
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    time_zone: str | msgspec.UnsetType = msgspec.UNSET
    creator_profiles_hours: int | msgspec.UnsetType | None = msgspec.UNSET
    discover_videos_hours: int | msgspec.UnsetType | None = msgspec.UNSET
    video_stats_hours: int | msgspec.UnsetType | None = msgspec.UNSET
    erase_removed_after_days: int | msgspec.UnsetType | None = msgspec.UNSET
    requires_second_factor: bool | msgspec.UnsetType = msgspec.UNSET


class PlanChanged(Event, frozen=True, kw_only=True):
    """The organization has another plan from now on."""

    stored_name: ClassVar[str] = "plan_changed"
    old: str
    new: str


class OperatorChanged(Event, frozen=True, kw_only=True):
    """The organization's admin keys began or ceased to run the installation."""

    stored_name: ClassVar[str] = "operator_changed"
    is_operator: bool


class ApiKeyCreated(Event, frozen=True, kw_only=True):
    """An API key was issued.

    Only the SHA-256 digest of its text (hex) is ever stored. ``person_id`` is the
    person whose key it is; null means the organization.
    """

    stored_name: ClassVar[str] = "api_key_created"
    key_id: UUID
    name: Personal[str]
    digest: str
    hint: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None = None
    person_id: UUID | None = None


class ApiKeyRenamed(Event, frozen=True, kw_only=True):
    """The API key has another name."""

    stored_name: ClassVar[str] = "api_key_renamed"
    key_id: UUID
    name: Personal[str]


class ApiKeyRevoked(Event, frozen=True, kw_only=True):
    """The API key was revoked and is not accepted any more."""

    stored_name: ClassVar[str] = "api_key_revoked"
    key_id: UUID


class ProjectCreated(Event, frozen=True, kw_only=True):
    """A project was created."""

    stored_name: ClassVar[str] = "project_created"
    project_id: UUID
    name: Personal[str]
    description: Personal[str | None] = None


class ProjectDetailsChanged(Event, frozen=True, kw_only=True):
    """The project's name, its colour or a text about it changed; unset fields stay.

    ``client`` and ``comment`` are printed at the head of its reports, which are drawn
    in ``color`` (#RRGGBB); null is the colour of Goatherd.
    """

    stored_name: ClassVar[str] = "project_details_changed"
    project_id: UUID
    name: Personal[str | msgspec.UnsetType] = msgspec.UNSET
    description: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    client: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    comment: Personal[str | msgspec.UnsetType | None] = msgspec.UNSET
    color: str | msgspec.UnsetType | None = msgspec.UNSET


class ProjectLogoChanged(Event, frozen=True, kw_only=True):
    """The project's reports have another logo from now on; null means no logo.

    The picture itself is in the table ``project_logos``, and only the present one.
    """

    stored_name: ClassVar[str] = "project_logo_changed"
    project_id: UUID
    logo: Logo | None


class ProjectArchived(Event, frozen=True, kw_only=True):
    """The project rests: its creators are not scraped, and its history stays."""

    stored_name: ClassVar[str] = "project_archived"
    project_id: UUID


class ProjectRestored(Event, frozen=True, kw_only=True):
    """The project, which was archived, goes on."""

    stored_name: ClassVar[str] = "project_restored"
    project_id: UUID


class MemberAdded(Event, frozen=True, kw_only=True):
    """A person belongs to the organization from now on.

    ``project_ids`` are the projects that a member or viewer may see; null means all.
    ``money`` says that the person may see and change payments.
    """

    stored_name: ClassVar[str] = "member_added"
    person_id: UUID
    role: MemberRole
    project_ids: tuple[UUID, ...] | None = None
    money: bool = False


class MemberChanged(Event, frozen=True, kw_only=True):
    """The person has other rights; an unset field stays as it was."""

    stored_name: ClassVar[str] = "member_changed"
    person_id: UUID
    role: MemberRole | msgspec.UnsetType = msgspec.UNSET
    project_ids: tuple[UUID, ...] | msgspec.UnsetType | None = msgspec.UNSET
    money: bool | msgspec.UnsetType = msgspec.UNSET


class MemberRemoved(Event, frozen=True, kw_only=True):
    """The person no longer belongs to the organization."""

    stored_name: ClassVar[str] = "member_removed"
    person_id: UUID


class ThingsHandedOver(Event, frozen=True, kw_only=True):
    """Another member answers from now on for things of a person who is removed.

    ``share_ids`` and ``rule_ids`` are links and alert rules. The streams of the views
    and reports have an event of their own: the views have another owner, and the
    reports mail to the member.
    """

    stored_name: ClassVar[str] = "things_handed_over"
    person_id: UUID
    to_person_id: UUID
    share_ids: tuple[UUID, ...] = ()
    view_ids: tuple[UUID, ...] = ()
    rule_ids: tuple[UUID, ...] = ()
    report_ids: tuple[UUID, ...] = ()


class PasswordLinkMade(Event, frozen=True, kw_only=True):
    """Somebody got a link with which the member chooses another password, once."""

    stored_name: ClassVar[str] = "password_link_made"
    person_id: UUID


class InvitationMade(Event, frozen=True, kw_only=True):
    """Somebody was invited; they become a member with these rights if they accept.

    ``project_ids`` and ``money`` are as in ``member_added``. ``invited_by`` is the
    person who made it, null for a key of the organization and the command line. The key
    that seals the address is destroyed when the invitation ends.
    """

    stored_name: ClassVar[str] = "invitation_made"
    id: UUID
    email: Personal[str]
    role: MemberRole
    project_ids: tuple[UUID, ...] | None = None
    money: bool = False
    expires_at: datetime
    invited_by: UUID | None = None


class InvitationSentAgain(Event, frozen=True, kw_only=True):
    """The invitation has a new link and a new end; the old link no longer works.

    ``invited_by`` is the person who sent it again, and answers for it from then on. It
    is null as in ``invitation_made``.
    """

    stored_name: ClassVar[str] = "invitation_sent_again"
    id: UUID
    expires_at: datetime
    invited_by: UUID | None = None


class InvitationAccepted(Event, frozen=True, kw_only=True):
    """The invited person accepted."""

    stored_name: ClassVar[str] = "invitation_accepted"
    id: UUID
    person_id: UUID


class InvitationDeclined(Event, frozen=True, kw_only=True):
    """Somebody with the link declined."""

    stored_name: ClassVar[str] = "invitation_declined"
    id: UUID


class InvitationWithdrawn(Event, frozen=True, kw_only=True):
    """The invitation was withdrawn.

    Somebody did it, another one took the place of an expired one, or the person who
    answers for it could not make it any more.
    """

    stored_name: ClassVar[str] = "invitation_withdrawn"
    id: UUID


InvitationEvent = (
    InvitationMade
    | InvitationSentAgain
    | InvitationAccepted
    | InvitationDeclined
    | InvitationWithdrawn
)

OrganizationEvent = (
    OrganizationCreated
    | OrganizationSettingsChanged
    | PlanChanged
    | OperatorChanged
    | ApiKeyCreated
    | ApiKeyRenamed
    | ApiKeyRevoked
    | ProjectCreated
    | ProjectDetailsChanged
    | ProjectLogoChanged
    | ProjectArchived
    | ProjectRestored
    | MemberAdded
    | MemberChanged
    | MemberRemoved
    | ThingsHandedOver
    | PasswordLinkMade
    | InvitationMade
    | InvitationSentAgain
    | InvitationAccepted
    | InvitationDeclined
    | InvitationWithdrawn
    | EarlierTextsForgotten
)
