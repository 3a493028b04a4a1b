"""An address is confirmed by a link that only a mail to it has."""

from uuid import UUID, uuid4

import pytest

from application.accounts.operators import make_password_link
from domain import events as e
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.mail_server import text_of
from tests.kit.mailing import Mailing
from tests.kit.people import PASSWORD, Person, owner_of
from tests.kit.visitor import Visitor

PATH, INVITATIONS = "/you/email/", "/invitations/"
SUBJECT = "Confirm your address for Goatherd"


@pytest.fixture
def ada(mailing: Mailing) -> Person:
    return owner_of(mailing.goatherd.tenant())


def is_confirmed(goatherd: Goatherd, person_id: UUID) -> bool:
    ((found,),) = goatherd.query(
        "SELECT email_confirmed FROM people WHERE person_id = %s", person_id
    )
    history = goatherd.events(person_id)
    of_address = (e.EmailChanged, e.EmailConfirmed)
    last = [one for one in history if isinstance(one, of_address)][-1:]
    assert found == (last == [e.EmailConfirmed()])
    return found


def confirmations(mailing: Mailing, email: str) -> int:
    return [one["Subject"] for one in mailing.mails_to(email)].count(SUBJECT)


def confirm(visitor: Visitor, link: str) -> int:
    return visitor.submit(visitor.see(link), link).status_code


def move_to(person: Person, email: str) -> None:
    page = person.browser.see("/you")
    changed = person.browser.submit(
        page, "/you/email", email=email, current_password=PASSWORD
    )
    assert changed.status_code == 303, changed.text


def someone(mailing: Mailing, tenant: Tenant, *, by_mail: bool) -> UUID:
    """Somebody who accepted an invitation by the link in a mail, or by the other."""
    email = f"ben.{uuid4().hex}@example.com"
    body = {"email": email, "role": "viewer"}
    sent = data_of(tenant.post("/invitations", body), status=201)
    tenant.goatherd.catch_up()
    mailed = mailing.link_to(email, INVITATIONS)
    path = mailed if by_mail else INVITATIONS + sent["link"].rpartition("/")[2]
    visitor = Visitor(tenant.goatherd)
    visitor.submit(visitor.see(path), f"{path}/accept", name="Ben", password=PASSWORD)
    assert confirmations(mailing, email) == (0 if by_mail else 1)
    ((person_id,),) = tenant.goatherd.query(
        "SELECT person_id FROM people WHERE email = %s", email
    )
    return person_id


def test_a_new_person_confirms_their_address_once_and_nobody_else_does(
    ada: Person, mailing: Mailing
):
    goatherd, link = mailing.goatherd, mailing.link_to(ada.email, PATH)
    eve = owner_of(goatherd.tenant(), name="Eve")
    signed_out = Visitor(goatherd).get(link)
    foreign = eve.browser.see(link, status=403)
    taken = eve.browser.post(link, {"csrf": eve.browser.csrf_in("/you")})
    before = is_confirmed(goatherd, ada.id)
    unconfirmed = ada.browser.see("/you")
    statuses = confirm(ada.browser, link), ada.browser.get(link).status_code

    assert signed_out.status_code == 303
    assert "somebody else" in foreign.one("h1").text
    assert ada.email not in foreign.text
    assert taken.status_code == 403
    assert not before
    assert unconfirmed.one("h2", id="email-title").text == "Email not confirmed"
    assert statuses == (303, 410)
    assert is_confirmed(goatherd, ada.id)
    assert not is_confirmed(goatherd, eve.id)
    page = ada.browser.see("/you")
    assert page.one("h2", id="email-title").text == "Email confirmed"
    assert page.all("form", action="/you/email/link") == []


