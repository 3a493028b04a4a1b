"""Keys of people: their rights at each request, and their end with the membership."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.accounts.operators import erase
from domain import commands as c
from domain import events as e
from projections.people import People
from tests.kit.application import (
    Goatherd,
    Tenant,
    code_of,
    data_of,
    serving,
    settings_for,
)
from tests.kit.builders import asking
from tests.kit.commands import change_organization
from tests.kit.patience import at_most
from tests.kit.people import Person, added_member, owner_of
from tests.kit.visitor import Visitor

ENDED_WITHIN = 1.0


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


@pytest.fixture
def key(ada: Person) -> Tenant:
    """A key of the owner with all scopes."""
    return ada.tenant.with_key(person_id=ada.id)


def key_of_member(home: Tenant, role: e.MemberRole, *scopes: e.Scope) -> Tenant:
    """A key of somebody else with a role."""
    person_id = added_member(home.goatherd.store, home.organization_id, role=role)
    return home.with_key(*scopes, person_id=person_id)


def change(home: Tenant, command: c.OrganizationCommand) -> None:
    """Change a membership, as another process does."""
    change_organization(
        home.goatherd.store,
        home.organization_id,
        command,
        plans=settings_for(home.goatherd.url).all_plans,
        context=asking(),
        in_transaction=lambda cursor, done: People().write(cursor, done.events),
    )


def person_of(key: Tenant) -> UUID:
    return UUID(data_of(key.get("/me"))["id"])


def own_ids(key: Tenant) -> list[str]:
    return [one["id"] for one in data_of(key.get("/api-keys"))]


def wait_for_status(key: Tenant, status: int, clients: list[Any]) -> None:
    """Wait until all processes answer with a status, within a second."""
    begun = time.monotonic()
    for client in clients:
        while key.get("/creators", client=client).status_code != status:
            assert time.monotonic() - begun < at_most(ENDED_WITHIN)


def test_a_person_makes_a_key_which_acts_in_their_name(
    home: Tenant, ada: Person, key: Tenant
):
    head = home.goatherd.head
    answer = key.post(
        "/api-keys", {"owner": "person", "name": "Laptop", "scopes": ["read", "write"]}
    )
    made = data_of(answer, status=201)
    new = {"Authorization": f"Bearer {made['api_key']}"}
    creator = data_of(
        home.post(
            f"/projects/{home.project_id}/creators",
            {"tiktok_handle": f"a{uuid4().hex[:9]}"},
            headers=new,
        ),
        status=201,
    )
    home.goatherd.catch_up()

    owner = {"type": "person", "id": str(ada.id)}
    issued, *_ = home.goatherd.since(head)
    assert isinstance(issued.event, e.ApiKeyCreated)
    assert (issued.event.person_id, issued.actor) == (ada.id, f"person:{ada.id}")
    assert made["owner"] == owner
    added = data_of(home.get(f"/creators/{creator['id']}/history"))[-1]
    assert (added["actor"], added["actor_name"]) == (f"person:{ada.id}", "Ada Alm")
    listed = {one["id"]: one["owner"] for one in data_of(home.get("/api-keys"))}
    assert listed[made["id"]] == owner
    assert listed[str(home.key_id)] == {
        "type": "organization",
        "id": str(home.organization_id),
    }


def test_me_and_sessions_answer_to_a_personal_key(
    ada: Person, key: Tenant, home: Tenant
):
    first = key.get("/me")
    me, tag = data_of(first), first.headers["ETag"]
    home.goatherd.append(ada.id, e.EmailConfirmed())
    home.goatherd.catch_up()
    confirmed = key.get("/me", headers={"If-None-Match": tag})
    again = {"If-None-Match": confirmed.headers["ETag"]}
    unchanged = key.get("/me", headers=again)
    renamed = key.patch("/me", {"name": "Ada Berg"})
    version = data_of(renamed)["version"]
    english, german = (key.patch("/me", {"locale": each}) for each in ("en", "de"))
    (session,) = data_of(key.get("/me/sessions"))
    ended = data_of(key.delete(f"/me/sessions/{session['id']}"))

    assert (me["id"], me["name"], me["role"]) == (str(ada.id), "Ada Alm", "owner")
    assert (me["sign_in_methods"], me["email_confirmed"]) == (["password"], False)
    assert data_of(confirmed)["email_confirmed"] is True
    assert unchanged.status_code == 304
    assert data_of(renamed)["name"] == "Ada Berg"
    # Pages and mails have one language yet, so choosing it changes nothing.
    assert (data_of(english)["locale"], data_of(english)["version"]) == ("en", version)
    assert code_of(german) == (400, "invalid_body")
    assert session["is_this"] is False
    assert ended == {"id": session["id"], "ended": True}
    assert data_of(key.get("/me/sessions")) == []
    assert code_of(home.get("/me")) == (403, "person_required")


@pytest.mark.usefixtures("ada")
def test_a_key_may_no_more_than_its_person_may_now(home: Tenant):
    other = key_of_member(home, "admin", "read", "write", "admin")
    narrow = home.with_key("read", person_id=person_of(other))
    assert other.get("/organization").status_code == 200

    assert code_of(narrow.post("/projects", {"name": "x"})) == (
        403,
        "insufficient_scope",
    )
    change(home, c.ChangeMember(person_id=person_of(other), role="viewer"))
    with serving(home.goatherd.url) as fresh:
        refused = other.post("/projects", {"name": "x"}, client=fresh)
        assert code_of(refused) == (403, "insufficient_scope")
        assert refused.json()["meta"]["granted"] == ["read"]
        assert other.get("/creators", client=fresh).status_code == 200
        change(home, c.ChangeMember(person_id=person_of(other), role="admin"))
    with serving(home.goatherd.url) as fresh:
        answer = other.post("/projects", {"name": "y"}, client=fresh)
        assert answer.status_code == 201


def test_no_key_has_more_scopes_than_the_person_and_the_asking_key(
    home: Tenant, key: Tenant
):
    viewer = key_of_member(home, "viewer", "read", "write", "admin")
    narrow = home.with_key("read", person_id=person_of(key))
    body = {"owner": "person", "name": "x"}

    for asker, scopes, status in (
        (viewer, ["read"], 201),
        (viewer, ["read", "write"], 403),
        (viewer, ["admin"], 403),
        (narrow, ["read"], 201),
        (narrow, ["write"], 403),
        (key, ["read", "write", "admin"], 201),
    ):
        answer = asker.post("/api-keys", {**body, "scopes": scopes})
        assert answer.status_code == status, (scopes, answer.text)
        if status == 403:
            assert code_of(answer) == (403, "insufficient_scope")
    assert code_of(home.post("/api-keys", body)) == (403, "person_required")
    assert code_of(viewer.post("/api-keys", {"name": "x", "scopes": ["read"]})) == (
        403,
        "insufficient_scope",
    )


def test_members_see_and_end_their_own_keys_only(home: Tenant, key: Tenant):
    member = key_of_member(home, "member", "read", "write")
    second = home.with_key("read", person_id=person_of(member))
    colleague = key_of_member(home, "viewer", "read")
    head = home.goatherd.head

    assert own_ids(member) == [str(second.key_id), str(member.key_id)]
    assert own_ids(colleague) == [str(colleague.key_id)]
    for id_ in (home.key_id, colleague.key_id, key.key_id, uuid4()):
        for answer in (
            member.delete(f"/api-keys/{id_}"),
            member.patch(f"/api-keys/{id_}", {"name": "x"}),
        ):
            assert code_of(answer) == (403, "insufficient_scope")
            assert answer.json()["meta"] == {
                **answer.json()["meta"],
                "required": "admin",
                "granted": ["read", "write"],
            }
    assert home.goatherd.head == head
    path = f"/api-keys/{second.key_id}"
    assert data_of(member.patch(path, {"name": "Desk"}))["name"] == "Desk"
    assert data_of(member.delete(path)) == {"id": str(second.key_id), "revoked": True}
    assert code_of(second.get("/me")) == (401, "invalid_api_key")
    # An admin sees and ends all keys, and their own by themselves.
    home.goatherd.catch_up()
    assert {str(home.key_id), str(colleague.key_id)} <= {*own_ids(key)}
    assert [one["id"] for one in data_of(key.get("/api-keys?owner=person"))] == [
        str(key.key_id)
    ]
    assert code_of(home.get("/api-keys?owner=person")) == (403, "person_required")
    # A personal key proves nothing, and a key of the organization needs no proof.
    for answer in (
        key.delete(f"/api-keys/{colleague.key_id}"),
        key.post("/api-keys", {"name": "x", "scopes": ["read"]}),
    ):
        assert code_of(answer) == (403, "recent_proof_required")
    assert home.delete(f"/api-keys/{colleague.key_id}").status_code == 200


@pytest.mark.usefixtures("ada")
@pytest.mark.usefixtures("ada")
def test_a_key_of_a_limited_person_sees_their_projects_and_keys_alone(
    home: Tenant,
):
    other_id = data_of(home.post("/projects", {"name": "Fjords"}), status=201)["id"]
    key = key_of_member(home, "member", "read", "write", "admin")
    person_id = person_of(key)
    change(home, c.ChangeMember(person_id=person_id, project_ids=(home.project_id,)))
    home.goatherd.catch_up()

    with serving(home.goatherd.url) as fresh:
        seen = data_of(key.get("/projects", client=fresh))
        assert [one["id"] for one in seen] == [str(home.project_id)]
        path = f"/projects/{other_id}/creators"
        added = key.post(path, {"tiktok_handle": "a.goat"}, client=fresh)
        assert added.status_code == 404
        own = data_of(key.get("/api-keys", client=fresh))
        assert [one["id"] for one in own] == [str(key.key_id)]
        body = {"owner": "person", "name": "x", "scopes": ["read"]}
        made = data_of(key.post("/api-keys", body, client=fresh), status=201)
        for id_ in (home.key_id, uuid4()):
            for answer in (
                key.delete(f"/api-keys/{id_}", client=fresh),
                key.patch(f"/api-keys/{id_}", {"name": "x"}, client=fresh),
            ):
                assert code_of(answer) == (404, "not_found")
        organizations = key.post("/api-keys", {"name": "x"}, client=fresh)
        assert code_of(organizations) == (404, "not_found")
        assert key.delete(f"/api-keys/{made['id']}", client=fresh).status_code == 200


def test_own_keys_come_page_by_page(home: Tenant):
    first = key_of_member(home, "viewer", "read")
    second = home.with_key("read", person_id=person_of(first))

    page = second.get("/api-keys", params={"limit": 1})
    cursor = page.json()["meta"]["nextCursor"]
    rest = second.get("/api-keys", params={"limit": 1, "cursor": cursor})

    assert [one["id"] for one in data_of(page)] == [str(second.key_id)]
    assert [one["id"] for one in data_of(rest)] == [str(first.key_id)]
    # The cursor belongs to the list of the person.
    other = home.get("/api-keys", params={"limit": 1, "cursor": cursor})
    assert code_of(other) == (400, "invalid_cursor")


@pytest.mark.usefixtures("ada")
def test_a_key_ends_within_a_second_with_the_membership_and_for_good(
    goatherd: Goatherd, home: Tenant
):
    key = key_of_member(home, "member", "read")
    person_id = person_of(key)
    with serving(goatherd.url) as another_process:
        clients = [goatherd.client, another_process]
        # Both have just looked the key up and remember it.
        wait_for_status(key, 200, clients)

        change(home, c.RemoveMember(person_id=person_id))
        wait_for_status(key, 401, clients)
        goatherd.catch_up()
        change(home, c.AddMember(person_id=person_id, role="member"))

        assert code_of(key.get("/me")) == (401, "invalid_api_key")
        for one in data_of(home.get("/api-keys")):
            assert (one["id"] == str(key.key_id)) == (one["revoked_at"] is not None)


@pytest.mark.usefixtures("ada")
def test_a_key_ends_with_the_erasure_of_its_person(goatherd: Goatherd, home: Tenant):
    key = key_of_member(home, "viewer", "read")
    person_id = person_of(key)
    with serving(goatherd.url) as another_process:
        clients = [goatherd.client, another_process]
        wait_for_status(key, 200, clients)

        erase(goatherd.store, person_id, context=asking())

        wait_for_status(key, 401, clients)
    (listed, _) = data_of(home.get("/api-keys"))
    assert listed["owner"] == {"type": "person", "id": str(person_id)}
    assert listed["revoked_at"] is not None


def test_a_personal_key_opens_no_page(key: Tenant):
    passer_by = Visitor(key.goatherd)

    answer = passer_by.post("/sign-in", {"key": key.key})

    assert answer.status_code == 401
    assert "This key belongs to a person" in answer.text
    assert passer_by.cookies == {}


def test_a_repeated_request_for_a_key_has_the_same_text(key: Tenant):
    headers = {"Idempotency-Key": uuid4().hex}
    body = {"owner": "person", "name": "Laptop", "scopes": ["read"]}

    first = data_of(key.post("/api-keys", body, headers=headers), status=201)
    again = data_of(key.post("/api-keys", body, headers=headers), status=201)

    assert first == again


def test_a_key_with_an_end_makes_no_key_that_lasts_longer(home: Tenant):
    until = datetime.now(UTC) + timedelta(hours=1)
    ending = home.with_key(expires_at=until)

    late = ending.post(
        "/api-keys",
        {"name": "Late", "expires_at": (until + timedelta(seconds=1)).isoformat()},
    )
    soon = until - timedelta(minutes=1)
    early = ending.post("/api-keys", {"name": "Early", "expires_at": soon.isoformat()})
    unsaid = data_of(ending.post("/api-keys", {"name": "Unsaid"}), status=201)
    endless = data_of(home.post("/api-keys", {"name": "Endless"}), status=201)

    assert code_of(late) == (400, "invalid_body")
    assert late.json()["meta"]["fields"][0]["path"] == "/expires_at"
    assert early.status_code == 201
    assert datetime.fromisoformat(unsaid["expires_at"]) == until
    assert endless["expires_at"] is None
