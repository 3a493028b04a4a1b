"""The keys of a person on their page: made, shown once, and revoked."""

import re
from typing import Any

import pytest

from api.routes import api_keys
from domain.messages import MemberRole, Scope
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.markup import Element, read
from tests.kit.people import COOKIE, Person, added_member, owner_of, session_of
from tests.kit.visitor import Visitor

YOU, KEYS = "/you", "/you/keys"
TEXT = re.compile(r"tga_[0-9a-f]{64}")


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


def with_text(home: Tenant, text: str) -> Tenant:
    return Tenant(
        home.goatherd,
        organization_id=home.organization_id,
        project_id=home.project_id,
        key_id=home.key_id,
        key=text,
    )


def keys_on(page: Element) -> list[str]:
    section = page.one("section", id="keys")
    return [row.all("th")[0].text for row in section.all("tr")[1:]]


def test_a_person_makes_a_key_whose_text_is_shown_once(ada: Person):
    answer = ada.browser.submit(
        ada.browser.see(YOU), KEYS, key_name="Laptop", scopes=["read", "write"]
    )

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    key = with_text(ada.tenant, read(answer.text).one("input", id="text")["value"])
    assert data_of(key.get("/me"))["id"] == str(ada.id)
    assert key.post("/projects", {"name": "Spring"}).status_code == 201
    page = ada.browser.get(YOU)
    assert not TEXT.search(page.text)
    assert keys_on(read(page.text)) == [f"Laptop ends in {key.key[-4:]}"]
    # The organization's page says whose it is.
    ada.tenant.goatherd.catch_up()
    (row,) = [
        row
        for row in ada.browser.see("/settings/keys").all("tr")
        if row.text.startswith("Laptop")
    ]
    assert " you " in row.text


def test_a_session_that_ends_meanwhile_leaves_no_key(
    ada: Person, monkeypatch: pytest.MonkeyPatch
):
    """A mailed link ends all sessions and keys: one made at that moment, too."""
    goatherd, form = ada.tenant.goatherd, ada.browser.see(YOU)
    make = api_keys.create_key

    def slowly(*given: Any, **fields: Any) -> object:  # noqa: ANN401 - as given
        goatherd.query(
            "DELETE FROM person_sessions WHERE person_id = %s RETURNING id", ada.id
        )
        return make(*given, **fields)

    monkeypatch.setattr(api_keys, "create_key", slowly)
    answer = ada.browser.submit(form, KEYS, key_name="Laptop", scopes="read")

    assert answer.status_code == 401
    assert "Your session is over" in answer.text
    goatherd.catch_up()
    assert goatherd.query("SELECT id FROM api_keys WHERE person_id = %s", ada.id) == []


def test_a_person_revokes_their_own_key(ada: Person):
    made = ada.browser.submit(
        ada.browser.see(YOU), KEYS, key_name="Laptop", scopes="read"
    )
    key = with_text(ada.tenant, read(made.text).one("input", id="text")["value"])
    page = ada.browser.see(YOU)
    (form,) = [form for form in page.all("form") if form["action"].endswith("/revoke")]

    answer = ada.browser.submit(page, form["action"])

    assert (answer.status_code, answer.headers["location"]) == (303, YOU)
    assert code_of(key.get("/projects")) == (401, "invalid_api_key")
    after = ada.browser.see(YOU)
    assert "revoked" in after.one("section", id="keys").text
    assert not [f for f in after.all("form") if f["action"].endswith("/revoke")]


def test_revoking_an_own_key_needs_no_recent_proof(ada: Person):
    home = ada.tenant
    key = home.with_key("read", person_id=ada.id)
    browser = Visitor(home.goatherd)
    browser.cookies[COOKIE] = session_of(
        home.goatherd.store, ada.id, home.organization_id
    )
    home.goatherd.query(
        "UPDATE person_sessions SET proved_at = now() - interval '1 hour'"
    )

    page = browser.see(YOU)
    answer = browser.submit(page, f"{KEYS}/{key.key_id}/revoke")

    assert (answer.status_code, answer.headers["location"]) == (303, YOU)
    assert code_of(key.get("/projects")) == (401, "invalid_api_key")


def test_wrong_fields_are_named_beside_what_was_typed(ada: Person):
    answer = ada.browser.submit(
        ada.browser.see(YOU), KEYS, key_name="Laptop", scopes=[], until="2001-01-01"
    )

    assert answer.status_code == 400
    section = read(answer.text).one("section", id="keys")
    assert section.one("input", id="f-key_name")["value"] == "Laptop"
    assert "Choose at least one" in section.text
    assert "open" in section.one("details").attributes


@pytest.mark.parametrize(
    ("role", "offered"), (("member", ["read", "write"]), ("viewer", ["read"]))
)
def test_the_page_offers_the_scopes_of_the_role_and_no_other_keys(
    ada: Person, role: MemberRole, offered: list[Scope]
):
    home = ada.tenant
    ben = added_member(home.goatherd.store, home.organization_id, role=role)
    home.with_key("read", person_id=ada.id)
    browser = Visitor(home.goatherd)
    browser.cookies[COOKIE] = session_of(home.goatherd.store, ben, home.organization_id)

    page = browser.see(YOU)
    made = browser.submit(page, KEYS, key_name="Sheet", scopes=["read"])
    more = browser.submit(page, KEYS, key_name="More", scopes=["read", "admin"])

    section = page.one("section", id="keys")
    assert [box["value"] for box in section.all("input", name="scopes")] == offered
    assert keys_on(page) == []
    assert made.status_code == 201
    assert more.status_code == 403
    assert len(keys_on(browser.see(YOU))) == 1


def test_a_key_of_somebody_limited_to_projects_is_said_to_read_these(home: Tenant):
    places = (home.project_id,)
    ben = added_member(
        home.goatherd.store, home.organization_id, role="member", project_ids=places
    )
    browser = Visitor(home.goatherd)
    browser.cookies[COOKIE] = session_of(home.goatherd.store, ben, home.organization_id)

    offered = browser.see(YOU).one("section", id="keys").text

    assert "Read all data of your projects" in offered
    assert "creators, videos and campaigns" in offered
