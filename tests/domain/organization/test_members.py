"""Invitations and rights of members: who may change whom, and when there is room."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.errors import (
    DomainError,
    InvalidEmailError,
    LimitReachedError,
    NotFoundError,
)
from domain.organization.decider import (
    OrganizationState,
    could_make_link,
    decide,
    evolve,
)
from domain.organization.errors import (
    AlreadyInOrganizationError,
    AlreadyInvitedError,
    AnotherAddressError,
    InvitationOverError,
    LastOwnerError,
    NoPasswordLinkError,
    OwnersOnlyError,
    RightsLostError,
    RoleSeesAllError,
)
from domain.organization.handlers.members import (
    accept_invitation,
    add_member,
    register_invited,
)
from domain.organization.members import LinkMaker
from domain.organization.plans import Limits
from domain.person.handlers import erase_person
from tests.kit.builders import NOON, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on
from tests.kit.scenario import Scenario

ADA, BEN, CLEO, INVITED, OTHER = (UUID(int=number) for number in range(0xA1, 0xA6))
SOON, EARLIER = NOON + timedelta(days=7), NOON - timedelta(seconds=1)
CREATED = e.OrganizationCreated(name="Herd", plan="free", time_zone="UTC")
PROJECT_THERE = e.ProjectCreated(project_id=PROJECT, name="Spring")
OWNER = e.MemberAdded(person_id=ADA, role="owner", money=True)
ADMIN = e.MemberAdded(person_id=BEN, role="admin")
MADE = e.InvitationMade(
    id=INVITED, email="cleo@example.com", role="viewer", expires_at=SOON
)
TO_CLEO: dict[str, Any] = {"id": INVITED, "email": "cleo@example.com", "role": "viewer"}
ENDS = (
    e.InvitationAccepted(id=INVITED, person_id=CLEO),
    e.InvitationDeclined(id=INVITED),
    e.InvitationWithdrawn(id=INVITED),
)


@pytest.fixture
def organization() -> Scenario[
    OrganizationState | None, c.OrganizationCommand, e.OrganizationEvent
]:
    return Scenario(decide, evolve, nothing=None)


def invite(**changed: object) -> c.InvitePerson:
    fields: dict[str, Any] = {**TO_CLEO, "at": NOON, "expires_at": SOON, **changed}
    return c.InvitePerson(**fields)


def test_an_invitation_has_an_address_and_rights(organization: Scenario):
    rights = {"role": "member", "project_ids": (PROJECT,), "money": True}

    organization.given(CREATED, PROJECT_THERE).when(
        invite(email=" Cleo@example.com", **rights)
    ).then(
        e.InvitationMade(
            id=INVITED, email="Cleo@example.com", expires_at=SOON, **rights
        )
    )
    for wrong, error in (
        ({"email": "cleo"}, InvalidEmailError),
        ({"project_ids": (OTHER,)}, NotFoundError),
        ({"role": "admin", "project_ids": ()}, RoleSeesAllError),
    ):
        organization.given(CREATED, PROJECT_THERE).when(invite(**wrong)).then_refused(
            error
        )


def test_an_address_has_one_open_invitation(organization: Scenario):
    again = invite(id=OTHER, email="CLEO@example.com")
    made = e.InvitationMade(
        id=OTHER, email="CLEO@example.com", role="viewer", expires_at=SOON
    )
    expired = e.InvitationSentAgain(id=INVITED, expires_at=NOON)

    organization.given(CREATED, MADE).when(again).then_refused(AlreadyInvitedError)
    organization.given(CREATED, ADMIN, MADE).when(
        invite(id=OTHER, email="ben@example.com", person_id=BEN)
    ).then_refused(AlreadyInOrganizationError)
    for end in ENDS:
        organization.given(CREATED, MADE, end).when(again).then(made)
    organization.given(CREATED, MADE, expired).when(again).then(
        e.InvitationWithdrawn(id=INVITED), made
    )


def test_an_invitation_that_was_sent_again_is_not_withdrawn_as_an_old_one(
    organization: Scenario,
):
    again = e.InvitationSentAgain(id=INVITED, expires_at=SOON)
    old = c.WithdrawInvitation(id=INVITED, if_expired_at=NOON)
    expired = e.InvitationSentAgain(id=INVITED, expires_at=NOON)

    organization.given(CREATED, MADE, again).when(old).then_nothing()
    organization.given(CREATED, MADE, expired).when(old).then(
        e.InvitationWithdrawn(id=INVITED)
    )


def test_an_invitation_ends_with_the_rights_of_the_person_who_answers_for_it(
    organization: Scenario,
):
    of_ben = e.InvitationMade(
        id=INVITED,
        email="cleo@example.com",
        role="viewer",
        expires_at=SOON,
        invited_by=BEN,
    )
    second = e.MemberAdded(person_id=OTHER, role="owner")
    of_owner = e.InvitationMade(
        id=CLEO,
        email="eve@example.com",
        role="owner",
        expires_at=SOON,
        invited_by=OTHER,
    )
    given = (CREATED, OWNER, ADMIN, second, of_ben, of_owner)
    gone = e.InvitationWithdrawn(id=INVITED)
    by_ada = e.InvitationSentAgain(id=INVITED, expires_at=SOON, invited_by=ADA)

    removed = c.RemoveMember(person_id=BEN, by=ADA)
    organization.given(*given).when(removed).then(e.MemberRemoved(person_id=BEN), gone)
    demoted = c.ChangeMember(person_id=BEN, role="member", by=ADA)
    changed = e.MemberChanged(person_id=BEN, role="member")
    organization.given(*given).when(demoted).then(changed, gone)
    promoted = c.ChangeMember(person_id=BEN, role="owner", by=ADA)
    organization.given(*given).when(promoted).then(
        e.MemberChanged(person_id=BEN, role="owner")
    )
    # An admin could not invite an owner.
    lowered = c.ChangeMember(person_id=OTHER, role="admin", by=ADA)
    organization.given(*given).when(lowered).then(
        e.MemberChanged(person_id=OTHER, role="admin"), e.InvitationWithdrawn(id=CLEO)
    )
    # Somebody else sent it again, and answers for it.
    organization.given(*given, by_ada).when(removed).then(
        e.MemberRemoved(person_id=BEN)
    )
    again = c.SendInvitationAgain(id=INVITED, at=NOON, expires_at=SOON, by=ADA)
    organization.given(*given).when(again).then(by_ada)


def test_an_open_invitation_is_sent_again_or_withdrawn(organization: Scenario):
    send = c.SendInvitationAgain(id=INVITED, at=NOON, expires_at=SOON)
    withdraw = c.WithdrawInvitation(id=INVITED)
    expired = e.InvitationSentAgain(id=INVITED, expires_at=EARLIER)

    for given in ((CREATED, MADE), (CREATED, MADE, expired)):
        organization.given(*given).when(send).then(
            e.InvitationSentAgain(id=INVITED, expires_at=SOON)
        )
        organization.given(*given).when(withdraw).then(
            e.InvitationWithdrawn(id=INVITED)
        )
    for end in ENDS:
        for command in (send, withdraw):
            organization.given(CREATED, MADE, end).when(command).then_refused(
                NotFoundError
            )


def test_the_invited_address_accepts_or_declines_in_time(organization: Scenario):
    accept = c.AcceptInvitation(
        id=INVITED, person_id=CLEO, email="CLEO@example.com", at=NOON
    )
    decline = c.DeclineInvitation(id=INVITED, at=NOON)
    accepted = e.InvitationAccepted(id=INVITED, person_id=CLEO)
    expired = e.InvitationSentAgain(id=INVITED, expires_at=NOON)
    member = e.MemberAdded(person_id=CLEO, role="member")

    organization.given(CREATED, MADE).when(accept).then(
        accepted, e.MemberAdded(person_id=CLEO, role="viewer")
    )
    # Rights that somebody got in another way stay.
    organization.given(CREATED, MADE, member).when(accept).then(accepted)
    organization.given(CREATED, MADE).when(decline).then(
        e.InvitationDeclined(id=INVITED)
    )
    organization.given(CREATED, MADE).when(
        c.AcceptInvitation(id=INVITED, person_id=BEN, email="ben@example.com", at=NOON)
    ).then_refused(AnotherAddressError)
    for over in (expired, *ENDS):
        for command in (accept, decline):
            organization.given(CREATED, MADE, over).when(command).then_refused(
                InvitationOverError, code="gone"
            )


def test_members_and_valid_invitations_fill_the_plan():
    def refused(
        *given: e.OrganizationEvent, command: c.OrganizationCommand, most: int
    ) -> bool:
        state = None
        for event in (CREATED, *given):
            state = evolve(state, event)
        try:
            decide(state, command, limits=Limits(max_members_per_org=most))
        except LimitReachedError as error:
            found = (error.limit_key, error.current, error.maximum)
            return found == ("max_members_per_org", most, most)
        return False

    expired = e.InvitationSentAgain(id=INVITED, expires_at=EARLIER)
    other = invite(id=OTHER, email="dan@example.com")
    send = c.SendInvitationAgain(id=INVITED, at=NOON, expires_at=SOON)
    add = c.AddMember(person_id=BEN, role="member", at=NOON)

    for command in (other, add):
        assert refused(OWNER, MADE, command=command, most=2)
        assert not refused(OWNER, MADE, command=command, most=3)
        assert not refused(OWNER, MADE, expired, command=command, most=2)
        for end in ENDS:
            assert not refused(OWNER, MADE, end, command=command, most=2)
    assert not refused(OWNER, MADE, command=send, most=2)
    assert refused(OWNER, ADMIN, MADE, expired, command=send, most=2)


def test_only_owners_make_change_and_remove_owners(organization: Scenario):
    second = e.MemberAdded(person_id=CLEO, role="owner")
    of_an_owner = e.InvitationMade(
        id=OTHER, email="dan@example.com", role="owner", expires_at=SOON
    )
    acts: dict[str, Any] = {
        "make": (c.ChangeMember, {"person_id": BEN, "role": "owner"}),
        "change": (c.ChangeMember, {"person_id": CLEO, "role": "viewer"}),
        "money": (c.ChangeMember, {"person_id": CLEO, "money": True}),
        "remove": (c.RemoveMember, {"person_id": CLEO}),
        "invite": (
            c.InvitePerson,
            {**TO_CLEO, "role": "owner", "at": NOON, "expires_at": SOON},
        ),
        "resend": (
            c.SendInvitationAgain,
            {"id": OTHER, "at": NOON, "expires_at": SOON},
        ),
        "withdraw": (c.WithdrawInvitation, {"id": OTHER}),
    }
    for kind, values in acts.values():
        given = organization.given(CREATED, OWNER, ADMIN, second, of_an_owner)
        for refused in (BEN, "key"):
            given.when(kind(**values, by=refused)).then_refused(
                OwnersOnlyError, code="owners_only"
            )
        for allowed in (ADA, "operator"):
            state = None
            for event in (CREATED, OWNER, ADMIN, second, of_an_owner):
                state = evolve(state, event)
            assert decide(state, kind(**values, by=allowed))


def test_a_link_to_choose_a_password_opens_no_account_of_others(
    organization: Scenario,
):
    link = partial(c.MakePasswordLink, is_of_others=False)
    given = organization.given(CREATED, OWNER, ADMIN)

    for by in (ADA, BEN, "key", "operator"):
        given.when(link(person_id=BEN, by=by)).then(e.PasswordLinkMade(person_id=BEN))
    for by in (BEN, "key"):
        given.when(link(person_id=ADA, by=by)).then_refused(
            OwnersOnlyError, code="owners_only"
        )
    given.when(link(person_id=ADA, by=ADA)).then(e.PasswordLinkMade(person_id=ADA))
    given.when(link(person_id=CLEO)).then_refused(NotFoundError)
    given.when(c.MakePasswordLink(person_id=BEN, is_of_others=True)).then_refused(
        NoPasswordLinkError, code="no_password_link"
    )
    organization.given(CREATED, OWNER, ADMIN, e.MemberRemoved(person_id=BEN)).when(
        link(person_id=ADA, by=BEN)
    ).then_refused(RightsLostError)


def test_a_link_is_worth_what_its_maker_may_do_now(subtests: pytest.Subtests):
    key, person_key = UUID(int=0xC1), UUID(int=0xC2)
    made: dict[str, Any] = {"name": "Key", "hint": "tga_1", "digest": "0"}
    admin_key = e.ApiKeyCreated(
        **made, key_id=key, scopes=("read", "admin"), expires_at=SOON
    )
    of_ben = e.ApiKeyCreated(
        **made, key_id=person_key, scopes=("admin",), person_id=BEN
    )
    reads = e.ApiKeyCreated(**made, key_id=key, scopes=("read",))
    cleo = e.MemberAdded(person_id=CLEO, role="member")

    def is_valid(
        *events: e.OrganizationEvent,
        by: UUID | None = None,
        key_id: UUID | None = None,
        at: datetime = NOON,
    ) -> bool:
        state = None
        for event in (CREATED, OWNER, ADMIN, cleo, *events):
            state = evolve(state, event)
        maker = LinkMaker(organization_id=ORGANIZATION, person_id=by, key_id=key_id)
        return could_make_link(state, maker, CLEO, at=at)

    by_key: dict[str, Any] = {"key_id": key}
    by_personal_key: dict[str, Any] = {"by": BEN, "key_id": person_key}
    promoted = e.MemberChanged(person_id=CLEO, role="owner")
    assert is_valid(admin_key, **by_key)
    assert is_valid(of_ben, **by_personal_key)
    assert is_valid(by=BEN)
    assert is_valid(promoted, by=ADA)
    over = {
        "no such key": is_valid(**by_key),
        "revoked": is_valid(admin_key, e.ApiKeyRevoked(key_id=key), **by_key),
        "expired": is_valid(admin_key, **by_key, at=SOON),
        "no admin": is_valid(reads, **by_key),
        "their key": is_valid(
            of_ben, e.MemberChanged(person_id=BEN, role="viewer"), **by_personal_key
        ),
        "removed": is_valid(e.MemberRemoved(person_id=BEN), by=BEN),
        "an owner now": is_valid(promoted, by=BEN),
        "an owner of a key": is_valid(admin_key, promoted, **by_key),
        "gone": is_valid(e.MemberRemoved(person_id=CLEO), by=ADA),
    }
    for name, valid in over.items():
        with subtests.test(name):
            assert not valid


def test_a_key_gives_an_organization_without_an_owner_one(organization: Scenario):
    organization.given(CREATED, ADMIN).when(
        c.ChangeMember(person_id=BEN, role="owner", by="key")
    ).then(e.MemberChanged(person_id=BEN, role="owner"))
    organization.given(CREATED).when(invite(role="owner", by="key")).then(
        e.InvitationMade(
            id=INVITED, email="cleo@example.com", role="owner", expires_at=SOON
        )
    )
    # Members come and go where there was no owner before.
    organization.given(CREATED, ADMIN).when(
        c.RemoveMember(person_id=BEN, by="key")
    ).then(e.MemberRemoved(person_id=BEN))


def test_an_admin_is_told_of_owners_and_a_key_of_the_last_one(organization: Scenario):
    for command in (
        partial(c.ChangeMember, person_id=ADA, role="admin"),
        partial(c.RemoveMember, person_id=ADA),
    ):
        cases: tuple[tuple[c.Asker, type[DomainError]], ...] = (
            (ADA, LastOwnerError),
            ("key", LastOwnerError),
            (BEN, OwnersOnlyError),
        )
        for by, error in cases:
            changed = command(by=by)
            organization.given(CREATED, OWNER, ADMIN).when(changed).then_refused(error)


def test_rights_that_were_lost_meanwhile_change_nothing(organization: Scenario):
    commands = (
        c.ChangeMember(person_id=ADA, money=False, by=BEN),
        c.RemoveMember(person_id=ADA, by=BEN),
        invite(id=OTHER, email="dan@example.com", by=BEN),
        c.SendInvitationAgain(id=INVITED, at=NOON, expires_at=SOON, by=BEN),
        c.WithdrawInvitation(id=INVITED, by=BEN),
    )
    for command in commands:
        for lost in (
            e.MemberRemoved(person_id=BEN),
            e.MemberChanged(person_id=BEN, role="member"),
        ):
            organization.given(CREATED, OWNER, ADMIN, MADE, lost).when(
                command
            ).then_refused(RightsLostError, code="insufficient_scope")


# Handlers


CLEO_THERE = e.PersonRegistered(name="Cleo", email="Cleo@Example.com")


def test_a_person_accepts_with_their_present_address():
    moved = e.EmailChanged(email="new@example.com")
    accept = accept_invitation(ORGANIZATION, INVITED, CLEO, at=NOON)

    decision = decide_on({ORGANIZATION: [CREATED, MADE], CLEO: [CLEO_THERE]}, accept)
    assert decision.result == ORGANIZATION
    assert decision.guards == [CLEO]
    assert [stream for stream, _ in decision.events] == [ORGANIZATION] * 2
    for given, error in (
        (
            {ORGANIZATION: [CREATED, MADE], CLEO: [CLEO_THERE, moved]},
            AnotherAddressError,
        ),
        ({ORGANIZATION: [CREATED, MADE]}, NotFoundError),
        ({CLEO: [CLEO_THERE]}, InvitationOverError),
        (
            {ORGANIZATION: [CREATED, MADE], CLEO: [CLEO_THERE, e.PersonErased()]},
            NotFoundError,
        ),
    ):
        with pytest.raises(DomainError) as refused:
            decide_on(given, accept_invitation(ORGANIZATION, INVITED, CLEO, at=NOON))
        assert type(refused.value) is error


def test_somebody_new_registers_and_accepts_as_one():
    register = c.RegisterPerson(name="Cleo", email="cleo@example.com")

    decision = decide_on(
        {ORGANIZATION: [CREATED, MADE]},
        register_invited(ORGANIZATION, INVITED, CLEO, register, at=NOON),
    )

    assert decision.events == [
        (CLEO, e.PersonRegistered(name="Cleo", email="cleo@example.com")),
        (ORGANIZATION, e.InvitationAccepted(id=INVITED, person_id=CLEO)),
        (ORGANIZATION, e.MemberAdded(person_id=CLEO, role="viewer")),
    ]
    with pytest.raises(InvitationOverError):
        decide_on({}, register_invited(ORGANIZATION, INVITED, CLEO, register, at=NOON))


def test_an_added_person_needs_no_invitation_any_more():
    command = c.AddMember(person_id=CLEO, role="member", at=NOON)
    given = {ORGANIZATION: [CREATED, OWNER, MADE], CLEO: [CLEO_THERE]}
    plans = {"free": Limits(max_members_per_org=2)}

    decision = decide_on(given, add_member(ORGANIZATION, command, plans=plans))

    assert decision.events == [
        (ORGANIZATION, e.InvitationWithdrawn(id=INVITED)),
        (ORGANIZATION, e.MemberAdded(person_id=CLEO, role="member")),
    ]
    full = {"free": Limits(max_members_per_org=1)}
    with pytest.raises(LimitReachedError):
        decide_on(given, add_member(ORGANIZATION, command, plans=full))


def test_an_erased_person_is_invited_nowhere_any_more():
    decision = decide_on(
        {ORGANIZATION: [CREATED, MADE], CLEO: [CLEO_THERE]},
        erase_person(CLEO, [ORGANIZATION]),
    )

    assert decision.events == [
        (CLEO, e.PersonErased()),
        (ORGANIZATION, e.InvitationWithdrawn(id=INVITED)),
    ]


def test_everybody_may_leave_but_the_last_owner(organization: Scenario):
    limited = e.MemberAdded(person_id=CLEO, role="viewer", project_ids=(PROJECT,))
    second = e.MemberAdded(person_id=OTHER, role="owner")
    given = (CREATED, PROJECT_THERE, OWNER, ADMIN, limited)

    for person_id in (BEN, CLEO):
        leave = c.RemoveMember(person_id=person_id, by=person_id)
        organization.given(*given).when(leave).then(
            e.MemberRemoved(person_id=person_id)
        )
    leave = c.RemoveMember(person_id=ADA, by=ADA)
    organization.given(*given).when(leave).then_refused(LastOwnerError)
    organization.given(*given, second).when(leave).then(e.MemberRemoved(person_id=ADA))
    by_cleo = c.RemoveMember(person_id=BEN, by=CLEO)
    organization.given(*given).when(by_cleo).then_refused(RightsLostError)


def test_an_erasure_ends_an_invitation_to_its_own_maker_once():
    made = e.InvitationMade(
        id=INVITED,
        email="ben@example.com",
        role="viewer",
        expires_at=SOON,
        invited_by=BEN,
    )
    registered = e.PersonRegistered(name="Ben", email="ben@example.com")
    known = {ORGANIZATION: [CREATED, OWNER, ADMIN, made], BEN: [registered]}

    decision = decide_on(known, erase_person(BEN, [ORGANIZATION]))

    assert [event for stream, event in decision.events if stream == ORGANIZATION] == [
        e.InvitationWithdrawn(id=INVITED),
        e.MemberRemoved(person_id=BEN),
    ]
