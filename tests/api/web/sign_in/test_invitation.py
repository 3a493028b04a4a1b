"""The page of an invitation's link: accept, decline, and links that are over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.kit.application import Tenant, data_of
from tests.kit.people import PASSWORD, Person, member_of, owner_of
from tests.kit.visitor import Visitor


@pytest.fixture
def ada(home: Tenant) -> Person:
    """The owner of the organization."""
    return owner_of(home)


def invited(tenant: Tenant, email: str = "", **rights: object) -> str:
    """The path of the link of a new invitation."""
    email = email or f"ben.{uuid4().hex}@example.com"
    sent = tenant.post("/invitations", {"email": email, "role": "viewer", **rights})
    tenant.goatherd.catch_up()
    return "/" + data_of(sent, status=201)["link"].split("/", 3)[3]


def members(tenant: Tenant) -> dict[str, Any]:
    tenant.goatherd.catch_up()
    return {one["name"]: one for one in data_of(tenant.get("/members"))}


def test_somebody_without_an_account_makes_one_and_joins(home: Tenant, ada: Person):
    path, browser = invited(home, role="member"), Visitor(home.goatherd)

    page = browser.see(path)
    wrong = browser.post(f"{path}/accept", {"name": " ", "password": "short"})
    done = browser.post(f"{path}/accept", {"name": "Ben", "password": PASSWORD})

    words = page.one("main").text
    organization = data_of(home.get("/organization"))["name"]
    # A key made the invitation.
    assert f"You are invited to {organization}" in words
    assert "As a member you add" in words
    assert "You see all projects." in words
    # A browser without passkeys does not show the first one.
    assert [button.text for button in page.all("button")] == [
        *("Use a passkey instead of a password", "Accept", "Decline"),
    ]
    assert wrong.status_code == 400
    assert "Write your name." in wrong.text
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert members(home)["Ben"]["role"] == "member"
    assert "Ben" in browser.see("/").one("header").text
    assert ada


def test_a_person_of_another_organization_accepts_and_is_there(
    home: Tenant, stranger: Tenant, ada: Person
):
    path = invited(stranger, ada.email, role="admin")
    signed_out = Visitor(home.goatherd)

    page = signed_out.see(path)
    (link,) = [a["href"] for a in page.one("main").all("a")]
    accepted = ada.browser.see(path)
    without_token = ada.browser.post(f"{path}/accept", {"csrf": ""})
    csrf = accepted.one("input", name="csrf")["value"]
    done = ada.browser.post(f"{path}/accept", {"csrf": csrf})

    assert "You have an account" in page.text
    assert link.startswith("/?next=")
    assert "You are signed in as Ada Alm" in accepted.one("main").text
    assert without_token.status_code == 400
    assert done.status_code == 303
    assert members(stranger)["Ada Alm"]["role"] == "admin"
    theirs = data_of(stranger.get("/organization"))["name"]
    assert theirs in ada.browser.see("/you").one("main").text


def test_declining_needs_no_account(home: Tenant):
    path, browser = invited(home), Visitor(home.goatherd)

    answer = browser.post(f"{path}/decline")

    assert answer.status_code == 200
    assert "You declined" in answer.text
    home.goatherd.catch_up()
    assert data_of(home.get("/invitations")) == []
    browser.see(path, status=410)


def test_links_that_are_over_and_of_others_say_so(home: Tenant, ada: Person):
    used, late, other = invited(home), invited(home), invited(home)
    browser = Visitor(home.goatherd)
    browser.post(f"{used}/accept", {"name": "Ben", "password": PASSWORD})
    (row,) = home.goatherd.query(
        "SELECT invitation_id FROM invitation_links WHERE digest = sha256(%s)",
        late.rpartition("/")[2].encode(),
    )
    with home.goatherd.store.pool.connection() as connection:
        connection.execute(
            "UPDATE invitations SET expires_at = %s WHERE id = %s",
            (datetime.now(UTC) - timedelta(days=1), row[0]),
        )

    signed_out = Visitor(home.goatherd)
    for path in (used, late, "/invitations/nonsense"):
        assert "over" in signed_out.see(path, status=410).one("h1").text, path
        assert signed_out.post(f"{path}/accept").status_code == 410, path
    assert signed_out.post(f"{used}/decline").status_code == 410
    page = ada.browser.see(other, status=403)
    assert f"signed in as {ada.email}" in page.one("main").text
    assert [button.text for button in page.one("main").all("button")] == [
        "Sign out",
        "Decline",
    ]
    csrf = ada.browser.csrf_in("/you")
    assert ada.browser.post(f"{other}/accept", {"csrf": csrf}).status_code == 403
    assert set(members(home)) == {"Ada Alm", "Ben"}


def test_looking_ahead_uses_no_link_up(home: Tenant):
    path = invited(home)
    for _ in range(3):
        Visitor(home.goatherd).ask("GET", path, headers={"Sec-Purpose": "prefetch"})

    assert Visitor(home.goatherd).see(path)


def test_a_person_switches_and_addresses_of_another_organization_offer_it(
    home: Tenant, stranger: Tenant
):
    ben = member_of(home, "Ben")
    theirs = stranger.add("ada")["id"]
    path = invited(stranger, ben.email, role="viewer")
    stranger.goatherd.catch_up()
    home_id, there_id = home.organization_id, stranger.organization_id
    csrf = ben.browser.see(path).one("input", name="csrf")["value"]
    assert ben.browser.post(f"{path}/accept", {"csrf": csrf}).status_code == 303
    assert ben.browser.see(f"/creators/{theirs}")

    def switch(to: object, next_: str = "/") -> str:
        csrf = ben.browser.csrf_in("/you")
        fields = {"csrf": csrf, "organization_id": str(to), "next": next_}
        answer = ben.browser.post("/you/organization", fields)
        assert answer.status_code == 303
        return answer.headers["Location"]

    menu = ben.browser.see("/").one("div", id="organizations")
    assert {button["value"] for button in menu.all("button")} == {
        str(home_id),
        str(there_id),
    }
    before = dict(ben.browser.cookies)
    assert switch(home_id) == "/"
    # The session has another cookie, and the old one is worth nothing.
    outdated = Visitor(home.goatherd)
    outdated.cookies = before
    assert outdated.get("/creators").status_code == 303

    offered = ben.browser.see(f"/creators/{theirs}", status=404)
    assert "another of your organizations" in offered.one("h1").text
    form = offered.one("main").one("form")
    assert form.one("button")["value"] == str(there_id)
    assert switch(there_id, form.one("input", name="next")["value"]) == (
        f"/creators/{theirs}"
    )
    assert ben.browser.see(f"/creators/{theirs}")
    # Nothing is offered to people who are not there, and for what nobody has.
    owner = owner_of(home)
    for browser, id_ in ((owner.browser, theirs), (ben.browser, uuid4())):
        page = browser.see(f"/creators/{id_}", status=404)
        assert "another of your organizations" not in page.text
    assert switch(uuid4()) == "/"
    assert "don't belong" in ben.browser.see("/").one("div", id="flashes").text
    assert switch(home_id, "//evil.example") == "/"


def test_somebody_who_was_removed_comes_back_with_their_password(
    home: Tenant, ada: Person
):
    ben = member_of(home, name="Ben")
    data_of(home.delete(f"/members/{ben.id}"))
    path, browser = invited(home, ben.email), Visitor(home.goatherd)

    page = browser.see(path)
    wrong = browser.post(f"{path}/accept", {"password": "goats on every roof"})
    done = browser.post(f"{path}/accept", {"password": PASSWORD})

    assert page.one("input", id="f-password")["autocomplete"] == "current-password"
    assert wrong.status_code == 400
    assert "Does not fit this address" in wrong.text
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert members(home)["Ben"]["role"] == "viewer"
    assert "Ben" in browser.see("/").one("header").text
    browser.see(path, status=410)
    assert ada
