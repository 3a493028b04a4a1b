"""A forgotten password: a link by mail, and nothing told about addresses."""

import re
from email.message import EmailMessage
from uuid import uuid4

import httpx
import pytest

from application.accounts.operators import make_password_link
from tests.kit.application import Tenant
from tests.kit.mail_server import text_of
from tests.kit.mailing import Mailing
from tests.kit.markup import read
from tests.kit.people import Person, owner_of
from tests.kit.visitor import Visitor

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
