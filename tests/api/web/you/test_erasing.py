"""People erase themselves, after a proof, and never the last owner."""

import httpx
import pytest

from domain import events as e
from tests.api.web.sign_in.test_proofs import age_proof
from tests.kit.application import Tenant, code_of
from tests.kit.markup import read
from tests.kit.people import (
    PASSWORD,
    Person,
    member_of,
    organization_of,
    owner_of,
    second_owner,
)
from tests.kit.visitor import Visitor


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home, name="Ada Erasing")


def erased(person: Person, confirm: str) -> httpx.Response:
    """Send the form with an address that the person typed."""
    page = person.browser.see("/you")
    return person.browser.submit(page, "/you/erase", confirm=confirm)


def test_a_person_erases_themselves_after_typing_their_address(ada: Person):
    tenant = ada.tenant
    second_owner(tenant.goatherd.store, tenant.organization_id)
    elsewhere = Visitor(tenant.goatherd)
    ada.sign_in(elsewhere)
    page = ada.browser.see("/you")
    ada.browser.submit(page, "/you", name="Ada the Erased")
    age_proof(ada)

    asking = erased(ada, ada.email.upper())
    done = ada.browser.submit(
        read(asking.text), "/you/erase", current_password=PASSWORD
    )

    assert asking.status_code == 403
    assert done.status_code == 200, done.text
    assert read(done.text).one("h1").text == "Your account is erased"
    for browser in (ada.browser, elsewhere):
        assert browser.get("/creators").status_code == 303
    refused = elsewhere.post("/sign-in", {"email": ada.email, "password": ada.password})
    assert refused.status_code == 401
    goatherd = tenant.goatherd
    for table in ("person_emails", "person_secrets", "person_sessions"):
        left = goatherd.query(f"SELECT FROM {table} WHERE person_id = %s", ada.id)
        assert left == []
    goatherd.catch_up()
    history = tenant.get("/audit", params={"limit": "50"})
    assert history.status_code == 200
    assert "an erased person" in history.text.casefold()
    assert ada.name not in history.text


def test_another_address_erases_nobody(ada: Person):
    second_owner(ada.tenant.goatherd.store, ada.tenant.organization_id)
    wrong = erased(ada, "ben@example.com")

    assert wrong.status_code == 400
    assert "Must be your email address" in wrong.text
    assert ada.browser.get("/you").status_code == 200


def test_a_last_owner_stays(ada: Person):
    refused = erased(ada, ada.email)

    assert refused.status_code == 400
    problem = read(refused.text).one("p", id="h-confirm").text
    assert "owner" in problem
    assert ada.browser.get("/you").status_code == 200


def test_a_key_of_the_organization_has_nobody_to_erase(ada: Person):
    answer = ada.tenant.post("/me/erase", {"confirm": ada.email})

    assert code_of(answer) == (403, "person_required")


def test_a_person_leaves_and_goes_on_in_another_organization(ada: Person):
    tenant = ada.tenant
    last = ada.browser.submit(ada.browser.see("/you"), "/you/leave")
    second_owner(tenant.goatherd.store, tenant.organization_id)
    organization_of(tenant.goatherd.store, ada.id, name="Other Herd")
    other = ada.browser.submit(ada.browser.see("/you"), "/you/leave")
    home = ada.browser.see("/you")

    assert "You left" in home.one("p", class_="flash").text
    assert last.status_code == 400
    assert "make somebody else an owner first" in read(last.text).text
    assert (other.status_code, other.headers["location"]) == (303, "/")
    assert "owner of Other Herd" in home.text
    left = tenant.goatherd.events(tenant.organization_id)[-1]
    assert left == e.MemberRemoved(person_id=ada.id)


def test_a_viewer_leaves_and_is_signed_out(ada: Person):
    ben = member_of(ada.tenant, role="viewer", project_ids=[str(ada.tenant.project_id)])
    left = ben.browser.submit(ben.browser.see("/you"), "/you/leave")

    assert left.status_code == 200
    assert "You left" in read(left.text).one("h1").text
    assert ben.browser.get("/creators").status_code == 303
    assert (
        ada.tenant.goatherd.query(
            "SELECT FROM person_sessions WHERE person_id = %s", ben.id
        )
        == []
    )
