"""Organizations: the state of one, the events of commands, and their effects."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.decisions import check_name, check_time_zone, state_after
from domain.errors import (
    CorruptHistoryError,
    DomainError,
    LimitReachedError,
    NotFoundError,
)
from domain.messages import Event, Scope, changed_fields, copied, set_fields
from domain.organization import commands as c
from domain.organization import events as e
from domain.organization.color import check_color
from domain.organization.errors import LastProjectError, ProjectArchivedError
from domain.organization.logo import Logo
from domain.organization.members import (
    InvitationState,
    LinkMaker,
    MemberState,
    decide_handover,
    decide_invitations,
    decide_members,
    decide_password_link,
    invitations_after,
    members_after,
)
from domain.organization.plans import NO_LIMITS, Limits
from domain.texts import texts_after

HOURS = ("creator_profiles_hours", "discover_videos_hours", "video_stats_hours")
SETTINGS = (
    *("name", "time_zone", *HOURS),
    *("erase_removed_after_days", "requires_second_factor"),
)

PROJECT_TEXTS = ("name", "description", "client", "comment")
PROJECT_DETAILS = (*PROJECT_TEXTS, "color")


class ProjectState(msgspec.Struct, frozen=True, kw_only=True):
    """A group of creators for one programme; its version counts its own events."""

    name: str
    description: str | None
    client: str | None = None
    comment: str | None = None
    color: str | None = None
    logo: Logo | None = None
    is_archived: bool = False
    version: int = 1


class ApiKeyState(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its text; ``person_id`` is None for the organization's."""

    name: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    person_id: UUID | None = None
    revoked: bool = False


