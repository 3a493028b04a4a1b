"""Settings leave out ways to sign in: passwords, or keys on pages."""

from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest

from api.web.sign_in.links import make_link
from application.accounts.operators import make_password_link
from application.onboarding.first_start import open_question
from domain import events as e
from infra.settings import Settings
from tests.kit.application import Goatherd, Tenant, started
from tests.kit.markup import Element, read
from tests.kit.people import COOKIE, PASSWORD, Person, owner_of
from tests.kit.visitor import Visitor

NO_ANSWER = "http://127.0.0.1:1"
NEW = "eight goats on a hill"


def only_by_provider(settings: Settings) -> Settings:
    # The provider is never reached here.
    return msgspec.structs.replace(
        settings,
        passwords=False,
        key_sign_in=False,
        oidc_issuer=NO_ANSWER,
        oidc_client_id="goatherd",
        oidc_client_secret="secret",  # noqa: S106
        oidc_organization=UUID(int=1),
        oidc_roles={},
        oidc_max_age_seconds=600,
    )


@pytest.fixture(scope="module")
def strict(goatherd: Goatherd) -> Iterator[Goatherd]:
    """The same installation with settings that leave the provider alone."""
    with started(goatherd.url, adapt=only_by_provider) as strict:
        yield strict


@pytest.fixture
def ada(home: Tenant) -> Person:
    """Somebody who got a password before."""
    return owner_of(home)


def names_on(page: Element) -> set[str]:
    return {one["name"] for one in page.all("input") if "name" in one.attributes}


def test_without_passwords_and_keys_the_provider_is_all_that_is_offered(
    strict: Goatherd, ada: Person
):
    visitor = Visitor(strict)
    page = visitor.see("/")

    by_password = visitor.post("/sign-in", {"email": ada.email, "password": PASSWORD})
    by_key = visitor.post("/sign-in", {"key": ada.tenant.key})

    assert page.one("a", class_="button primary wide").text == (
        "Sign in with 127.0.0.1:1"
    )
    assert names_on(page) == set()
    for answer, way in ((by_password, "a password"), (by_key, "an API key")):
        assert answer.status_code == 403
        said = read(answer.text).one("p", role="alert").text
        assert said == f"Nobody signs in with {way} here."
    assert visitor.get("/creators").status_code == 303


def test_a_session_with_a_key_ends_with_the_setting_and_the_api_keeps_the_key(
    strict: Goatherd, ada: Person
):
    visitor = Visitor(strict)
    visitor.sign_in(ada.tenant.key)

    assert visitor.get("/creators").status_code == 303
    answer = strict.client.get(
        "/api/v1/creators", headers={"Authorization": f"Bearer {ada.tenant.key}"}
    )
    assert answer.status_code == 200


def test_a_session_with_a_password_ends_with_the_setting(strict: Goatherd, ada: Person):
    visitor = Visitor(strict)
    visitor.cookies[COOKIE] = ada.browser.cookies[COOKIE]

    assert ada.browser.get("/creators").status_code == 200
    assert visitor.get("/creators").status_code == 303


def test_without_passwords_a_link_signs_in_once_and_leaves_no_password(
    strict: Goatherd, ada: Person
):
    path, _ = make_password_link(strict.store, ada.id)
    visitor, again = Visitor(strict), Visitor(strict)

    page = visitor.see(path)
    assert names_on(page) == set()
    entered = visitor.submit(page, path)
    spent = again.post(path)

    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert ada.name in visitor.see("/creators").one("button", class_="account").text
    assert (spent.status_code, COOKIE in again.cookies) == (410, False)
    assert ada.browser.get("/creators").status_code == 303
    assert strict.events(ada.id)[-1] == e.PersonSignedIn(method="link")
    ((seconds,),) = strict.query(
        "SELECT extract(epoch FROM ends_at - created_at) FROM person_sessions "
        "WHERE person_id = %s",
        ada.id,
    )
    assert seconds == 600


