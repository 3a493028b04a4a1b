"""A forgotten password: a link by mail, and nothing told about addresses."""

import re
from email.message import EmailMessage
from uuid import uuid4

import httpx
import pytest

from application.accounts.operators import make_password_link
from domain import events as e
from domain.person.decider import person_of
from infra.embedded.processes import wait_until
from tests.api.web.you.test_second_factor import Phone
from tests.kit.application import Tenant
from tests.kit.authenticator import Authenticator
from tests.kit.mail_server import text_of
from tests.kit.mailing import Mailing
from tests.kit.markup import read
from tests.kit.patience import PATIENTLY
from tests.kit.people import Person, owner_of
from tests.kit.visitor import Visitor

HOST = "testserver.local"
PATH = "/sign-in/forgotten"
NEW = "nine goats on a hill"
LINK = re.compile(r"^https://goats\.example\.com(/password/[\w-]{20,})$", re.MULTILINE)


@pytest.fixture
def ada(mailing: Mailing) -> Person:
    return owner_of(mailing.goatherd.tenant())


def link_for(visitor: Visitor, email: str, **headers: str) -> httpx.Response:
    return visitor.post(PATH, {"email": email}, headers=headers)


def mails_with_links(mailing: Mailing, email: str, *, least: int) -> list[EmailMessage]:
    subject = "Choose a new password for Goatherd"
    return mailing.mails_to(email, subject=subject, least=least)


def test_a_person_gets_a_link_and_chooses_a_new_password(ada: Person, mailing: Mailing):
    visitor = Visitor(ada.tenant.goatherd)
    link = visitor.see("/").one("a", href=PATH)
    form = visitor.see(PATH).one("form", action=PATH)
    # A stranger chooses the host of a request, and must not choose that of a link.
    answer = link_for(visitor, f" {ada.email.upper()}", Host="evil.example")
    (mail,) = mails_with_links(mailing, ada.email, least=1)
    link_for(visitor, ada.email)
    text = text_of(mail)
    found = LINK.search(text)

    assert link.text == "Forgotten your password?"
    assert [one["name"] for one in form.all("input")] == ["email"]
    assert answer.status_code == 200
    assert mail["To"] == ada.email
    assert ada.name not in text
    assert "evil" not in text
    assert found is not None
    page = visitor.see(found[1])
    changed = visitor.submit(page, found[1], password=NEW)
    assert changed.status_code == 303
    assert visitor.get("/creators").status_code == 200
    assert ada.browser.get("/creators").status_code == 303
    assert visitor.get(found[1]).status_code == 410


def test_an_address_that_nobody_has_is_answered_alike(ada: Person, mailing: Mailing):
    goatherd = ada.tenant.goatherd
    unknown = f"ben.{uuid4().hex}@example.com"
    answers = [link_for(Visitor(goatherd), email) for email in (ada.email, unknown)]
    mails = mails_with_links(mailing, ada.email, least=1)

    texts = {
        read(answer.text).one("main").text.replace(email, "")
        for answer, email in zip(answers, (ada.email, unknown), strict=True)
    }
    assert {answer.status_code for answer in answers} == {200}
    assert len(texts) == 1
    assert len(mails) == 1
    assert mailing.mails_to(unknown) == []
    ((links,),) = goatherd.query(
        "SELECT count(*) FROM password_links WHERE person_id = %s", ada.id
    )
    assert links == 1


def test_a_link_that_anybody_asks_for_leaves_that_of_an_admin_valid(
    ada: Person, mailing: Mailing
):
    goatherd, visitor = ada.tenant.goatherd, Visitor(ada.tenant.goatherd)
    path, _ = make_password_link(goatherd.store, ada.id)
    link_for(Visitor(goatherd), ada.email)
    (mail,) = mails_with_links(mailing, ada.email, least=1)
    found = LINK.search(text_of(mail))
    assert found is not None

    both = [visitor.get(each).status_code for each in (path, found[1])]
    visitor.submit(visitor.see(path), path, password=NEW)

    assert both == [200, 200]
    # Nobody needs the other one any more.
    assert [visitor.get(each).status_code for each in (path, found[1])] == [410, 410]