class OrganizationState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a tenant from its own stream.

    The fields in hours are the time between two scheduled runs of a kind, None for the
    default. Creators are erased ``erase_removed_after_days`` after their removal, None
    for never. ``is_operator`` is None until an event sets it; until then the oldest
    organization is an operator. The version counts the events about the organization
    itself, without those about projects, keys, members and invitations. ``holders`` are
    the people who answer for a link or rule that they got from another member.
    """

    name: str
    plan: str
    time_zone: str
    creator_profiles_hours: int | None = None
    discover_videos_hours: int | None = None
    video_stats_hours: int | None = None
    erase_removed_after_days: int | None = None
    requires_second_factor: bool = False
    is_operator: bool | None = None
    version: int = 1
    projects: dict[UUID, ProjectState] = {}
    keys: dict[UUID, ApiKeyState] = {}
    members: dict[UUID, MemberState] = {}
    invitations: dict[UUID, InvitationState] = {}
    holders: dict[UUID, UUID] = {}

    def is_of(self, thing_id: UUID, person_id: UUID, *, made: bool) -> bool:
        """Tell whether a person answers for a link or a rule, which they may have made.

        Its maker does until somebody else gets it.
        """
        holder = self.holders.get(thing_id)
        return made if holder is None else holder == person_id


def decide(
    organization: OrganizationState | None,
    command: c.OrganizationCommand,
    *,
    limits: Limits = NO_LIMITS,
) -> list[e.OrganizationEvent]:
    """Return the events that ``command`` causes; none if nothing would change.

    ``limits`` are those of the organization's plan.

    Raises:
        NotFoundError: there is no organization, project, key, member or invitation with
            this id.
        LimitReachedError: the plan has no room for another project, key or member;
            archived projects do not count.
        LastProjectError: no other project is left that is not archived.
        InvalidTimeZoneError: the time zone is not an IANA zone.
        BlankNameError: a name or a client is only blanks.
        InvalidFieldError: the name has control characters.
        InvalidColorError: a colour has another form than #RRGGBB.
        LastOwnerError: nobody would own the organization any more.
        OwnersOnlyError: an admin or a key wants to make, change or remove an owner.
        NoPasswordLinkError: the member's account is not the organization's alone.
        RightsLostError: the one who asks is no owner or admin any more.
        AlreadyInOrganizationError: a member has the address of the invitation.
        AlreadyInvitedError: an open invitation has the address.
        InvitationOverError: the invitation was used or withdrawn, or it expired.
        AnotherAddressError: the person does not have the invited address.
        RoleSeesAllError: an owner or admin was to see some projects only.
        InvalidHandoverError: the member can't answer for things of another one.
    """
    if isinstance(command, c.CreateOrganization):
        return _create(organization, command)
    if organization is None:
        raise NotFoundError("organization")
    match command:
        case c.ChangeOrganizationSettings():
            return _change_settings(organization, command)
        case c.ChangePlan(plan=plan):
            if plan == organization.plan:
                return []
            return [e.PlanChanged(old=organization.plan, new=plan)]
        case c.SetOperator(is_operator=is_operator):
            if is_operator == organization.is_operator:
                return []
            return [e.OperatorChanged(is_operator=is_operator)]
        case c.CreateApiKey():
            check_name(command.name)
            if command.person_id not in {None, *organization.members}:
                raise NotFoundError("member")
            _check_room_for_key(organization, command.person_id, limits)
            return [copied(command, e.ApiKeyCreated)]
        case c.RenameApiKey(key_id=key_id, name=name):
            check_name(name)
            if key_id not in organization.keys:
                raise NotFoundError("API key")
            if organization.keys[key_id].name == name:
                return []
            return [e.ApiKeyRenamed(key_id=key_id, name=name)]
        case c.RevokeApiKey(key_id=key_id):
            if key_id not in organization.keys:
                raise NotFoundError("API key")
            if organization.keys[key_id].revoked:
                return []
            return [e.ApiKeyRevoked(key_id=key_id)]
        case c.CreateProject():
            check_name(command.name)
            _check_room("max_projects_per_org", len(_unarchived(organization)), limits)
            return [copied(command, e.ProjectCreated)]
        case c.ChangeProjectDetails():
            return _change_project(organization, command)
        case c.ChangeProjectLogo(project_id=project_id, logo=logo):
            if _project(organization, project_id).logo == logo:
                return []
            return [e.ProjectLogoChanged(project_id=project_id, logo=logo)]
        case c.ArchiveProject(project_id=project_id):
            if _project(organization, project_id).is_archived:
                return []
            if len(_unarchived(organization)) == 1:
                raise LastProjectError
            return [e.ProjectArchived(project_id=project_id)]
        case c.RestoreProject(project_id=project_id):
            if not _project(organization, project_id).is_archived:
                return []
            _check_room("max_projects_per_org", len(_unarchived(organization)), limits)
            return [e.ProjectRestored(project_id=project_id)]
        case c.AddMember() | c.ChangeMember():
            return decide_members(organization, command, limits=limits)
        case c.RemoveMember(person_id=person_id):
            return [
                *decide_members(organization, command, limits=limits),
                *revoked_with_member(organization, person_id),
            ]
        case c.HandOverThings():
            return decide_handover(organization, command)
        case c.MakePasswordLink():
            return decide_password_link(organization, command)
        case (
            c.InvitePerson()
            | c.SendInvitationAgain()
            | c.AcceptInvitation()
            | c.DeclineInvitation()
            | c.WithdrawInvitation()
        ):
            return decide_invitations(organization, command, limits=limits)
        case _:
            assert_never(command)


def evolve(
    organization: OrganizationState | None, event: e.OrganizationEvent
) -> OrganizationState:
    """Return the organization after ``event``; it never refuses."""
    if isinstance(event, e.OrganizationCreated):
        return copied(event, OrganizationState)
    if organization is None:
        msg = "An organization's history must begin with organization_created."
        raise CorruptHistoryError(msg)
    match event:
        case e.OrganizationSettingsChanged():
            version = organization.version + 1
            return replace(organization, version=version, **set_fields(event, SETTINGS))
        case e.PlanChanged(new=plan):
            return replace(organization, plan=plan, version=organization.version + 1)
        case e.OperatorChanged(is_operator=is_operator):
            version = organization.version + 1
            return replace(organization, is_operator=is_operator, version=version)
        case e.ApiKeyCreated(key_id=key_id):
            key = copied(event, ApiKeyState)
            return replace(organization, keys={**organization.keys, key_id: key})
        case e.ApiKeyRenamed(key_id=key_id, name=name):
            key = replace(organization.keys[key_id], name=name)
            return replace(organization, keys={**organization.keys, key_id: key})
        case e.ApiKeyRevoked(key_id=key_id):
            key = replace(organization.keys[key_id], revoked=True)
            return replace(organization, keys={**organization.keys, key_id: key})
        case e.MemberAdded() | e.MemberChanged() | e.MemberRemoved():
            members = members_after(organization.members, event)
            return replace(organization, members=members)
        case e.ThingsHandedOver(to_person_id=to):
            handed = dict.fromkeys((*event.share_ids, *event.rule_ids), to)
            return replace(organization, holders={**organization.holders, **handed})
        case e.PasswordLinkMade():
            return organization
        case (
            e.InvitationMade()
            | e.InvitationSentAgain()
            | e.InvitationAccepted()
            | e.InvitationDeclined()
            | e.InvitationWithdrawn()
        ):
            invitations = invitations_after(organization.invitations, event)
            return replace(organization, invitations=invitations)
        case e.EarlierTextsForgotten():
            return _with_texts(organization, event)
        case e.ProjectCreated(project_id=project_id):
            project = copied(event, ProjectState)
        case e.ProjectDetailsChanged(project_id=project_id):
            project = organization.projects[project_id]
            changed = set_fields(event, PROJECT_DETAILS)
            project = replace(project, version=project.version + 1, **changed)
        case e.ProjectLogoChanged(project_id=project_id, logo=logo):
            project = organization.projects[project_id]
            project = replace(project, version=project.version + 1, logo=logo)
        case (
            e.ProjectArchived(project_id=project_id)
            | e.ProjectRestored(project_id=project_id)
        ):
            project = organization.projects[project_id]
            is_archived = isinstance(event, e.ProjectArchived)
            version = project.version + 1
            project = replace(project, is_archived=is_archived, version=version)
        case _:
            assert_never(event)
    projects = {**organization.projects, project_id: project}
    return replace(organization, projects=projects)


def organization_of(history: Sequence[Event]) -> OrganizationState | None:
    """Return the organization of this history, None if the history is not one's."""
    return state_after(history, e.OrganizationEvent, evolve)


