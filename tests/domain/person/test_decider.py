"""People and their memberships: registered, changed, erased, and never no owner."""

from uuid import UUID

import pytest

from domain import commands as c
from domain import events as e
from domain.email import checked_email, same_email
from domain.errors import (
    BlankNameError,
    CorruptHistoryError,
    InvalidEmailError,
    InvalidTimeZoneError,
    NotFoundError,
)
from domain.organization import decider as organizations
from domain.organization.decider import OrganizationState, organization_of
from domain.organization.errors import LastOwnerError, RoleSeesAllError
from domain.organization.handlers.members import add_member
from domain.person.decider import PersonState, decide, evolve, person_of
from domain.person.errors import (
    HasOwnerError,
    LastSignInMethodError,
    SecondStepRequiredError,
    WeakPasswordError,
)
from domain.person.handlers import erase_person, register_first_owner
from domain.person.passwords import check_password, prepared
from tests.kit.builders import ORGANIZATION
from tests.kit.deciding import decide_on
from tests.kit.scenario import Scenario

ADA, BEN, PROJECT = UUID(int=1), UUID(int=2), UUID(int=3)
REGISTERED = e.PersonRegistered(name="Ada", email="ada@example.com")
CREATED = e.OrganizationCreated(name="Herd", plan="free", time_zone="UTC")
OWNER = e.MemberAdded(person_id=ADA, role="owner", money=True)


@pytest.fixture
def person() -> Scenario[PersonState | None, c.PersonCommand, e.PersonEvent]:
    return Scenario(decide, evolve, nothing=None)


@pytest.fixture
def organization() -> Scenario[
    OrganizationState | None, c.OrganizationCommand, e.OrganizationEvent
]:
    return Scenario(organizations.decide, organizations.evolve, nothing=None)


def test_a_person_is_registered_once_with_a_name_and_an_address(person: Scenario):
    command = c.RegisterPerson(name=" Ada ", email=" ada@example.com")

    person.given().when(command).then(REGISTERED)
    person.given(REGISTERED).when(command).then_nothing()


def test_wrong_names_and_addresses_are_refused(person: Scenario):
    for wrong, error, field in (
        ({"name": " "}, BlankNameError, "name"),
        ({"email": "ada"}, InvalidEmailError, "email"),
    ):
        fields = {"name": "Ada", "email": "ada@example.com", **wrong}
        person.given().when(c.RegisterPerson(**fields)).then_refused(error, field=field)


def test_a_change_has_only_what_is_different(person: Scenario):
    person.given(REGISTERED).when(
        c.ChangePerson(name="Ada Berg", time_zone="Europe/Vienna")
    ).then(
        e.PersonRenamed(name="Ada Berg"),
        e.PersonPreferencesChanged(time_zone="Europe/Vienna"),
    )
    person.given(REGISTERED).when(c.ChangePerson(name="Ada")).then_nothing()
    person.given(REGISTERED).when(c.ChangePerson(name=" ")).then_refused(BlankNameError)
    person.given(REGISTERED).when(c.ChangePerson(time_zone="Berlin")).then_refused(
        InvalidTimeZoneError
    )
    person.given(REGISTERED).when(c.ChangeEmail(email="a@b.de")).then(
        e.EmailChanged(email="a@b.de")
    )
    person.given(REGISTERED).when(c.ChangeEmail(email="ada@example.com")).then_nothing()


def test_an_address_is_confirmed_once_and_another_one_is_not(person: Scenario):
    confirmed, confirm = e.EmailConfirmed(), c.ConfirmEmail(email="ADA@example.com")
    moved = e.EmailChanged(email="a@b.de")

    person.given(REGISTERED).when(confirm).then(confirmed)
    person.given(REGISTERED, confirmed).when(confirm).then_nothing()
    person.given(REGISTERED, moved).when(confirm).then_nothing()
    person.given(REGISTERED, confirmed, moved).when(
        c.ConfirmEmail(email="a@b.de")
    ).then(confirmed)


def added(method: e.SignInMethod) -> e.SignInMethodChanged:
    return e.SignInMethodChanged(method=method, change="added")


def removed(method: e.SignInMethod) -> e.SignInMethodChanged:
    return e.SignInMethodChanged(method=method, change="removed")


def test_a_way_to_sign_in_is_added_each_time_and_removed_once(person: Scenario):
    remove = c.ChangeSignInMethod(method="codes", change="removed")
    before = REGISTERED, added("password")

    person.given(*before).when(remove).then_nothing()
    person.given(*before).when(
        c.ChangeSignInMethod(method="password", change="added")
    ).then(added("password"))
    person.given(*before, added("codes")).when(remove).then(removed("codes"))
    person.given(*before, added("codes"), removed("codes")).when(remove).then_nothing()