def test_without_passwords_no_form_takes_one(strict: Goatherd, ada: Person):
    path, _ = make_password_link(strict.store, ada.id)
    visitor = Visitor(strict)
    # A password that somebody adds to the form changes nothing.
    visitor.post(path, {"password": NEW, "name": "Eve"})
    page = visitor.see("/you")
    csrf = visitor.csrf_in("/you")

    assert not names_on(page) & {"password", "current_password", "email"}
    proof = {"csrf": csrf, "current_password": PASSWORD}
    for form, fields in (
        ("/you/password", {**proof, "password": NEW}),
        ("/you/email", {**proof, "email": "eve@example.com"}),
        ("/sign-in/forgotten", {"email": ada.email}),
        ("/sign-in/passkey", {"credential": "{}"}),
        ("/sign-in/passkey/options", {}),
        ("/sign-in/passkey/new", {"name": "Eve", "email": "eve@example.com"}),
        ("/you/passkeys", {"csrf": csrf, "name": "Phone", "credential": "{}"}),
        ("/you/passkeys/options", {"csrf": csrf}),
    ):
        assert visitor.post(form, fields).status_code == 404, form
    assert visitor.get("/sign-in/forgotten").status_code == 404
    assert visitor.see("/you").one("input", name="name")["value"] == ada.name
    # The password from before opens the door where passwords do, as before.
    ada.sign_in(Visitor(ada.tenant.goatherd))


def test_without_a_password_a_proof_is_a_new_sign_in(strict: Goatherd, ada: Person):
    path, _ = make_password_link(strict.store, ada.id)
    strict.query("DELETE FROM person_sessions WHERE person_id = %s", ada.id)
    visitor = Visitor(strict)
    visitor.post(path)
    csrf = visitor.csrf_in("/you")
    strict.query(
        "UPDATE person_sessions SET proved_at = now() - interval '11 minutes' "
        "WHERE person_id = %s",
        ada.id,
    )
    # The process remembers the session for half a second.
    with started(strict.url, adapt=only_by_provider) as fresh:
        later = Visitor(fresh)
        later.cookies = dict(visitor.cookies)
        question = later.post("/you/oidc/connect", {"csrf": csrf})

    page = read(question.text)
    assert question.status_code == 403
    assert page.one("a", class_="button primary wide")["href"].startswith(
        "/sign-in/oidc?anew=true&next="
    )


def test_without_keys_the_link_of_the_first_start_makes_the_owner_and_nothing_else(
    goatherd: Goatherd,
):
    with started(
        goatherd.url,
        adapt=lambda settings: msgspec.structs.replace(settings, key_sign_in=False),
    ) as keyless:
        tenant = keyless.tenant()
        with keyless.store.pool.connection() as connection:
            open_question(connection.cursor(), tenant.organization_id)
        path = link_of(keyless, tenant)
        visitor = Visitor(keyless)
        page = visitor.see(path)
        answers = {
            "name": "Ada Alm",
            "email": f"ada.{tenant.organization_id}@example.com",
            "password": PASSWORD,
            "organization": "Alps",
            "time_zone": "Europe/Vienna",
            "project": "Spring",
        }

        later = visitor.post(path, {"later": "yes"})
        wrong = visitor.post(path, {**answers, "password": "short"})
        made = visitor.submit(read(wrong.text), path, **answers)
        again = Visitor(keyless).get(path)

        assert page.all("button", name="later") == []
        assert (later.status_code, wrong.status_code) == (403, 400)
        assert (made.status_code, made.headers["location"]) == (303, "/")
        assert (
            "Ada Alm" in visitor.see("/creators").one("button", class_="account").text
        )
        assert again.status_code == 403
        spare = link_of(keyless, tenant)
        assert Visitor(keyless).get(spare).status_code == 403
        assert "key" not in names_on(Visitor(keyless).see("/"))


def link_of(goatherd: Goatherd, tenant: Tenant) -> str:
    with goatherd.store.pool.connection() as connection:
        return make_link(connection, tenant.key)
