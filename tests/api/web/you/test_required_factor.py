"""An organization requires a second factor, and members without one set it up first."""

import pytest
from pyotp.totp import TOTP

from api.http.access.person_sessions import PersonSessions
from application.accounts.operators import make_password_link
from infra.embedded.processes import wait_until
from tests.api.web.sign_in.test_proofs import age_proof
from tests.api.web.you.test_passkeys import (
    ORIGIN,
    added,
    is_in,
    options_to_add,
    options_to_sign_in,
    sent,
)
from tests.api.web.you.test_second_factor import Phone
from tests.kit.application import Tenant, code_of, data_of
from tests.kit.authenticator import Authenticator
from tests.kit.markup import read
from tests.kit.patience import PATIENTLY
from tests.kit.people import Person, member_of, owner_of
from tests.kit.visitor import Visitor

FACTOR = "/you/second-factor"
SETTINGS = "/settings/organization"


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


def sessions_of(person: Person) -> PersonSessions:
    return person.tenant.goatherd.client.app.state.site.people


def require(tenant: Tenant, *, on: bool = True) -> None:
    """Let a key of the organization switch the setting, and wait until it holds."""
    changed = tenant.patch("/organization", {"requires_second_factor": on})
    assert data_of(changed)["requires_second_factor"] is on
    tenant.goatherd.catch_up()
    tenant.goatherd.client.app.state.site.people.forget_all()


def test_a_member_without_a_second_factor_sets_one_up_and_nothing_else(ada: Person):
    require(ada.tenant)
    ada.sign_in(ada.browser)
    page = ada.browser.see(FACTOR)
    csrf = page.all("input", name="csrf")[0]["value"]

    for path in ("/", "/creators", "/you", "/settings/keys", "/search?q=goat"):
        answer = ada.browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, FACTOR), path
    sent = ada.browser.post("/campaigns", {"csrf": csrf, "name": "Sale"})
    assert sent.headers["location"] == FACTOR
    fragment = ada.browser.get("/creators", headers={"HX-Request": "true"})
    assert fragment.headers["hx-redirect"] == FACTOR
    assert ada.browser.get("/you/passkeys").status_code == 200
    assert "requires a second factor" in page.text
    assert "Not now" not in page.one("main").text

    seed = page.one("code").text.replace(" ", "")
    ada.browser.submit(page, FACTOR, code=TOTP(seed).now())
    assert ada.browser.get("/creators").status_code == 200


def test_a_member_without_one_may_sign_out(ada: Person):
    require(ada.tenant)
    ada.sign_in(ada.browser)

    ada.browser.post("/sign-out")

    assert ada.browser.get("/creators").headers["location"].startswith("/?next=")


def test_a_member_with_a_second_factor_and_a_key_go_on(ada: Person):
    Phone(ada)
    require(ada.tenant)

    assert ada.browser.get("/creators").status_code == 200
    assert ada.tenant.get("/creators").status_code == 200


def test_a_person_without_one_does_not_switch_it_on(ada: Person):
    page = ada.browser.see(SETTINGS)
    action = f"{SETTINGS}/second-factor"
    refused = ada.browser.submit(page, action, requires_second_factor="on")

    assert refused.status_code == 403
    assert "for yourself first" in read(refused.text).one("p", role="alert").text
    assert data_of(ada.tenant.get("/organization"))["requires_second_factor"] is False
    Phone(ada)
    done = ada.browser.submit(page, action, requires_second_factor="on")
    assert done.headers["location"] == SETTINGS
    ada.tenant.goatherd.catch_up()
    assert data_of(ada.tenant.get("/organization"))["requires_second_factor"] is True
    off = ada.browser.post(action, {"csrf": ada.browser.csrf_in(SETTINGS)})
    assert off.headers["location"] == SETTINGS


def test_the_setting_is_a_yes_or_a_no(home: Tenant):
    refused = home.patch("/organization", {"requires_second_factor": None})

    assert code_of(refused) == (400, "invalid_body")


