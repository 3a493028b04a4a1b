"""Members and invitations: who belongs to an organization, and who may."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.email import checked_email, same_email
from domain.errors import LimitReachedError, NotFoundError
from domain.messages import MemberRole, changed_fields, copied, set_fields
from domain.organization import commands as c
from domain.organization import events as e
from domain.organization.errors import (
    AlreadyInOrganizationError,
    AlreadyInvitedError,
    AnotherAddressError,
    InvalidHandoverError,
    InvitationOverError,
    LastOwnerError,
    NoPasswordLinkError,
    OwnersOnlyError,
    RightsLostError,
    RoleSeesAllError,
)
from domain.organization.plans import Limits
from domain.organization.roles import limits_of, scopes_of

_RIGHTS = ("role", "project_ids", "money")
# The roles that can be narrowed to some projects.
_NARROWED: frozenset[MemberRole] = frozenset({"member", "viewer"})

MemberCommand = c.AddMember | c.ChangeMember | c.RemoveMember
InvitationCommand = (
    c.InvitePerson
    | c.SendInvitationAgain
    | c.AcceptInvitation
    | c.DeclineInvitation
    | c.WithdrawInvitation
)


class MemberState(msgspec.Struct, frozen=True, kw_only=True):
    """The rights of a person in the organization; the version counts their changes."""

    role: MemberRole
    project_ids: tuple[UUID, ...] | None
    money: bool
    version: int = 1


class InvitationState(msgspec.Struct, frozen=True, kw_only=True):
    """An open invitation, which may have expired: the address and its rights.

    ``invited_by`` is the person who answers for it.
    """

    email: str
    role: MemberRole
    project_ids: tuple[UUID, ...] | None
    money: bool
    expires_at: datetime
    invited_by: UUID | None = None


class WithMembers(Protocol):
    """The part of an organization that concerns its members."""

    @property
    def members(self) -> Mapping[UUID, MemberState]: ...
    @property
    def invitations(self) -> Mapping[UUID, InvitationState]: ...
    @property
    def projects(self) -> Mapping[UUID, object]: ...


def decide_members(
    organization: WithMembers, command: MemberCommand, *, limits: Limits
) -> list[e.OrganizationEvent]:
    """Return the events of a command to members; see ``decide`` of organizations."""
    if isinstance(command, c.AddMember):
        return _add_member(organization, command, limits)
    person_id = command.person_id
    member = organization.members.get(person_id)
    if member is None:
        raise NotFoundError("member")
    if isinstance(command, c.RemoveMember):
        event = e.MemberRemoved(person_id=person_id)
    else:
        changed = changed_fields(command, member, _RIGHTS)
        if not changed:
            return []
        event = e.MemberChanged(person_id=person_id, **changed)
    after = members_after(organization.members, event)
    touches_owner = "owner" in {member.role, *(m.role for m in _one(after, person_id))}
    leaves = isinstance(command, c.RemoveMember) and command.by == person_id
    # Everybody may leave, whatever they may do to others.
    rank = member.role if leaves else _rank(organization, command.by)
    if touches_owner and rank == "admin" and command.by != "key":
        raise OwnersOnlyError
    # Changes of others matter to no owner. An organization whose people all came from a
    # directory may have none.
    may_lack_owner = isinstance(command, c.RemoveMember) and command.even_last_owner
    if member.role == "owner" and not may_lack_owner and not has_owner(after):
        raise LastOwnerError
    if touches_owner and rank == "admin":
        raise OwnersOnlyError
    for one in _one(after, person_id):
        _check_projects(organization, one.role, one.project_ids)
    return [event, *_no_longer_given(organization, after, person_id)]


def _no_longer_given(
    organization: WithMembers, after: Mapping[UUID, MemberState], person_id: UUID
) -> list[e.InvitationWithdrawn]:
    """Return the end of open invitations that a person could not make any more."""
    role = after[person_id].role if person_id in after else None
    manages = role is not None and "admin" in scopes_of(role)
    return [
        e.InvitationWithdrawn(id=id_)
        for id_, invitation in organization.invitations.items()
        if invitation.invited_by == person_id
        and not (manages and (invitation.role != "owner" or role == "owner"))
    ]


def decide_invitations(
    organization: WithMembers, command: InvitationCommand, *, limits: Limits
) -> list[e.OrganizationEvent]:
    """Return the events of a command to invitations; see ``decide``."""
    match command:
        case c.InvitePerson():
            return _invite(organization, command, limits)
        case c.SendInvitationAgain(id=id_, at=at, expires_at=expires_at):
            invitation = _open_to(organization, id_, command.by)
            if invitation.expires_at <= at:
                # It has no place any more, and takes one again.
                _check_room(organization, at, limits)
            return [
                e.InvitationSentAgain(
                    id=id_, expires_at=expires_at, invited_by=_person(command.by)
                )
            ]
        case c.WithdrawInvitation(id=id_, if_expired_at=at):
            invitation = _open_to(organization, id_, command.by)
            if at is not None and invitation.expires_at > at:
                # Somebody sent it again meanwhile.
                return []
            return [e.InvitationWithdrawn(id=id_)]
        case c.DeclineInvitation(id=id_, at=at):
            _valid(organization, id_, at)
            return [e.InvitationDeclined(id=id_)]
        case c.AcceptInvitation(id=id_, at=at, person_id=person_id):
            invitation = _valid(organization, id_, at)
            if same_email(invitation.email) != same_email(command.email):
                raise AnotherAddressError
            accepted = e.InvitationAccepted(id=id_, person_id=person_id)
            if person_id in organization.members:
                # Somebody added them in another way. Their present rights stay.
                return [accepted]
            member = copied(invitation, e.MemberAdded, person_id=person_id)
            return [accepted, member]


def members_after(
    members: Mapping[UUID, MemberState],
    event: e.MemberAdded | e.MemberChanged | e.MemberRemoved,
) -> dict[UUID, MemberState]:
    after = dict(members)
    match event:
        case e.MemberAdded(person_id=person_id):
            after[person_id] = copied(event, MemberState)
        case e.MemberChanged(person_id=person_id):
            changed = set_fields(event, _RIGHTS)
            version = after[person_id].version + 1
            after[person_id] = replace(after[person_id], version=version, **changed)
        case e.MemberRemoved(person_id=person_id):
            after.pop(person_id, None)
    return after


def invitations_after(
    invitations: Mapping[UUID, InvitationState], event: e.InvitationEvent
) -> dict[UUID, InvitationState]:
    after = dict(invitations)
    match event:
        case e.InvitationMade(id=id_):
            after[id_] = copied(event, InvitationState)
        case e.InvitationSentAgain(id=id_, expires_at=expires_at, invited_by=by):
            after[id_] = replace(after[id_], expires_at=expires_at, invited_by=by)
        case (
            e.InvitationAccepted(id=id_)
            | e.InvitationDeclined(id=id_)
            | e.InvitationWithdrawn(id=id_)
        ):
            after.pop(id_, None)
    return after


def decide_handover(
    organization: WithMembers, command: c.HandOverThings
) -> list[e.OrganizationEvent]:
    """Return the event of things that another member gets; see ``decide``."""
    if command.person_id not in organization.members:
        raise NotFoundError("member")
    to = organization.members.get(command.to_person_id)
    if to is None or command.to_person_id == command.person_id:
        raise InvalidHandoverError("must be another member", field="to")
    if limits_of(to.role, to.project_ids) is not None:
        raise InvalidHandoverError("must see all projects", field="to")
    if "write" not in scopes_of(to.role):
        raise InvalidHandoverError("must not be a viewer", field="to")
    return [copied(command, e.ThingsHandedOver)]


def has_owner(members: Mapping[UUID, MemberState]) -> bool:
    return any(member.role == "owner" for member in members.values())


def decide_password_link(
    organization: WithMembers, command: c.MakePasswordLink
) -> list[e.OrganizationEvent]:
    """Return the event of a link with which a member chooses another password."""
    member = organization.members.get(command.person_id)
    if member is None:
        raise NotFoundError("member")
    rank = _rank(organization, command.by)
    # The link signs its bearer in as that person.
    if member.role == "owner" and rank != "owner":
        raise OwnersOnlyError
    if command.is_of_others:
        raise NoPasswordLinkError
    return [e.PasswordLinkMade(person_id=command.person_id)]


class LinkMaker(msgspec.Struct, frozen=True, kw_only=True):
    """The one who made a link with which a member chooses another password.

    It is a person in their session, or a key, which has a ``person_id`` if it is a
    personal one.
    """

    organization_id: UUID
    person_id: UUID | None
    key_id: UUID | None

    @property
    def asker(self) -> c.Asker:
        return "key" if self.person_id is None else self.person_id


def invitations_to(organization: WithMembers, email: str) -> list[UUID]:
    """Return the open invitations to an address, expired ones as well."""
    sought = same_email(email)
    return [
        id_
        for id_, invitation in organization.invitations.items()
        if same_email(invitation.email) == sought
    ]


def _add_member(
    organization: WithMembers, command: c.AddMember, limits: Limits
) -> list[e.OrganizationEvent]:
    if command.person_id in organization.members:
        return []
    _check_projects(organization, command.role, command.project_ids)
    if command.at is not None:
        _check_room(organization, command.at, limits)
    return [copied(command, e.MemberAdded)]


def _invite(
    organization: WithMembers, command: c.InvitePerson, limits: Limits
) -> list[e.OrganizationEvent]:
    email = checked_email(command.email)
    if _rank(organization, command.by) != "owner" and command.role == "owner":
        raise OwnersOnlyError
    _check_projects(organization, command.role, command.project_ids)
    if command.person_id in organization.members:
        raise AlreadyInOrganizationError
    earlier = invitations_to(organization, email)
    if any(organization.invitations[id_].expires_at > command.at for id_ in earlier):
        raise AlreadyInvitedError
    _check_room(organization, command.at, limits)
    replaced = [e.InvitationWithdrawn(id=id_) for id_ in earlier]
    made = copied(
        command, e.InvitationMade, email=email, invited_by=_person(command.by)
    )
    return [*replaced, made]


def _open_to(
    organization: WithMembers, invitation_id: UUID, by: c.Asker
) -> InvitationState:
    """Return an open invitation that ``by`` may change."""
    invitation = organization.invitations.get(invitation_id)
    if invitation is None:
        raise NotFoundError("invitation")
    if _rank(organization, by) != "owner" and invitation.role == "owner":
        raise OwnersOnlyError
    return invitation


def _valid(
    organization: WithMembers, invitation_id: UUID, at: datetime
) -> InvitationState:
    invitation = organization.invitations.get(invitation_id)
    if invitation is None or invitation.expires_at <= at:
        raise InvitationOverError
    return invitation


def _rank(organization: WithMembers, by: c.Asker) -> MemberRole:
    """Return the present role of the one who asks; it may have changed just now.

    An admin can make keys, so a key may no more than they, except that it gives an
    organization without an owner one.
    """
    if by == "operator":
        return "owner"
    if by == "key":
        return "admin" if has_owner(organization.members) else "owner"
    member = organization.members.get(by)
    if member is None:
        raise RightsLostError(())
    if "admin" not in scopes_of(member.role):
        raise RightsLostError(scopes_of(member.role))
    return member.role


def _person(by: c.Asker) -> UUID | None:
    return by if isinstance(by, UUID) else None


def _check_room(organization: WithMembers, at: datetime, limits: Limits) -> None:
    """Refuse one more member or invitation than the plan allows."""
    maximum = limits.max_members_per_org
    valid = sum(each.expires_at > at for each in organization.invitations.values())
    current = len(organization.members) + valid
    if maximum is not None and current >= maximum:
        raise LimitReachedError("max_members_per_org", current=current, maximum=maximum)


def _one(members: Mapping[UUID, MemberState], person_id: UUID) -> list[MemberState]:
    return [members[person_id]] if person_id in members else []


def _check_projects(
    organization: WithMembers,
    role: MemberRole,
    project_ids: Sequence[UUID] | None,
) -> None:
    if project_ids is None:
        return
    if role not in _NARROWED:
        raise RoleSeesAllError(role)
    if not set(project_ids) <= organization.projects.keys():
        raise NotFoundError("project")
