"""The handlers of commands to people, and of those that add them to organizations."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial, reduce
from uuid import UUID

from msgspec import UNSET, UnsetType

from domain.decisions import (
    Decision,
    Handler,
    StreamEvent,
    check_version,
    decide_all,
    on,
)
from domain.email import same_email
from domain.errors import NotFoundError
from domain.messages import Event, MemberRole
from domain.organization.commands import (
    AddMember,
    ChangeMember,
    MakePasswordLink,
    OrganizationCommand,
    RemoveMember,
    WithdrawInvitation,
)
from domain.organization.decider import (
    OrganizationState,
    could_make_link,
    organization_of,
    revoked_with_member,
)
from domain.organization.decider import decide as decide_organization
from domain.organization.decider import evolve as evolve_organization
from domain.organization.errors import LastOwnerError
from domain.organization.events import (
    MemberAdded,
    MemberChanged,
    MemberRemoved,
    OrganizationEvent,
)
from domain.organization.members import (
    LinkMaker,
    MemberState,
    has_owner,
    invitations_to,
    members_after,
)
from domain.organization.plans import Limits
from domain.organization.roles import is_lower, may_operate
from domain.person import commands as c
from domain.person import events as e
from domain.person.decider import PersonState, decide, evolve, person_of
from domain.person.errors import EmailTakenError, HasOwnerError, PasswordLinkOverError

_CONNECTED = c.ChangeSignInMethod(method="oidc", change="added")


def register_person(person_id: UUID, command: c.RegisterPerson) -> Handler[None]:
    yield ()
    return Decision(None, events=on(person_id, decide(None, command)))


def register_first_owner(
    person_id: UUID, *commands: c.PersonCommand, organization_id: UUID
) -> Handler[UUID]:
    """Decide the first commands to a person who becomes the first owner.

    Raises:
        NotFoundError: there is no such organization.
        HasOwnerError: the organization has an owner, who may invite others.
    """
    histories = yield (organization_id,)
    organization = organization_of(histories[organization_id])
    if organization is None:
        raise NotFoundError("organization")
    if has_owner(organization.members):
        raise HasOwnerError
    owner = AddMember(person_id=person_id, role="owner", money=True)
    events = decide_all(None, commands, decide=decide, evolve=evolve)
    return Decision(
        person_id,
        events=[
            *on(person_id, events),
            *on(organization_id, decide_organization(organization, owner)),
        ],
    )


def register_from_directory(
    person_id: UUID,
    command: c.RegisterPerson,
    *,
    organization_id: UUID,
    role: MemberRole,
    has_confirmed: bool,
    at: datetime,
    plans: Mapping[str, Limits],
) -> Handler[None]:
    """Decide that a person whom a directory knows gets an account, and a membership.

    ``has_confirmed`` tells whether the directory says that the address is theirs.

    Raises:
        NotFoundError: there is no such organization.
        LimitReachedError: the plan has no room for another member.
    """
    histories = yield (organization_id,)
    organization = organization_of(histories[organization_id])
    if organization is None:
        raise NotFoundError("organization")
    commands: list[c.PersonCommand] = [command, _CONNECTED]
    if has_confirmed:
        commands.append(c.ConfirmEmail(email=command.email))
    events = decide_all(None, commands, decide=decide, evolve=evolve)
    member = _member_from_directory(person_id, role, at)
    joined = _joined(organization, member, command.email, plans)
    return Decision(None, events=[*on(person_id, events), *on(organization_id, joined)])


def follow_directory(
    person_id: UUID,
    *,
    organization_id: UUID,
    role: MemberRole,
    joins_by: str | None = None,
    at: datetime,
    plans: Mapping[str, Limits],
) -> Handler[bool]:
    """Decide that a person has the role that a directory says; tell if they belong.

    A person whom somebody removed from the organization stays out. The last owner stays
    an owner. Somebody who is here already joins their account by an address that the
    directory confirmed, ``joins_by``, and can sign in by the directory from now on.

    Raises:
        EmailTakenError: the person has not confirmed the address that they join by, or
            has another one.
        NotFoundError: there is no such organization.
        LimitReachedError: the plan has no room for another member.
    """
    histories = yield (organization_id, person_id)
    organization = organization_of(histories[organization_id])
    person = person_of(histories[person_id])
    if organization is None:
        raise NotFoundError("organization")
    if person is None or person.is_erased:
        return Decision(result=False)
    connected: list[e.PersonEvent] = []
    if joins_by is not None:
        if not person.email_confirmed or same_email(person.email) != same_email(
            joins_by
        ):
            raise EmailTakenError
        connected = decide(person, _CONNECTED)
    member = organization.members.get(person_id)
    if member is None:
        if _was_removed(person_id, histories[organization_id]):
            return Decision(result=False)
        command = _member_from_directory(person_id, role, at)
        events = _joined(organization, command, person.email, plans)
    else:
        narrower = _narrower_view(person_id, histories[organization_id])
        events = _with_role(organization, person_id, role, narrower)
    return Decision(
        result=True,
        events=[*on(person_id, connected), *on(organization_id, events)],
        guards=[] if connected else [person_id],
    )


def _member_from_directory(
    person_id: UUID, role: MemberRole, at: datetime
) -> AddMember:
    return AddMember(person_id=person_id, role=role, money=role == "owner", at=at)


def _joined(
    organization: OrganizationState,
    command: AddMember,
    email: str,
    plans: Mapping[str, Limits],
) -> list[OrganizationEvent]:
    """Return the events of a new member, whose open invitations end."""
    invited = invitations_to(organization, email)
    return decide_all(
        organization,
        [*(WithdrawInvitation(id=one) for one in invited), command],
        decide=partial(decide_organization, limits=plans[organization.plan]),
        evolve=evolve_organization,
    )


def _with_role(
    organization: OrganizationState,
    person_id: UUID,
    role: MemberRole,
    narrower: tuple[UUID, ...] | None,
) -> list[OrganizationEvent]:
    """Return the events of another role; the last owner keeps theirs.

    Owners and admins see all projects. Somebody who is neither any more has the
    ``narrower`` view of before again. A lower role takes the payments along.
    """
    present = organization.members[person_id].role
    project_ids: tuple[UUID, ...] | UnsetType | None = UNSET
    if may_operate(role):
        project_ids = None
    elif may_operate(present):
        project_ids = narrower
    command = ChangeMember(
        person_id=person_id,
        role=role,
        project_ids=project_ids,
        money=False if is_lower(role, than=present) else UNSET,
    )
    try:
        return decide_organization(organization, command)
    except LastOwnerError:
        return []


def _narrower_view(
    person_id: UUID, history: Sequence[Event]
) -> tuple[UUID, ...] | None:
    """Return the projects to which a person was limited last, None for all.

    The views of owners and admins do not count.
    """
    members: dict[UUID, MemberState] = {}
    narrower = None
    for event in history:
        if not isinstance(event, MemberAdded | MemberChanged | MemberRemoved):
            continue
        members = members_after(members, event)
        member = members.get(person_id)
        if member is not None and not may_operate(member.role):
            narrower = member.project_ids
    return narrower


def _was_removed(person_id: UUID, history: Sequence[Event]) -> bool:
    return any(
        isinstance(event, MemberRemoved) and event.person_id == person_id
        for event in history
    )


def change_person(
    person_id: UUID,
    *commands: c.PersonCommand,
    expected_versions: Collection[int] | None = None,
) -> Handler[PersonState]:
    """Decide commands to a person as one; the result is the person after them.

    Raises:
        NotFoundError: there is no such person, or they were erased.
        StaleVersionError: the person has none of the versions expected.
    """
    histories = yield (person_id,)
    person = person_of(histories[person_id])
    if person is None:
        raise NotFoundError("person")
    check_version(person.version, expected_versions)
    events = decide_all(person, commands, decide=decide, evolve=evolve)
    after = reduce(evolve, events, person)
    return Decision(after, events=on(person_id, events))


def change_by_link(
    person_id: UUID,
    *commands: c.PersonCommand,
    maker: LinkMaker | None,
    with_keys: Collection[UUID],
    at: datetime,
) -> Handler[None]:
    """Decide commands to a person who has a link that lets them in.

    A link that an admin or a key made is worth what its ``maker`` may do now. None is
    the operator, or the person who asked for a mail.

    A link that confirms the address for the first time ends every other way in, because
    somebody else may have registered with the address: passkeys, one-time codes,
    identities, and personal keys in the organizations ``with_keys``.

    Raises:
        PasswordLinkOverError: the maker could not make the link now.
        NotFoundError: there is no such person, or they were erased.
    """
    made_in = () if maker is None else (maker.organization_id,)
    histories = yield (person_id, *made_in, *with_keys)
    person = person_of(histories[person_id])
    if person is None:
        raise NotFoundError("person")
    if maker is not None:
        organization = organization_of(histories[maker.organization_id])
        if not could_make_link(organization, maker, person_id, at=at):
            raise PasswordLinkOverError
    decided: list[c.PersonCommand] = []
    revoked: list[StreamEvent] = []
    for command in commands:
        if isinstance(command, c.ConfirmEmail) and not person.email_confirmed:
            # The new way in is there by now, and codes would refuse the sign-in.
            decided += _every_other_way_in(person)
            for organization_id in with_keys:
                organization = organization_of(histories[organization_id])
                if organization is not None:
                    ended = revoked_with_member(organization, person_id)
                    revoked += on(organization_id, ended)
        decided.append(command)
    events = decide_all(person, decided, decide=decide, evolve=evolve)
    return Decision(None, events=[*on(person_id, events), *revoked], guards=made_in)


def hand_over_link(
    person_id: UUID, organization_ids: Collection[UUID]
) -> Handler[None]:
    """Decide that a person's organizations note a link that the operator makes."""
    histories = yield tuple(organization_ids)
    events: list[StreamEvent] = []
    made = MakePasswordLink(person_id=person_id, is_of_others=False, by="operator")
    for organization_id in organization_ids:
        organization = organization_of(histories[organization_id])
        if organization is not None and person_id in organization.members:
            events += on(organization_id, decide_organization(organization, made))
    return Decision(None, events=events)