def test_another_address_is_not_confirmed_by_a_link_to_the_former_one(
    ada: Person, mailing: Mailing
):
    goatherd, new = mailing.goatherd, f"new.{uuid4().hex}@example.com"
    former = mailing.link_to(ada.email, PATH)
    assert confirm(ada.browser, former) == 303
    move_to(ada, new)
    assert not is_confirmed(goatherd, ada.id)
    assert "has a new address" in mailing.mails_to(ada.email)[-1]["Subject"]
    assert new not in text_of(mailing.mails_to(ada.email)[-1])
    link = mailing.link_to(new, PATH)
    move_to(ada, ada.email)
    assert ada.browser.get(link).status_code == 410
    move_to(ada, new)
    # An hour later.
    late = mailing.link_to(new, PATH)
    with goatherd.store.pool.connection() as connection:
        connection.execute(
            "UPDATE email_links SET expires_at = now() WHERE person_id = %s", (ada.id,)
        )
    assert ada.browser.get(late).status_code == 410
    csrf = ada.browser.csrf_in("/you")
    assert ada.browser.post(late, {"csrf": csrf}).status_code == 410
    assert not is_confirmed(goatherd, ada.id)
    again = ada.browser.submit(ada.browser.see("/you"), "/you/email/link")
    assert again.status_code == 303
    assert confirm(ada.browser, mailing.link_to(new, PATH)) == 303
    assert is_confirmed(goatherd, ada.id)


def test_only_links_that_came_by_mail_confirm_an_address(mailing: Mailing):
    goatherd, tenant = mailing.goatherd, mailing.goatherd.tenant()
    by_mail = someone(mailing, tenant, by_mail=True)
    by_hand = someone(mailing, tenant, by_mail=False)
    assert is_confirmed(goatherd, by_mail)
    assert not is_confirmed(goatherd, by_hand)

    ada = owner_of(tenant, name="Ada Alm")
    path, _ = make_password_link(goatherd.store, ada.id)
    visitor = Visitor(goatherd)
    visitor.submit(visitor.see(path), path, password=PASSWORD)
    assert not is_confirmed(goatherd, ada.id)
    visitor.post("/sign-in/forgotten", {"email": ada.email})
    mailing.mails_to(ada.email, subject="Choose a new password", least=1)
    # The operator's link was used, so that the mail has the only one.
    path = mailing.link_to(ada.email, "/password/")
    visitor.submit(visitor.see(path), path, password=PASSWORD)
    assert is_confirmed(goatherd, ada.id)


def test_an_account_accepts_an_invitation_by_mail_and_confirms_its_address(
    ada: Person, mailing: Mailing
):
    goatherd = mailing.goatherd
    body = {"email": ada.email, "role": "viewer"}
    data_of(goatherd.tenant().post("/invitations", body), status=201)
    goatherd.catch_up()
    path = mailing.link_to(ada.email, INVITATIONS)
    accepted = ada.browser.submit(ada.browser.see(path), f"{path}/accept")

    assert accepted.status_code == 303
    assert is_confirmed(goatherd, ada.id)


def test_ten_mails_a_day_ask_for_a_confirmation(ada: Person, mailing: Mailing):
    csrf = ada.browser.csrf_in("/you")
    for _ in range(11):
        ada.browser.post("/you/email/link", {"csrf": csrf})

    assert "No mail was sent" in ada.browser.see("/you").text
    assert confirmations(mailing, ada.email) == 10
    former, new = mailing.link_to(ada.email, PATH), f"new.{uuid4().hex}@example.com"
    move_to(ada, new)
    assert confirmations(mailing, new) == 0
    assert ada.browser.get(former).status_code == 410


def test_without_a_mail_server_nothing_is_to_be_confirmed(home: Tenant):
    ada = owner_of(home)

    assert ada.browser.see("/you").all("form", action="/you/email/link") == []
    csrf = ada.browser.csrf_in("/you")
    ada.browser.post("/you/email/link", {"csrf": csrf})
    assert "No mail was sent" in ada.browser.see("/you").text
    assert not is_confirmed(home.goatherd, ada.id)