def _unarchived(organization: OrganizationState) -> list[ProjectState]:
    projects = organization.projects.values()
    return [project for project in projects if not project.is_archived]


def check_not_archived(
    organization: OrganizationState | None, project_id: UUID
) -> None:
    """Check that new creators, videos and scrapes may come into a project.

    Raises:
        ProjectArchivedError: the project is archived.
    """
    project = organization and organization.projects.get(project_id)
    if project is not None and project.is_archived:
        raise ProjectArchivedError


def project_owner(history: Sequence[Event], project_id: UUID) -> OrganizationState:
    """Return the organization of this history, which must have the project.

    Raises:
        NotFoundError: the organization has no such project.
    """
    organization = organization_of(history)
    if organization is None or project_id not in organization.projects:
        raise NotFoundError("project")
    return organization


def owner_of_open_project(
    history: Sequence[Event], project_id: UUID
) -> OrganizationState:
    """Return the organization of a project into which something new may come.

    Raises:
        NotFoundError: the organization has no such project.
        ProjectArchivedError: the project is archived.
    """
    organization = project_owner(history, project_id)
    check_not_archived(organization, project_id)
    return organization


def _with_texts(
    organization: OrganizationState, event: e.EarlierTextsForgotten
) -> OrganizationState:
    of = event.of
    if event.kind == "organization":
        return replace(organization, **texts_after(event, ("name",)))
    if event.kind == "api_key":
        key = replace(organization.keys[of], **texts_after(event, ("name",)))
        return replace(organization, keys={**organization.keys, of: key})
    texts = texts_after(event, PROJECT_TEXTS)
    project = replace(organization.projects[of], **texts)
    return replace(organization, projects={**organization.projects, of: project})