def test_a_mail_that_confirms_an_address_ends_what_a_squatter_set_up(
    ada: Person, mailing: Mailing
):
    """Somebody registered with an address that is not theirs."""
    goatherd = mailing.goatherd
    device, phone = Authenticator(f"http://{HOST}"), Phone(ada)
    csrf = ada.browser.csrf_in("/you")
    options = ada.browser.post("/you/passkeys/options", {"csrf": csrf}).json()
    made = {"credential": device.make(options), "name": "A phone"}
    ada.browser.submit(ada.browser.see("/you/passkeys"), "/you/passkeys", **made)
    key = ada.tenant.with_key("read", person_id=ada.id)
    goatherd.query(
        "INSERT INTO person_identities (digest, person_id, issuer) VALUES (%s, %s, %s)",
        *(ada.id.bytes, ada.id, "https://id.example.com"),
    )
    connected = e.SignInMethodChanged(method="oidc", change="added")
    goatherd.append(ada.id, connected)
    squatted = ways_in(ada)
    assert key.get("/creators").status_code == 200

    def chosen_by_mail(least: int) -> httpx.Response:
        goatherd.query("DELETE FROM password_links WHERE person_id = %s", ada.id)
        link_for(Visitor(goatherd), ada.email)
        mails = mails_with_links(mailing, ada.email, least=least)
        found = LINK.search(text_of(mails[-1]))
        assert found is not None
        victim = Visitor(goatherd)
        return victim.submit(victim.see(found[1]), found[1], password=NEW)

    first = chosen_by_mail(1)

    assert squatted == ["codes", "oidc", "passkey", "password", "recovery"]
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert ways_in(ada) == ["password"]
    goatherd.catch_up()
    assert wait_until(
        lambda: key.get("/creators").status_code == 401, seconds=PATIENTLY
    )
    assert phone.recovery
    person = person_of(goatherd.events(ada.id))
    assert person is not None
    assert (person.methods, person.passkeys) == ({"password"}, 0)
    # A person with a confirmed address keeps their codes when they forget a password.
    ada.sign_in(ada.browser, password=NEW)
    Phone(ada)
    second = chosen_by_mail(2)
    assert second.headers["location"].startswith("/sign-in/code")
    assert ways_in(ada) == ["codes", "password", "recovery"]


def test_a_mailed_link_makes_a_passkey_in_place_of_a_squatters(
    ada: Person, mailing: Mailing
):
    goatherd, victim = mailing.goatherd, Visitor(mailing.goatherd)
    squatters, own = (Authenticator(f"http://{HOST}") for _ in range(2))
    csrf = ada.browser.csrf_in("/you")
    options = ada.browser.post("/you/passkeys/options", {"csrf": csrf}).json()
    made = {"credential": squatters.make(options), "name": "A phone"}
    ada.browser.submit(ada.browser.see("/you/passkeys"), "/you/passkeys", **made)
    assert ways_in(ada) == ["passkey", "password"]
    link_for(Visitor(goatherd), ada.email)
    (mail,) = mails_with_links(mailing, ada.email, least=1)
    found = LINK.search(text_of(mail))
    assert found is not None

    options = victim.post(f"{found[1]}/passkey", {"name": ""}).json()
    chosen = victim.post(found[1], {"credential": own.make(options)})

    assert (chosen.status_code, chosen.headers["location"]) == (303, "/")
    known = "SELECT credential_id FROM passkeys WHERE person_id = %s"
    assert goatherd.query(known, ada.id) == [(own.credential_id,)]
    assert ways_in(ada) == ["passkey"]


def ways_in(person: Person) -> list[str]:
    """The things in tables with which a person signs in."""
    found = person.tenant.goatherd.query(
        """
        SELECT kind FROM person_secrets WHERE person_id = %(person)s
        UNION SELECT 'passkey' FROM passkeys WHERE person_id = %(person)s
        UNION SELECT 'oidc' FROM person_identities WHERE person_id = %(person)s
        ORDER BY 1
        """.replace("%(person)s", f"'{person.id}'")
    )
    return [kind for (kind,) in found]


@pytest.mark.usefixtures("long_delays")
def test_requests_are_slowed_by_address_and_for_one_account(
    ada: Person, subtests: pytest.Subtests
):
    goatherd = ada.tenant.goatherd
    with subtests.test("one browser"):
        visitor = Visitor(goatherd)
        statuses = [link_for(visitor, ada.email).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]
    with subtests.test("many addresses"):
        statuses = [
            link_for(Visitor(goatherd), ada.email).status_code for _ in range(20)
        ]
        assert statuses[0] == 200
        assert statuses[-1] == 429
    # Nobody else waits for that.
    other = link_for(Visitor(goatherd), f"eve.{uuid4().hex}@example.com")
    assert other.status_code == 200


def test_without_mail_people_are_told_to_ask_an_admin(passer_by: Visitor, home: Tenant):
    ada = owner_of(home)
    page = passer_by.see(PATH)
    answer = passer_by.post(PATH, {"email": ada.email})

    assert "Ask an admin" in page.one("main").text
    assert page.all("form", action=PATH) == []
    assert answer.status_code == 200
    assert "Ask an admin" in answer.text
    links = home.goatherd.query(
        "SELECT FROM password_links WHERE person_id = %s", ada.id
    )
    assert links == []