def test_each_of_several_passkeys_is_removed(person: Scenario):
    remove = c.ChangeSignInMethod(method="passkey", change="removed")
    two = REGISTERED, added("password"), added("passkey"), added("passkey")

    person.given(*two).when(remove).then(removed("passkey"))
    person.given(*two, removed("passkey")).when(remove).then(removed("passkey"))
    person.given(*two, *[removed("passkey")] * 2).when(remove).then_nothing()


def test_the_last_way_to_sign_in_stays(person: Scenario):
    remove = c.ChangeSignInMethod(method="passkey", change="removed")
    of_passkeys = REGISTERED, added("passkey"), added("codes"), added("recovery")

    person.given(*of_passkeys).when(remove).then_refused(
        LastSignInMethodError, code="last_sign_in_method"
    )
    person.given(*of_passkeys, added("passkey")).when(remove).then(removed("passkey"))
    person.given(*of_passkeys, added("password")).when(remove).then(removed("passkey"))
    person.given(*of_passkeys).when(
        c.ChangeSignInMethod(method="codes", change="removed")
    ).then(removed("codes"))


def test_a_password_alone_signs_nobody_in_who_has_codes(person: Scenario):
    with_codes = REGISTERED, added("password"), added("codes")

    ways: list[tuple[tuple[e.PersonEvent, ...], e.SignInMethod, bool]] = [
        ((REGISTERED, added("password")), "password", True),
        (with_codes, "password", False),
        (with_codes, "codes", True),
        (with_codes, "recovery", True),
        (with_codes, "passkey", True),
        ((*with_codes, removed("codes")), "password", True),
    ]
    for history, method, signs_in in ways:
        scenario = person.given(*history).when(c.SignInPerson(method=method))
        if signs_in:
            scenario.then(e.PersonSignedIn(method=method))
        else:
            scenario.then_refused(SecondStepRequiredError)


def test_nothing_is_stored_about_an_erased_person(person: Scenario):
    erased = e.PersonErased()

    person.given(REGISTERED).when(c.ErasePerson()).then(erased)
    for command in (
        c.ErasePerson(),
        c.ChangePerson(name="Ada"),
        c.ChangeEmail(email="a@b.de"),
        c.SignInPerson(method="password"),
    ):
        person.given(REGISTERED, erased).when(command).then_refused(NotFoundError)
    person.given().when(c.ErasePerson()).then_refused(NotFoundError)


def test_a_person_whose_history_does_not_begin_is_no_person():
    assert person_of([]) is None
    assert person_of([CREATED]) is None
    with pytest.raises(CorruptHistoryError):
        evolve(None, e.PersonErased())


def test_addresses_are_the_same_in_any_case_and_form():
    assert same_email(" Ada@Example.COM") == same_email("ada@example.com")
    assert same_email("zoe\u0308@a.b") == same_email("zo\u00eb@a.b")
    assert checked_email(" ada+goats@example.com ") == "ada+goats@example.com"
    for text in (
        "",
        "ada",
        "@a",
        "ada@",
        "a b@c",
        "a@b c",
        "a@b@c",
        "x" * 250 + "@a.b",
    ):
        with pytest.raises(InvalidEmailError):
            checked_email(text)


def test_a_password_is_long_rare_and_without_the_name_of_the_address():
    def refused(password: str, *, email: str = "ada@example.com") -> str:
        with pytest.raises(WeakPasswordError) as error:
            check_password(password, email=email, common={"qwertyqwerty"})
        return str(error.value)

    check_password("seven goats on a hill", email="ada@example.com", common=())
    check_password("a" * 12, email="a@example.com", common=())
    assert "at least 12" in refused("x" * 11)
    assert "at most 1,000" in refused("x" * 1_001)
    assert "most common" in refused("QwertyQwerty")
    assert "name in your email" in refused("my name is Ada L.")
    assert prepared("zoe\u0308") == "zo\u00eb"


def test_a_member_is_added_once_and_with_projects_of_the_organization(
    organization: Scenario,
):
    project = e.ProjectCreated(project_id=PROJECT, name="Spring")
    viewer = {"person_id": BEN, "role": "viewer", "project_ids": (PROJECT,)}

    organization.given(CREATED, project).when(c.AddMember(**viewer)).then(
        e.MemberAdded(**viewer)
    )
    organization.given(CREATED, OWNER).when(
        c.AddMember(person_id=ADA, role="viewer")
    ).then_nothing()
    organization.given(CREATED).when(c.AddMember(**viewer)).then_refused(NotFoundError)
    organization.given(CREATED, project).when(
        c.AddMember(**{**viewer, "role": "admin"})
    ).then_refused(RoleSeesAllError, field="project_ids")