def test_keys_of_a_person_without_one_are_refused(ada: Person):
    page = ada.browser.see("/you")
    made = ada.browser.submit(page, "/you/keys", key_name="Laptop", scopes=["read"])
    assert made.status_code == 201, made.text
    key = read(made.text).one("input", id="text")["value"]
    headers = {"Authorization": f"Bearer {key}"}
    client = ada.tenant.goatherd.client
    before = client.get("/api/v1/creators", headers=headers)
    require(ada.tenant)

    assert before.status_code == 200
    assert wait_until(
        lambda: (
            code_of(client.get("/api/v1/creators", headers=headers))
            == (403, "second_factor_required")
        ),
        seconds=PATIENTLY,
    )


def test_a_password_alone_is_too_little_for_somebody_with_a_passkey(
    ada: Person, passer_by: Visitor
):
    device = Authenticator(ORIGIN)
    made = added(ada, device.make(options_to_add(ada)))
    assert made.headers["location"] == "/you/passkeys"
    ada.sign_in(Visitor(ada.tenant.goatherd))
    require(ada.tenant)

    fields = {"email": ada.email, "password": ada.password}
    refused = passer_by.post("/sign-in", fields)
    assert refused.status_code == 401
    assert "passkey" in read(refused.text).one("p", id="about-password").text
    assert not is_in(passer_by)
    sent(passer_by, device.use(options_to_sign_in(passer_by)))
    assert is_in(passer_by)

    # The passkey may be lost.
    path, _ = make_password_link(ada.tenant.goatherd.store, ada.id)
    by_link = Visitor(ada.tenant.goatherd)
    by_link.post(path, {"password": "eight goats in a valley"})
    assert is_in(by_link)


def test_switching_it_on_ends_sessions_that_had_a_password_alone(
    ada: Person, passer_by: Visitor
):
    device = Authenticator(ORIGIN)
    added(ada, device.make(options_to_add(ada)))
    by_password = Visitor(ada.tenant.goatherd)
    ada.sign_in(by_password)
    sent(passer_by, device.use(options_to_sign_in(passer_by)))
    ben = member_of(ada.tenant)
    assert all(map(is_in, (by_password, passer_by, ben.browser)))

    require(ada.tenant)
    after = [*map(is_in, (ada.browser, by_password, passer_by, ben.browser))]
    # A session that moves here from another organization may have begun so as well.
    ada.tenant.goatherd.query(
        "UPDATE person_sessions SET password_alone = true WHERE person_id = %s", ada.id
    )
    sessions_of(ada).forget_all()
    moved = is_in(ada.browser)
    require(ada.tenant, on=False)

    assert after == [True, False, True, False]
    assert moved is False
    assert [*map(is_in, (by_password, ben.browser))] == [False, False]


def test_it_is_switched_with_a_recent_proof_and_never_by_a_personal_key(ada: Person):
    Phone(ada)
    key = ada.tenant.with_key(person_id=ada.id)
    action = f"{SETTINGS}/second-factor"
    require(ada.tenant)
    age_proof(ada)

    question = ada.browser.post(action, {"csrf": ada.browser.csrf_in(SETTINGS)})
    by_key = [
        code_of(key.patch("/organization", {"requires_second_factor": on}))
        for on in (True, False)
    ]
    kept = data_of(ada.tenant.get("/organization"))["requires_second_factor"]
    hidden = read(question.text).all("input", type="hidden")
    form = {each["name"]: each["value"] for each in hidden}
    proved = ada.browser.post(action, {**form, "current_password": ada.password})
    ada.tenant.goatherd.catch_up()

    assert question.status_code == 403
    assert by_key == [(403, "recent_proof_required")] * 2
    assert kept is True
    assert proved.headers.get("location") == SETTINGS, proved.text
    assert data_of(ada.tenant.get("/organization"))["requires_second_factor"] is False
    renamed = key.patch("/organization", {"name": "Goats"})
    assert data_of(renamed)["name"] == "Goats"
