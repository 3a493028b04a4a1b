"""The handlers of commands to members and invitations, which concern people as well."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from domain import commands as c
from domain.decisions import Decision, Handler, decide_all, on
from domain.errors import NotFoundError
from domain.organization.decider import decide, evolve, organization_of
from domain.organization.errors import InvitationOverError
from domain.organization.members import invitations_to
from domain.organization.plans import NO_LIMITS, Limits
from domain.person.decider import decide as decide_person
from domain.person.decider import evolve as evolve_person
from domain.person.decider import person_of


def add_member(
    organization_id: UUID,
    command: c.AddMember,
    *,
    plans: Mapping[str, Limits] | None = None,
) -> Handler[None]:
    """Decide that a person belongs to an organization from now on.

    An open invitation to their address ends. Without ``plans`` no limit holds.

    Raises:
        NotFoundError: there is no such organization or person, or they were erased.
        LimitReachedError: the plan has no room for another member.
    """
    histories = yield (organization_id, command.person_id)
    organization = organization_of(histories[organization_id])
    person = person_of(histories[command.person_id])
    if organization is None:
        raise NotFoundError("organization")
    if person is None or person.is_erased:
        raise NotFoundError("person")
    invited = invitations_to(organization, person.email)
    events = decide_all(
        organization,
        [*(c.WithdrawInvitation(id=one) for one in invited), command],
        decide=partial(
            decide, limits=NO_LIMITS if plans is None else plans[organization.plan]
        ),
        evolve=evolve,
    )
    return Decision(
        None, events=on(organization_id, events), guards=[command.person_id]
    )


def accept_invitation(
    organization_id: UUID,
    invitation_id: UUID,
    person_id: UUID,
    *,
    by_mail: bool = False,
    at: datetime,
) -> Handler[UUID]:
    """Decide that a person accepts an invitation to their address.

    The result is the organization's id. A link that came ``by_mail`` confirms the
    address.

    Raises:
        NotFoundError: there is no such person, or they were erased.
        InvitationOverError: the invitation ended, or it expired.
        AnotherAddressError: the person has another address.
    """
    histories = yield (organization_id, person_id)
    organization = organization_of(histories[organization_id])
    person = person_of(histories[person_id])
    if organization is None:
        raise InvitationOverError
    if person is None or person.is_erased:
        raise NotFoundError("person")
    command = c.AcceptInvitation(
        id=invitation_id, person_id=person_id, email=person.email, at=at
    )
    events = on(organization_id, decide(organization, command))
    confirm = c.ConfirmEmail(email=person.email)
    confirmed = decide_person(person, confirm) if by_mail else []
    return Decision(
        organization_id,
        events=[*on(person_id, confirmed), *events],
        guards=[] if confirmed else [person_id],
    )


def end_invitation(
    organization_id: UUID, command: c.DeclineInvitation | c.WithdrawInvitation
) -> Handler[None]:
    """Decide that an invitation ends without a member.

    Raises:
        InvitationOverError: the invitation to decline ended, or it expired.
        NotFoundError: the invitation to withdraw ended.
    """
    histories = yield (organization_id,)
    organization = organization_of(histories[organization_id])
    return Decision(None, events=on(organization_id, decide(organization, command)))


def register_invited(
    organization_id: UUID,
    invitation_id: UUID,
    person_id: UUID,
    *commands: c.PersonCommand,
    at: datetime,
) -> Handler[None]:
    """Decide the first commands to a person, who accepts an invitation with them.

    Raises:
        InvitationOverError: the invitation ended, or it expired.
        AnotherAddressError: the person registers with another address.
    """
    histories = yield (organization_id,)
    organization = organization_of(histories[organization_id])
    events = decide_all(None, commands, decide=decide_person, evolve=evolve_person)
    person = person_of(events)
    if organization is None or person is None:
        raise InvitationOverError
    command = c.AcceptInvitation(
        id=invitation_id, person_id=person_id, email=person.email, at=at
    )
    joined = decide(organization, command)
    return Decision(None, events=[*on(person_id, events), *on(organization_id, joined)])