def test_there_is_always_an_owner(organization: Scenario):
    step_down = c.ChangeMember(person_id=ADA, role="admin")
    leave = c.RemoveMember(person_id=ADA)
    second = e.MemberAdded(person_id=BEN, role="owner")
    admin = e.MemberAdded(person_id=BEN, role="admin")

    for command in (step_down, leave):
        organization.given(CREATED, OWNER).when(command).then_refused(LastOwnerError)
        organization.given(CREATED, OWNER, admin).when(command).then_refused(
            LastOwnerError, code="last_owner"
        )
    organization.given(CREATED, OWNER, second).when(step_down).then(
        e.MemberChanged(person_id=ADA, role="admin")
    )
    organization.given(CREATED, OWNER, second).when(leave).then(
        e.MemberRemoved(person_id=ADA)
    )
    organization.given(CREATED, OWNER, second, e.MemberRemoved(person_id=ADA)).when(
        c.RemoveMember(person_id=BEN)
    ).then_refused(LastOwnerError)


def test_rights_change_only_where_they_differ(organization: Scenario):
    viewer = e.MemberAdded(person_id=BEN, role="viewer", project_ids=())

    organization.given(CREATED, OWNER, viewer).when(
        c.ChangeMember(person_id=BEN, role="viewer", project_ids=(), money=True)
    ).then(e.MemberChanged(person_id=BEN, money=True))
    organization.given(CREATED, OWNER, viewer).when(
        c.ChangeMember(person_id=BEN, role="admin")
    ).then_refused(RoleSeesAllError)
    organization.given(CREATED, OWNER).when(
        c.ChangeMember(person_id=BEN, money=True)
    ).then_refused(NotFoundError)


def test_a_key_makes_the_first_owner_and_no_other():
    first = register_first_owner(
        ADA,
        c.RegisterPerson(name="Ada", email="ada@example.com"),
        organization_id=ORGANIZATION,
    )
    decision = decide_on({ORGANIZATION: [CREATED]}, first)

    assert decision.events == [(ADA, REGISTERED), (ORGANIZATION, OWNER)]
    second = register_first_owner(
        BEN,
        c.RegisterPerson(name="Ben", email="ben@example.com"),
        organization_id=ORGANIZATION,
    )
    with pytest.raises(HasOwnerError):
        decide_on({ORGANIZATION: [CREATED, OWNER]}, second)


def test_a_key_makes_another_owner_where_the_last_one_was_erased():
    history = [
        *(CREATED, OWNER, e.MemberAdded(person_id=BEN, role="viewer")),
        e.MemberRemoved(person_id=ADA),
    ]
    other = register_first_owner(
        UUID(int=3),
        c.RegisterPerson(name="Cara", email="cara@example.com"),
        organization_id=ORGANIZATION,
    )

    stream, added = decide_on({ORGANIZATION: history}, other).events[-1]

    assert stream == ORGANIZATION
    assert added == e.MemberAdded(person_id=UUID(int=3), role="owner", money=True)


def test_nobody_joins_who_is_not_there():
    command = c.AddMember(person_id=ADA, role="viewer")
    for history in ([], [REGISTERED, e.PersonErased()], [CREATED]):
        with pytest.raises(NotFoundError):
            decide_on(
                {ORGANIZATION: [CREATED], ADA: history},
                add_member(ORGANIZATION, command),
            )

    decision = decide_on(
        {ORGANIZATION: [CREATED], ADA: [REGISTERED]}, add_member(ORGANIZATION, command)
    )
    assert decision.guards == [ADA]


def test_an_erased_person_leaves_their_organizations_unless_the_last_owner():
    second = e.MemberAdded(person_id=BEN, role="owner")
    alone = {ADA: [REGISTERED], ORGANIZATION: [CREATED, OWNER]}
    with pytest.raises(LastOwnerError):
        decide_on(alone, erase_person(ADA, [ORGANIZATION]))
    even_so = decide_on(alone, erase_person(ADA, [ORGANIZATION], even_last_owner=True))
    assert even_so.events[-1] == (ORGANIZATION, e.MemberRemoved(person_id=ADA))

    decision = decide_on(
        {ADA: [REGISTERED], ORGANIZATION: [CREATED, OWNER, second]},
        erase_person(ADA, [ORGANIZATION]),
    )

    assert decision.events == [
        (ADA, e.PersonErased()),
        (ORGANIZATION, e.MemberRemoved(person_id=ADA)),
    ]
    state = organization_of([CREATED, OWNER, second, e.MemberRemoved(person_id=ADA)])
    assert state is not None
    assert state.members.keys() == {BEN}