def _create(
    organization: OrganizationState | None, command: c.CreateOrganization
) -> list[e.OrganizationEvent]:
    if organization is not None:
        return []
    check_name(command.name)
    check_time_zone(command.time_zone)
    return [copied(command, e.OrganizationCreated)]


def _change_settings(
    organization: OrganizationState, command: c.ChangeOrganizationSettings
) -> list[e.OrganizationEvent]:
    changed = changed_fields(command, organization, SETTINGS)
    if "name" in changed:
        check_name(changed["name"])
    if "time_zone" in changed:
        check_time_zone(changed["time_zone"])
    return [e.OrganizationSettingsChanged(**changed)] if changed else []


def _check_room(limit_key: str, current: int, limits: Limits) -> None:
    maximum: int | None = getattr(limits, limit_key)
    if maximum is not None and current >= maximum:
        raise LimitReachedError(limit_key, current=current, maximum=maximum)


def _check_room_for_key(
    organization: OrganizationState, person_id: UUID | None, limits: Limits
) -> None:
    """Refuse one more key than the plan allows.

    Personal keys take half of the plan's keys at most, and those of one person a
    quarter, so that nobody uses up what programs of the organization need.
    """
    living = [key for key in organization.keys.values() if not key.revoked]
    _check_room("max_api_keys_per_org", len(living), limits)
    maximum = limits.max_api_keys_per_org
    if maximum is None or person_id is None:
        return
    personal = [key.person_id for key in living if key.person_id is not None]
    for current, most, among in (
        (len(personal), maximum // 2, "of people"),
        (personal.count(person_id), -(-maximum // 4), "of one person"),
    ):
        if current >= most:
            raise LimitReachedError(
                "max_api_keys_per_org", current=current, maximum=most, among=among
            )


def _project(organization: OrganizationState, project_id: UUID) -> ProjectState:
    project = organization.projects.get(project_id)
    if project is None:
        raise NotFoundError("project")
    return project


def _change_project(
    organization: OrganizationState, command: c.ChangeProjectDetails
) -> list[e.OrganizationEvent]:
    project = _project(organization, command.project_id)
    changed = changed_fields(command, project, PROJECT_DETAILS)
    if not changed:
        return []
    if "name" in changed:
        check_name(changed["name"])
    if changed.get("client") is not None:
        check_name(changed["client"], field="client")
    check_color(changed.get("color"))
    return [e.ProjectDetailsChanged(project_id=command.project_id, **changed)]


def could_make_link(
    organization: OrganizationState | None,
    maker: LinkMaker,
    person_id: UUID,
    *,
    at: datetime,
) -> bool:
    """Tell whether the maker of a password link could make it now, for that person.

    Another organization that the person belongs to is not looked at.
    """
    if organization is None:
        return False
    if maker.key_id is not None:
        key = organization.keys.get(maker.key_id)
        if key is None or key.revoked or "admin" not in key.scopes:
            return False
        if key.expires_at is not None and key.expires_at <= at:
            return False
    command = c.MakePasswordLink(
        person_id=person_id, is_of_others=False, by=maker.asker
    )
    try:
        decide_password_link(organization, command)
    except DomainError:
        return False
    return True


def revoked_with_member(
    organization: OrganizationState, person_id: UUID
) -> list[e.OrganizationEvent]:
    """Return the end of all keys of a person who is removed.

    A key that only had nobody behind it would work again with a later membership.
    """
    return [
        e.ApiKeyRevoked(key_id=key_id)
        for key_id, key in organization.keys.items()
        if key.person_id == person_id and not key.revoked
    ]