def _every_other_way_in(person: PersonState) -> list[c.PersonCommand]:
    """Return the commands that leave a person their password and new passkeys."""
    methods: list[e.SignInMethod] = ["passkey"] * person.passkeys
    return [
        c.ChangeSignInMethod(method=method, change="removed")
        for method in (*methods, "codes", "recovery", "oidc")
    ]


def erase_person(
    person_id: UUID,
    organization_ids: Collection[UUID],
    *,
    invited: Collection[UUID] = (),
    even_last_owner: bool = False,
) -> Handler[None]:
    """Decide the erasure of a person, who leaves their organizations with it.

    Open invitations of these organizations to their address end as well, and those in
    ``invited``, which are to former ones.
    ``even_last_owner`` leaves organizations without an owner.

    Raises:
        NotFoundError: there is no such person, or they were erased already.
        LastOwnerError: the person is the last owner of an organization.
    """
    histories = yield (person_id, *organization_ids)
    person = person_of(histories[person_id])
    events = on(person_id, decide(person, c.ErasePerson()))
    for organization_id in organization_ids:
        organization = organization_of(histories[organization_id])
        if organization is None or person is None:
            continue
        to_them = {*invitations_to(organization, person.email), *invited}
        commands: list[OrganizationCommand] = [
            WithdrawInvitation(id=invitation_id)
            for invitation_id in organization.invitations
            if invitation_id in to_them
        ]
        if person_id in organization.members:
            leave = RemoveMember(person_id=person_id, even_last_owner=even_last_owner)
            commands.append(leave)
        # Together, because the person may have made the invitation to their address.
        ended = decide_all(
            organization,
            commands,
            decide=decide_organization,
            evolve=evolve_organization,
        )
        events += on(organization_id, ended)
    return Decision(None, events=events)
