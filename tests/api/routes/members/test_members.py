"""Members are listed, changed and removed, and their sessions end with it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from application.accounts.operators import make_password_link
from domain import events as e
from domain.messages import MemberRole
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.markup import read
from tests.kit.people import (
    Person,
    added_member,
    member_of,
    owner_of,
    second_owner,
)
from tests.kit.visitor import Visitor


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/creators").status_code == 200


def test_members_are_listed_with_their_rights_and_last_visit(ada: Person):
    home = ada.tenant
    ben = member_of(home, "Ben", role="viewer", project_ids=[str(home.project_id)])

    rows = data_of(home.get("/members"))

    assert [row["id"] for row in rows] == [str(ben.id), str(ada.id)]
    assert {**rows[0], "joined_at": "", "last_seen_at": ""} == {
        "id": str(ben.id),
        "name": "Ben",
        "email": ben.email,
        "role": "viewer",
        "project_ids": [str(home.project_id)],
        "money": False,
        "joined_at": "",
        "last_seen_at": "",
    }
    assert (rows[1]["project_ids"], rows[1]["money"]) == (None, True)
    # A session of theirs begins in the transaction that made each of them a member.
    seen = {row["id"]: row["last_seen_at"] for row in rows}
    assert seen[str(ben.id)] > seen[str(ada.id)]
    one = home.get(f"/members/{ben.id}")
    assert data_of(one) == rows[0]
    assert one.headers["etag"] == '"1"'


def link_for(maker: Tenant, person_id: UUID) -> str:
    """The path of a link with which a person chooses another password."""
    made = data_of(maker.post(f"/members/{person_id}/password-link"), status=201)
    return f"/password/{made['link'].rpartition('/')[2]}"


def statuses_of(link: str, visitor: Visitor) -> list[int]:
    """The answers to a look at a link, and to a new password by it."""
    seen = visitor.get(link).status_code
    chosen = visitor.post(link, {"name": "Mia", "password": "nine goats on a hill"})
    return [seen, chosen.status_code]


def test_a_link_to_choose_a_password_ends_with_the_rights_behind_it(
    ada: Person, subtests: pytest.Subtests
):
    home, store = ada.tenant, ada.tenant.goatherd.store
    key, boss = home.with_key(), member_of(home, "Bo", role="admin")
    mia, noa = member_of(home, "Mia").id, member_of(home, "Noa").id
    away = home.goatherd.tenant()

    def link_by(browser: Visitor) -> str:
        page = browser.see(f"/members/{mia}")
        made = browser.submit(page, f"/members/{mia}/password-link")
        link = read(made.text).one("input", id="link")["value"]
        return f"/password/{link.rpartition('/')[2]}"

    def change(person_id: UUID, **rights: object) -> None:
        data_of(home.patch(f"/members/{person_id}", rights))

    def recorded(event: e.OrganizationEvent) -> None:
        """Change rights as a program that leaves links alone."""
        home.goatherd.append(home.organization_id, event)
        home.goatherd.catch_up()

    def revoke() -> None:
        data_of(home.delete(f"/api-keys/{key.key_id}"))

    # The operator may open any account, whatever its rights.
    path, _ = make_password_link(store, mia)
    change(mia, role="viewer", project_ids=[str(home.project_id)])
    assert statuses_of(path, Visitor(home.goatherd)) == [200, 303]
    ends: dict[str, tuple[Callable[[], str], Callable[[], object], list[int]]] = {
        "other rights": (
            lambda: link_for(home, mia),
            lambda: change(mia, role="viewer", project_ids=None),
            [410, 410],
        ),
        "a maker who is no admin any more": (
            lambda: link_by(boss.browser),
            lambda: change(boss.id, role="member"),
            [410, 410],
        ),
        "a revoked key": (lambda: link_for(key, mia), revoke, [410, 410]),
        "a promotion that left the link": (
            lambda: link_for(home, noa),
            lambda: recorded(e.MemberChanged(person_id=noa, role="owner")),
            [200, 410],
        ),
        "another organization that left the link": (
            lambda: link_for(home, mia),
            lambda: away.goatherd.append(
                away.organization_id, e.MemberAdded(person_id=mia, role="viewer")
            ),
            [200, 410],
        ),
    }
    for name, (make, end, answers) in ends.items():
        with subtests.test(name):
            link = make()
            end()
            home.goatherd.catch_up()
            assert statuses_of(link, Visitor(home.goatherd)) == answers


def test_a_change_of_rights_signs_the_person_out(ada: Person):
    home = ada.tenant
    ben = member_of(home, "Ben", role="admin")
    head = home.goatherd.head
    change = {"role": "viewer", "project_ids": [str(home.project_id)] * 2}

    assert is_in(ben.browser)
    answer = home.patch(f"/members/{ben.id}", change)

    (recorded,) = home.goatherd.since(head)
    assert recorded.event == e.MemberChanged(
        person_id=ben.id, role="viewer", project_ids=(home.project_id,)
    )
    assert data_of(answer)["project_ids"] == [str(home.project_id)]
    assert answer.headers["etag"] == '"2"'
    stale = home.patch(
        f"/members/{ben.id}", {"money": True}, headers={"If-Match": '"1"'}
    )
    assert code_of(stale) == (412, "version_conflict")
    sessions = "SELECT id FROM person_sessions WHERE person_id = %s"
    assert home.goatherd.query(sessions, ben.id) == []
    assert home.goatherd.query(sessions, ada.id) != []


def test_a_removed_member_is_out_and_may_come_back(ada: Person):
    home = ada.tenant
    ben = member_of(home, "Ben", role="member")

    answer = home.delete(f"/members/{ben.id}")

    assert data_of(answer) == {"id": str(ben.id), "removed": True, "things": []}
    assert (
        home.goatherd.query(
            "SELECT id FROM person_sessions WHERE person_id = %s", ben.id
        )
        == []
    )
    for again in (
        home.get(f"/members/{ben.id}"),
        home.patch(f"/members/{ben.id}", {"money": True}),
        home.delete(f"/members/{ben.id}"),
    ):
        assert code_of(again) == (404, "not_found")


def test_the_last_owner_stays_and_keys_change_no_owner(ada: Person):
    home = ada.tenant
    path = f"/members/{ada.id}"
    ben = member_of(home, "Ben", role="member")

    assert code_of(home.patch(path, {"role": "admin"})) == (409, "last_owner")
    assert code_of(home.delete(path)) == (409, "last_owner")
    second_owner(home.goatherd.store, home.organization_id)
    for refused in (
        home.patch(path, {"role": "admin"}),
        home.delete(path),
        home.patch(f"/members/{ben.id}", {"role": "owner"}),
    ):
        assert code_of(refused) == (403, "owners_only")


def test_wrong_rights_are_refused(ada: Person, stranger: Tenant):
    home = ada.tenant
    ben = member_of(home, "Ben", role="viewer", project_ids=[str(home.project_id)])
    path = f"/members/{ben.id}"

    assert code_of(home.patch(path, {"role": "admin"})) == (400, "invalid_body")
    other = {"project_ids": [str(stranger.project_id)]}
    assert code_of(home.patch(path, other)) == (404, "not_found")
    for wrong in ({}, {"role": "boss"}, {"money": None}, {"name": "Benny"}):
        assert code_of(home.patch(path, wrong)) == (400, "invalid_body")
    for theirs in (stranger.get(path), stranger.delete(path)):
        assert code_of(theirs) == (404, "not_found")
    assert data_of(stranger.get("/members")) == []


def test_only_admin_keys_see_and_change_members(ada: Person):
    writer = ada.tenant.with_key("read", "write")
    path = f"/members/{uuid4()}"

    for refused in (
        writer.get("/members"),
        writer.get(path),
        writer.patch(path, {"money": True}),
        writer.delete(path),
        writer.get("/invitations"),
        writer.post("/invitations", {"email": "ben@example.com", "role": "viewer"}),
    ):
        assert code_of(refused) == (403, "insufficient_scope")


def test_people_leave_and_remove_nobody_else(home: Tenant):
    ada, store = owner_of(home), home.goatherd.store
    cases: tuple[tuple[MemberRole, tuple[UUID, ...] | None, tuple[int, str]], ...] = (
        ("viewer", None, (403, "insufficient_scope")),
        ("member", (home.project_id,), (404, "not_found")),
        ("admin", None, (403, "recent_proof_required")),
    )
    for role, projects, refusal in cases:
        ben = added_member(store, home.organization_id, role=role, project_ids=projects)
        key = home.with_key("read", person_id=ben)
        if role == "admin":
            key = home.with_key(person_id=ben)
        for other in (ada.id, uuid4()):
            assert code_of(key.delete(f"/members/{other}")) == refusal
        assert data_of(key.delete(f"/members/{ben}")) == {
            "id": str(ben),
            "removed": True,
            "things": [],
        }
        # The key ends with the membership.
        assert code_of(key.delete(f"/members/{ben}")) in {
            (401, "invalid_api_key"),
            (404, "not_found"),
        }
        assert [
            one for one in data_of(home.get("/members")) if one["id"] == str(ben)
        ] == []


def test_of_two_owners_who_leave_at_once_one_stays(home: Tenant):
    ada = owner_of(home)
    ben = second_owner(home.goatherd.store, home.organization_id)
    keys = {one: home.with_key("read", person_id=one) for one in (ada.id, ben)}

    with ThreadPoolExecutor(len(keys)) as threads:
        answers = threads.map(lambda one: keys[one].delete(f"/members/{one}"), keys)
        codes = sorted(code_of(answer) for answer in answers)

    assert codes == [(200, None), (409, "last_owner")]
