"""A sign-in in a new browser tells the person, in a known one nobody."""

import pytest

from api.web.sign_in.devices import BROWSER
from tests.kit.application import data_of
from tests.kit.mail_server import text_of
from tests.kit.mailing import Mailing
from tests.kit.people import COOKIE, Person, owner_of
from tests.kit.visitor import Visitor

TITLE = "new-title"


@pytest.fixture
def ada(mailing: Mailing) -> Person:
    return owner_of(mailing.goatherd.tenant())


def has_news(person: Person) -> bool:
    return bool(person.browser.see("/you").all("h2", id=TITLE))


def test_a_new_browser_is_news_by_mail_and_on_the_page_once(
    ada: Person, mailing: Mailing
):
    goatherd = ada.tenant.goatherd
    assert not has_news(ada)
    elsewhere = Visitor(goatherd)
    for _ in range(2):
        ada.sign_in(elsewhere)
        elsewhere.cookies.pop(COOKIE)
    page = ada.browser.see("/you")
    (mail,) = [
        one
        for one in mailing.mails_to(ada.email)
        if one["Subject"] == "A new sign-in to Goatherd"
    ]

    section = page.one("section", **{"aria-labelledby": TITLE})
    assert section.one("h2").text == "A new sign-in"
    assert section.all("li")[0].text.startswith("An unknown browser from 10.")
    assert "https://goats.example.com/you\n" in text_of(mail)
    key = ada.tenant.with_key("read", person_id=ada.id)
    ada.tenant.goatherd.catch_up()
    (news,) = data_of(key.get("/notifications"))
    words = "You signed in with a new browser: An unknown browser"
    assert (news["kind"], news["title"], news["path"]) == ("new_sign_in", words, "/you")
    # They are nobody else's.
    assert data_of(ada.tenant.get("/notifications")) == []
    assert "from 10." in text_of(mail)
    digests = goatherd.query("SELECT digest FROM person_devices")
    assert all(elsewhere.cookies[BROWSER].encode() not in one for (one,) in digests)
    dismissed = ada.browser.submit(page, "/you/new-sign-ins/dismiss")
    assert dismissed.status_code == 303
    assert not has_news(ada)
    ada.sign_in(elsewhere)
    assert not has_news(ada)


def test_the_own_browser_is_no_news_for_two_people_who_share_it(ada: Person):
    ben = owner_of(ada.tenant.goatherd.tenant(), name="Ben")
    shared = ada.browser
    shared.cookies.pop(COOKIE)
    ben.sign_in(shared)
    assert shared.see("/you").one("h2", id=TITLE).text == "A new sign-in"
    shared.submit(shared.see("/you"), "/you/new-sign-ins/dismiss")
    for person in (ada, ben, ada, ben):
        shared.cookies.pop(COOKIE)
        person.sign_in(shared)
        assert shared.see("/you").all("h2", id=TITLE) == []


def test_a_cookie_of_another_form_is_replaced(ada: Person):
    elsewhere = Visitor(ada.tenant.goatherd)
    elsewhere.cookies[BROWSER] = "goat"
    ada.sign_in(elsewhere)

    assert len(elsewhere.cookies[BROWSER]) == 32
    assert has_news(ada)
