"""Members and invitations in any order: a model without events says what happens."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec import Struct
from msgspec.structs import asdict, replace

from domain import commands as c
from domain import events as e
from domain.messages import MemberRole
from domain.organization.commands import Asker
from domain.organization.decider import OrganizationState, organization_of
from domain.organization.handlers.members import (
    accept_invitation,
    add_member,
    end_invitation,
    register_invited,
)
from domain.organization.handlers.organizations import change_organization
from domain.organization.plans import Limits
from domain.person.handlers import change_person, erase_person
from tests.kit.builders import NOON, ORGANIZATION, PROJECT
from tests.kit.deciding import Streams
from tests.kit.depth import part_of

PLANS = {
    "small": Limits(max_members_per_org=4),
    "large": Limits(max_members_per_org=6),
}
LIFETIME = timedelta(days=7)
# Few of everything, so that addresses and places are fought over.
NAMES = ("ada", "ben", "cleo", "dora", "erik", "fee", "gus", "hal", "ida")
EMAILS = [f"{name}@example.com" for name in NAMES]
ADA, BEN, CLEO, DORA = FIRST = [UUID(int=number) for number in range(0xA0, 0xA4)]
NUMBERS = st.integers(0, 11)
ADDRESSES = st.sampled_from([*EMAILS, "Ben@Example.com"])
UNKNOWN_PROJECT, NOBODY, NOTHING = UUID(int=0xB0), UUID(int=0xB1), UUID(int=0xB2)
ROLES: tuple[MemberRole, ...] = ("owner", "admin", "member", "viewer")
# Numbers are people; those who may do everything are more frequent.
ASKERS: st.SearchStrategy[int | str] = (
    st.sampled_from(("operator", "operator", "key")) | NUMBERS
)


class Rights(Struct, frozen=True):
    """The rights of a member, or of the one who accepts an invitation."""

    role: MemberRole
    project_ids: tuple[UUID, ...] | None
    money: bool


# Most of them are allowed.
RIGHTS = st.sampled_from(
    [
        *(Rights(role, None, money=True) for role in ROLES),
        *(Rights(role, (PROJECT,), money=False) for role in ("member", "viewer")),
        Rights("member", (), money=False),
        Rights("viewer", (UNKNOWN_PROJECT,), money=False),
        Rights("admin", (PROJECT,), money=True),
    ]
)
CHANGED = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(ROLES),
        "project_ids": st.sampled_from((None, None, (PROJECT,), (UNKNOWN_PROJECT,))),
        "money": st.booleans(),
    },
)


class Open(Struct, frozen=True):
    """An invitation that was not answered or withdrawn."""

    email: str
    rights: Rights
    expires_at: datetime
    by: UUID | None = None


class MemberMachine(RuleBasedStateMachine):
    """The model: who has which address and rights, and which invitations are open."""

    def __init__(self) -> None:
        super().__init__()
        self.members = {
            ADA: Rights("owner", None, money=True),
            BEN: Rights("admin", None, money=False),
            CLEO: Rights("viewer", (PROJECT,), money=False),
        }
        self.people = [*FIRST]
        self.emails = dict(zip(FIRST, EMAILS, strict=False))
        self.streams = Streams(
            {
                ORGANIZATION: [
                    e.OrganizationCreated(name="Herd", plan="small", time_zone="UTC"),
                    e.ProjectCreated(project_id=PROJECT, name="Spring"),
                    *(
                        e.MemberAdded(person_id=person, **asdict(rights))
                        for person, rights in self.members.items()
                    ),
                ],
                **{
                    person: [e.PersonRegistered(name="Somebody", email=email)]
                    for person, email in self.emails.items()
                },
            }
        )
        self.now = NOON
        self.plan = "small"
        self.open: dict[UUID, Open] = {}
        self.invitations: list[UUID] = []
        # More than the limit only where the plan became smaller.
        self.most = self.limit
        self.lost_last_owner = False

    # The model's answers

    @property
    def limit(self) -> int:
        return PLANS[self.plan].max_members_per_org or 0

    @property
    def taken(self) -> int:
        valid = [one for one in self.open.values() if one.expires_at > self.now]
        return len(self.members) + len(valid)

    @property
    def an_invited_address(self) -> str:
        return next((one.email for one in self.open.values()), EMAILS[0])

    def owners(self, members: dict[UUID, Rights]) -> set[UUID]:
        return {one for one, rights in members.items() if rights.role == "owner"}

    def person(self, number: int) -> UUID:
        """One of the people that there are or were, or somebody unknown."""
        known = [*self.people, NOBODY]
        return known[number % len(known)]

    def invitation(self, number: int) -> UUID:
        """An open invitation or the last one, which may be over, or an unknown one."""
        known = [*self.open, *self.invitations[-1:], NOTHING]
        return known[number % len(known)]

    def holder(self, email: str) -> UUID | None:
        holding = (
            one for one, has in self.emails.items() if has.lower() == email.lower()
        )
        return next(holding, None)

    def to_address(self, email: str) -> list[UUID]:
        return [
            id_ for id_, one in self.open.items() if one.email.lower() == email.lower()
        ]

    def asker(self, by: int | str) -> tuple[Asker, str | None]:
        """The one who asks, and their role: owner, admin or none."""
        if by == "operator":
            return "operator", "owner"
        if by == "key":
            return "key", "admin" if self.owners(self.members) else "owner"
        person = self.person(int(by))
        rights = self.members.get(person)
        is_one = rights is not None and rights.role in {"owner", "admin"}
        return person, rights.role if rights is not None and is_one else None

    @staticmethod
    def wrong_projects(rights: Rights) -> str | None:
        if rights.project_ids is None:
            return None
        if rights.role in {"owner", "admin"}:
            return "invalid_body"
        return "not_found" if UNKNOWN_PROJECT in rights.project_ids else None

    def ask(self, command: c.OrganizationCommand) -> str | None:
        return self.streams.run(change_organization(ORGANIZATION, command, plans=PLANS))

    # Rules

    @rule(days=st.sampled_from((1, 7, 7)))
    def pass_time(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(plan=st.sampled_from(tuple(PLANS)))
    def change_plan(self, plan: str) -> None:
        assert self.ask(c.ChangePlan(plan=plan)) is None
        self.plan = plan
        self.most = max(self.limit, self.taken)

    @rule(email=ADDRESSES)
    def register(self, email: str) -> None:
        """Somebody gets an account in another organization."""
        if self.holder(email) is not None:
            return
        person = UUID(int=0xC0 + len(self.people))
        self.streams.events[person] = [e.PersonRegistered(name="Ben", email=email)]
        self.people.append(person)
        self.emails[person] = email

    @rule(number=NUMBERS, email=st.none() | ADDRESSES)
    def move_to_another_address(self, number: int, email: str | None) -> None:
        """A person gets another address, often one that is invited."""
        person = self.person(number)
        email = email or self.an_invited_address
        if person not in self.emails or self.holder(email) not in {None, person}:
            return
        code = self.streams.run(change_person(person, c.ChangeEmail(email=email)))
        assert code is None
        self.emails[person] = email

    @rule(by=ASKERS, email=st.none() | ADDRESSES, rights=RIGHTS)
    def invite(self, by: int | str, email: str | None, rights: Rights) -> None:
        """Somebody invites an address, often one that is invited."""
        email = email or self.an_invited_address
        id_ = UUID(int=0x1000 + len(self.invitations))
        asker, rank = self.asker(by)
        person = self.holder(email)
        expires_at = self.now + LIFETIME
        earlier = self.to_address(email)

        code = self.ask(
            c.InvitePerson(
                id=id_,
                email=email,
                **asdict(rights),
                at=self.now,
                expires_at=expires_at,
                person_id=person,
                by=asker,
            )
        )

        if rank is None:
            assert code == "insufficient_scope"
        elif rights.role == "owner" and rank != "owner":
            assert code == "owners_only"
        elif wrong := self.wrong_projects(rights):
            assert code == wrong
        elif person in self.members:
            assert code == "already_member"
        elif any(self.open[one].expires_at > self.now for one in earlier):
            assert code == "already_invited"
        elif self.taken >= self.limit:
            assert code == "limit_reached"
        else:
            assert code is None
            self.end(*earlier)
            self.open[id_] = Open(email, rights, expires_at, person_in(asker))
            self.invitations.append(id_)

    @rule(expire=st.booleans())
    def fill_the_plan(self, expire: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        """So that places are fought over more often than chance would have it.

        All invitations may have expired first. Everybody who is no member is added as
        far as there is room.
        """
        viewer = Rights("viewer", None, money=False)
        if expire:
            self.now += LIFETIME
        for email in EMAILS:
            if not self.to_address(email):
                self.invite("operator", email, viewer)
        for number, person in enumerate(self.people):
            if person not in self.members:
                self.add(number, viewer)

    @rule(by=ASKERS)
    def send_all_again(self, by: int | str) -> None:
        for number in range(len(self.open)):
            self.send_again(by, number)

    @rule(by=ASKERS, number=NUMBERS)
    def send_again(self, by: int | str, number: int) -> None:
        id_ = self.invitation(number)
        asker, rank = self.asker(by)
        until = self.now + LIFETIME

        code = self.ask(
            c.SendInvitationAgain(id=id_, at=self.now, expires_at=until, by=asker)
        )

        if refused := self.closed_to(id_, rank):
            assert code == refused
            return
        one = self.open[id_]
        if one.expires_at <= self.now and self.taken >= self.limit:
            assert code == "limit_reached"
            return
        assert code is None
        self.open[id_] = Open(one.email, one.rights, until, person_in(asker))

    @rule(by=ASKERS, number=NUMBERS)
    def withdraw(self, by: int | str, number: int) -> None:
        id_ = self.invitation(number)
        asker, rank = self.asker(by)

        command = c.WithdrawInvitation(id=id_, by=asker)
        code = self.streams.run(end_invitation(ORGANIZATION, command))

        assert code == self.closed_to(id_, rank)
        if code is None:
            self.end(id_)

    @rule(number=NUMBERS)
    def decline(self, number: int) -> None:
        id_ = self.invitation(number)

        command = c.DeclineInvitation(id=id_, at=self.now)
        code = self.streams.run(end_invitation(ORGANIZATION, command))

        assert code == self.over(id_)
        if code is None:
            self.end(id_)

    @rule(number=NUMBERS, person_number=NUMBERS)
    def accept(self, number: int, person_number: int) -> None:
        self.answer(self.invitation(number), self.person(person_number))

    @rule(number=NUMBERS, moves=st.booleans())
    def accept_as_invited(
        self,
        number: int,
        moves: bool,  # noqa: FBT001 - drawn by Hypothesis
    ) -> None:
        """The invited person answers, after everybody who was erased has tried.

        It may be a member who just got the address.
        """
        if not self.open:
            return
        id_ = [*self.open][number % len(self.open)]
        for erased in set(self.people) - self.emails.keys():
            self.answer(id_, erased)
        email = self.open[id_].email
        if moves and self.members:
            member = [*self.members][number % len(self.members)]
            self.move_to_another_address(self.people.index(member), email)
        self.register(email.upper())
        invited = self.holder(email)
        assert invited is not None
        self.answer(id_, invited)

    def answer(self, id_: UUID, person: UUID) -> None:
        code = self.streams.run(
            accept_invitation(ORGANIZATION, id_, person, at=self.now)
        )

        if person not in self.emails:
            assert code == "not_found"
        elif over := self.over(id_):
            assert code == over
        elif id_ not in self.to_address(self.emails[person]):
            assert code == "another_address"
        else:
            assert code is None
            self.members.setdefault(person, self.open[id_].rights)
            self.end(id_)

    @rule(number=NUMBERS, email=st.none() | ADDRESSES)
    def register_with_an_invitation(self, number: int, email: str | None) -> None:
        """Somebody new registers, mostly with the invited address."""
        id_ = self.invitation(number)
        email = email or (self.open[id_].email if id_ in self.open else EMAILS[0])
        if self.holder(email) is not None:
            return
        person = UUID(int=0xC0 + len(self.people))

        code = self.streams.run(
            register_invited(
                ORGANIZATION,
                id_,
                person,
                c.RegisterPerson(name="Cleo", email=email),
                at=self.now,
            )
        )

        if over := self.over(id_):
            assert code == over
        elif id_ not in self.to_address(email):
            assert code == "another_address"
        else:
            assert code is None
            self.people.append(person)
            self.emails[person] = email
            self.members[person] = self.open[id_].rights
            self.end(id_)

    @rule(number=NUMBERS, rights=RIGHTS)
    def add(self, number: int, rights: Rights) -> None:
        person = self.person(number)

        command = c.AddMember(person_id=person, **asdict(rights), at=self.now)
        code = self.streams.run(add_member(ORGANIZATION, command, plans=PLANS))

        if person not in self.emails:
            assert code == "not_found"
            return
        invited = self.to_address(self.emails[person])
        freed = sum(self.open[one].expires_at > self.now for one in invited)
        if person in self.members:
            assert code is None
        elif wrong := self.wrong_projects(rights):
            assert code == wrong
            return
        elif self.taken - freed >= self.limit:
            assert code == "limit_reached"
            return
        assert code is None
        self.members.setdefault(person, rights)
        self.end(*invited)

    @rule(by=ASKERS, number=NUMBERS, changed=CHANGED)
    def change(self, by: int | str, number: int, changed: dict[str, Any]) -> None:
        person = self.person(number)
        asker, rank = self.asker(by)

        code = self.ask(c.ChangeMember(person_id=person, **changed, by=asker))

        before = self.members.get(person)
        if before is None:
            assert code == "not_found"
            return
        after = replace(before, **changed)
        if after == before:
            assert code is None
            return
        members = {**self.members, person: after}
        refused = self.no_change_to(members, person, asker, rank)
        assert code == (refused or self.wrong_projects(after))
        if code is None:
            self.members = members
            self.end_of_maker(person)

    @rule(by=ASKERS, number=NUMBERS)
    def remove(self, by: int | str, number: int) -> None:
        person = self.person(number)
        asker, rank = self.asker(by)

        code = self.ask(c.RemoveMember(person_id=person, by=asker))

        if person not in self.members:
            assert code == "not_found"
            return
        if asker == person:
            rank = self.members[person].role
        members = {one: its for one, its in self.members.items() if one != person}
        assert code == self.no_change_to(members, person, asker, rank)
        if code is None:
            self.members = members
            self.end_of_maker(person)

    @rule(number=NUMBERS)
    def leave(self, number: int) -> None:
        self.remove(number, number)

    @rule(number=NUMBERS, again=st.sampled_from((False, False, False, True)))
    def erase(self, number: int, again: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        person = self.person(number)

        code = self.streams.run(
            erase_person(person, [ORGANIZATION], even_last_owner=again)
        )

        if person not in self.emails:
            assert code == "not_found"
            return
        is_last = self.owners(self.members) == {person}
        if is_last and not again:
            assert code == "last_owner"
            return
        assert code is None
        self.lost_last_owner |= is_last
        self.members.pop(person, None)
        self.end(*self.to_address(self.emails.pop(person)))
        self.end_of_maker(person)

    @rule(changed=CHANGED)
    def erase_all_owners_again(self, changed: dict[str, Any]) -> None:
        """A key may do all then, until there is an owner again."""
        for number, person in enumerate(self.people):
            if person in self.owners(self.members):
                self.erase(number, again=True)
        for number, person in enumerate(self.people):
            if person in self.members:
                self.change("key", number, changed)

    # Parts of the model's answers

    def end(self, *ids: UUID) -> None:
        for id_ in ids:
            del self.open[id_]

    def end_of_maker(self, person: UUID) -> None:
        """End the invitations that a person could not make any more."""
        rights = self.members.get(person)
        role = None if rights is None else rights.role
        may = {"owner": {*ROLES}, "admin": {*ROLES} - {"owner"}}.get(role or "", set())
        self.end(
            *(
                id_
                for id_, one in [*self.open.items()]
                if one.by == person and one.rights.role not in may
            )
        )

    def over(self, id_: UUID) -> str | None:
        is_valid = id_ in self.open and self.open[id_].expires_at > self.now
        return None if is_valid else "gone"

    def closed_to(self, id_: UUID, rank: str | None) -> str | None:
        """Why somebody may not send an invitation again, or withdraw it."""
        if id_ not in self.open:
            return "not_found"
        if rank is None:
            return "insufficient_scope"
        is_owners = self.open[id_].rights.role == "owner" and rank != "owner"
        return "owners_only" if is_owners else None

    def no_change_to(
        self, members: dict[UUID, Rights], person: UUID, by: Asker, rank: str | None
    ) -> str | None:
        """Why somebody may not leave these members, with or without one of them."""
        owners = self.owners(self.members)
        if rank is None:
            return "insufficient_scope"
        touches_owner = person in owners | self.owners(members)
        is_last = owners == {person} and not self.owners(members)
        if touches_owner and rank != "owner":
            return "last_owner" if is_last and by == "key" else "owners_only"
        return "last_owner" if is_last else None

    # Invariants

    def organization(self) -> OrganizationState:
        organization = organization_of(self.streams.events[ORGANIZATION])
        assert organization is not None
        return organization

    @invariant()
    def members_and_open_invitations_are_those_of_the_model(self) -> None:
        organization = self.organization()
        found = {
            one: Rights(its.role, its.project_ids, its.money)
            for one, its in organization.members.items()
        }
        assert found == self.members
        invited = {
            id_: Open(
                its.email,
                Rights(its.role, its.project_ids, its.money),
                its.expires_at,
                its.invited_by,
            )
            for id_, its in organization.invitations.items()
        }
        assert invited == self.open

    @invariant()
    def there_is_an_owner(self) -> None:
        has_owner = bool(self.owners(self.members))
        assert has_owner or self.lost_last_owner
        if has_owner:
            self.lost_last_owner = False

    @invariant()
    def the_plan_has_room_for_everybody(self) -> None:
        self.most = max(self.limit, min(self.most, self.taken))
        assert self.taken <= self.most

    @invariant()
    def only_members_and_viewers_are_limited_to_projects(self) -> None:
        for one in [
            *self.organization().members.values(),
            *self.organization().invitations.values(),
        ]:
            assert one.project_ids is None or one.role in {"member", "viewer"}

    @invariant()
    def nobody_is_a_member_twice_and_no_invitation_ends_twice(self) -> None:
        history = self.streams.events[ORGANIZATION]
        present: Counter[UUID] = Counter()
        ended: set[UUID] = set()
        for event in history:
            match event:
                case e.MemberAdded(person_id=person):
                    present[person] += 1
                case e.MemberRemoved(person_id=person):
                    present[person] -= 1
                case e.InvitationSentAgain(id=id_):
                    assert id_ not in ended
                case (
                    e.InvitationAccepted(id=id_)
                    | e.InvitationDeclined(id=id_)
                    | e.InvitationWithdrawn(id=id_)
                ):
                    assert id_ not in ended
                    ended.add(id_)
                case _:
                    pass
            assert set(present.values()) <= {0, 1}
        assert not ended & self.organization().invitations.keys()


def person_in(asker: Asker) -> UUID | None:
    return asker if isinstance(asker, UUID) else None


TestMemberMachine = MemberMachine.TestCase
TestMemberMachine.settings = settings(
    max_examples=part_of(240), stateful_step_count=60, deadline=None
)
