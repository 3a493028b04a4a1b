from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from domain.messages import MemberRole
from domain.organization.plans import DEFAULT_PLANS
from domain.person.directory import DirectoryEntry, directory_entry
from domain.person.handlers import follow_directory
from tests.kit.builders import NOON, ORGANIZATION, PROJECT
from tests.kit.deciding import decide_on

BEN = UUID(int=0xB1)
CREATED = e.OrganizationCreated(name="Herd", plan="unlimited", time_zone="UTC")
SPRING = e.ProjectCreated(project_id=PROJECT, name="Spring")
OWNER = e.MemberAdded(person_id=UUID(int=0xA1), role="owner")
ROLES = {"owners": "owner", "chiefs": "admin", "herders": "member", "guests": "viewer"}


def entry(claim: str = "roles", **claims: Any) -> DirectoryEntry:  # noqa: ANN401
    roles: Any = ROLES
    return directory_entry(claims, role_claim=claim, roles=roles)


@pytest.mark.parametrize(
    ("roles", "role"),
    (
        (["guests", "owners", "herders"], "owner"),
        (["guests", "chiefs"], "admin"),
        ("herders", "member"),
        (["guests", 7, None, ["owners"]], "viewer"),
        (["strangers", "Owners", " owners"], None),
        ([], None),
        (None, None),
        ({"owners": True}, None),
        (True, None),
        ("owners herders", None),
    ),
)
def test_the_highest_role_of_a_known_group_counts(roles: object, role: str | None):
    assert entry(roles=roles).role == role


def test_a_claim_may_lie_within_others_or_have_dots_in_its_name():
    nested: dict[str, Any] = {"realm": {"access": {"roles": ["chiefs"]}}}
    dotted: dict[str, Any] = {"https://goats.example/roles": ["guests"]}

    assert entry("realm.access.roles", **nested).role == "admin"
    assert entry("https://goats.example/roles", **dotted).role == "viewer"
    for path in ("realm.access", "realm.access.roles.chiefs", "realm.x.roles"):
        assert entry(path, **nested).role is None
    assert entry("realm.access.roles", realm="goat").role is None


def test_a_person_has_the_best_name_that_the_directory_knows():
    named = {"email": "ada@example.com", "preferred_username": "ada77"}

    assert entry(name=" Ada\n Alm\u202e ", **named).name == "Ada Alm"
    assert entry(given_name="Ada", family_name="Alm", **named).name == "Ada Alm"
    assert entry(name=7, given_name=None, **named).name == "ada77"
    assert entry(email="ada@example.com").name == "ada"
    assert entry().name == "Somebody"
    assert len(entry(name="a" * 900).name) == 200


def test_a_name_keeps_joiners_and_loses_what_no_name_may_have():
    persian, family = (
        "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",
        "Ada \U0001f469\u200d\U0001f467",
    )
    wales = "Gwen \U0001f3f4\U000e0067\U000e0062\U000e007f"

    for name in (persian, family, wales):
        assert entry(name=name).name == name
    for sign in "\0\t\x1b\x85\u2028\u2029\u202e\u2066\ud800":
        assert entry(name=f"Ada{sign}Alm").name == "Ada Alm"
    unseen = entry(name="\u200d\u200c", preferred_username="ada77")
    assert unseen.name == "ada77"


def test_an_address_is_confirmed_only_if_the_directory_says_so():
    for said, confirmed in ((True, True), ("true", False), (1, False), (None, False)):
        found = entry(email="ada@example.com", email_verified=said)
        assert (found.email, found.has_confirmed) == ("ada@example.com", confirmed)
    for text in ("ada", 7, None, "a@b@c", ""):
        assert entry(email=text).email is None


def followed(role: MemberRole, *events: e.OrganizationEvent) -> list[e.Event]:
    """The events with which the directory says the role of a member."""
    registered = e.PersonRegistered(name="Ben", email="ben@example.com")
    history = [CREATED, SPRING, OWNER, *events]
    decision = decide_on(
        {ORGANIZATION: history, BEN: [registered]},
        follow_directory(
            BEN,
            organization_id=ORGANIZATION,
            role=role,
            at=NOON,
            plans=DEFAULT_PLANS,
        ),
    )
    return [event for _, event in decision.events]


def test_a_lower_role_takes_payments_and_the_narrower_view_comes_back():
    limited = e.MemberAdded(
        person_id=BEN, role="member", project_ids=(PROJECT,), money=True
    )
    promoted = e.MemberChanged(person_id=BEN, role="admin", project_ids=None)
    admin = e.MemberAdded(person_id=BEN, role="admin", money=True)

    assert followed("admin", limited) == [promoted]
    assert followed("member", limited, promoted) == [
        e.MemberChanged(
            person_id=BEN, role="member", project_ids=(PROJECT,), money=False
        )
    ]
    assert followed("viewer", limited) == [
        e.MemberChanged(person_id=BEN, role="viewer", money=False)
    ]
    assert followed("member", admin) == [
        e.MemberChanged(person_id=BEN, role="member", money=False)
    ]
    assert followed("owner", admin) == [e.MemberChanged(person_id=BEN, role="owner")]
    assert followed("admin", admin) == []
