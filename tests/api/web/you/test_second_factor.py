"""People with an authenticator app enter a code after their password."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from msgspec.structs import replace
from pyotp.totp import TOTP

from application.accounts.operators import (
    erase,
    make_password_link,
    remove_second_factor,
)
from domain import events as e
from tests.kit.application import Tenant, settings_for
from tests.kit.builders import asking, opened_store
from tests.kit.mail_server import text_of
from tests.kit.mailing import PUBLIC_URL, Mailing
from tests.kit.markup import read
from tests.kit.people import COOKIE, PASSWORD, Person, owner_of, second_owner
from tests.kit.visitor import Visitor

STEP = "goatherd_second_step"


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


class Phone:
    """The authenticator app of a person, and the recovery codes that they kept."""

    def __init__(self, person: Person) -> None:
        self.person = person
        page = person.browser.see("/you/second-factor")
        self.seed = page.one("code").text.replace(" ", "")
        self.first_code = self.code_now()
        answer = person.browser.submit(page, "/you/second-factor", code=self.first_code)
        self.recovery = self.codes_in(answer)

    def code_now(self) -> str:
        return TOTP(self.seed).now()

    def fresh_code(self) -> str:
        """A code that works although the last one was just used."""
        self.person.tenant.goatherd.query(
            "UPDATE person_secrets SET last_step = NULL WHERE kind = 'codes' "
            "AND person_id = %s",
            self.person.id,
        )
        return self.code_now()

    @staticmethod
    def codes_in(answer: httpx.Response) -> list[str]:
        assert answer.status_code == 200, answer.text
        return read(answer.text).one("textarea").text.split()


@pytest.fixture
def phone(ada: Person) -> Phone:
    return Phone(ada)


def first_step(person: Person, visitor: Visitor, next_: str = "") -> httpx.Response:
    form = {"email": person.email, "password": PASSWORD, "next": next_}
    return visitor.post("/sign-in", form)


def second_step(visitor: Visitor, code: str, next_: str = "") -> httpx.Response:
    return visitor.post("/sign-in/code", {"code": code, "next": next_})


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/creators").status_code == 200


def signed_in_by(person: Person) -> list[str]:
    return [
        recorded.event.method
        for recorded in person.tenant.goatherd.log(person.id)
        if isinstance(recorded.event, e.PersonSignedIn)
    ]


def test_a_session_begins_after_the_code_and_not_before(
    ada: Person, phone: Phone, passer_by: Visitor
):
    first = first_step(ada, passer_by, next_="/videos")
    between = dict(passer_by.cookies)
    page = passer_by.see("/sign-in/code?next=/videos")
    was_in = is_in(passer_by)
    last = passer_by.submit(page, "/sign-in/code", code=phone.fresh_code())

    assert first.status_code == 303
    assert first.headers["location"] == "/sign-in/code?next=%2Fvideos"
    (cookie,) = first.headers.get_list("set-cookie")
    for said in (f"{STEP}=", "; HttpOnly", "; SameSite=Lax", "; Max-Age=600"):
        assert said in cookie
    assert COOKIE not in between
    assert not was_in
    assert (last.status_code, last.headers["location"]) == (303, "/videos")
    assert is_in(passer_by)
    assert passer_by.cookies[COOKIE] != between[STEP]
    assert STEP not in passer_by.cookies
    assert signed_in_by(ada) == ["password", "codes"]
    # The cookie of the first step is no session, and no first step any more.
    thief = Visitor(ada.tenant.goatherd)
    thief.cookies[COOKIE] = thief.cookies[STEP] = between[STEP]
    assert not is_in(thief)
    assert thief.get("/sign-in/code").headers["location"] == "/"


def test_over_tls_the_cookie_of_the_first_step_belongs_to_this_host_alone(
    ada: Person, phone: Phone, passer_by: Visitor
):
    assert phone.recovery
    form = {"email": ada.email, "password": PASSWORD}
    answer = passer_by.post("/sign-in", form, headers={"X-Forwarded-Proto": "https"})

    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"__Host-{STEP}=")
    assert "; Secure" in cookie


def test_a_page_elsewhere_is_not_followed_after_the_code(
    ada: Person, phone: Phone, passer_by: Visitor
):
    first_step(ada, passer_by, next_="//evil.example")
    answer = second_step(passer_by, phone.fresh_code(), next_="//evil.example")

    assert answer.headers["location"] == "/"


def test_a_code_works_once_and_so_does_a_recovery_code(
    ada: Person, phone: Phone, subtests: pytest.Subtests
):
    def tries(code: str) -> list[int]:
        answers: list[int] = []
        for _ in range(2):
            visitor = Visitor(ada.tenant.goatherd)
            first_step(ada, visitor)
            answers.append(second_step(visitor, code).status_code)
            assert is_in(visitor) == (answers[-1] == 303)
        return answers

    spelled = phone.recovery[3].lower().replace("-", " ")
    # The code that set the app up is used already.
    assert tries(phone.first_code) == [401, 401]
    for code in (phone.fresh_code(), spelled):
        with subtests.test(code):
            assert tries(code) == [303, 401]
    assert signed_in_by(ada) == ["password", "codes", "recovery"]
    assert "9 recovery codes" in ada.browser.see("/you").text


def test_of_many_who_use_one_code_at_a_time_one_gets_in(
    ada: Person, phone: Phone, subtests: pytest.Subtests
):
    for code in (phone.fresh_code(), phone.recovery[0]):
        with subtests.test(code):
            visitors = [Visitor(ada.tenant.goatherd) for _ in range(4)]
            for visitor in visitors:
                first_step(ada, visitor)

            def used(visitor: Visitor, code: str = code) -> int:
                return second_step(visitor, code).status_code

            with ThreadPoolExecutor(4) as threads:
                answers = sorted(threads.map(used, visitors))

            assert answers == [303, 401, 401, 401]


def test_codes_of_others_and_of_other_times_are_refused(
    ada: Person, phone: Phone, stranger: Tenant, passer_by: Visitor
):
    other = Phone(owner_of(stranger, name="Ben"))
    first_step(ada, passer_by)
    early = TOTP(phone.seed).at(int(time.time()) + 300)

    for code in (other.code_now(), other.recovery[0], early, ""):
        answer = second_step(passer_by, code)
        assert answer.status_code == 401, code
        assert "not right" in read(answer.text).one("p", role="alert").text
        assert not code or code not in answer.text
    # The fifth wrong one ends the step: the password is asked for again.
    over = second_step(passer_by, "000000")
    assert "Sign in again" in read(over.text).one("p", role="alert").text
    assert second_step(passer_by, phone.fresh_code()).status_code == 401
    assert not is_in(passer_by)


@pytest.mark.usefixtures("long_delays")
def test_wrong_codes_slow_the_next_ones_down(ada: Person, phone: Phone):
    visitor = Visitor(ada.tenant.goatherd)
    answers = []
    for _ in range(2):
        # A right password forgives no wrong codes.
        first_step(ada, visitor)
        answers += [second_step(visitor, "000000").status_code for _ in range(4)]
    first_step(ada, visitor)
    refused = second_step(visitor, phone.fresh_code())

    assert answers[:5] == [401] * 5
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    # The browser that signed in before is not slowed by others.
    ada.browser.post("/sign-out")
    first_step(ada, ada.browser)
    assert second_step(ada.browser, phone.fresh_code()).status_code == 303


@pytest.mark.usefixtures("phone")
def test_after_too_many_wrong_codes_a_sign_in_still_leads_to_the_page(
    ada: Person, passer_by: Visitor
):
    first_step(ada, passer_by)
    wrong = [second_step(passer_by, "000000", "/videos") for _ in range(5)]

    page = read(wrong[-1].text)
    assert "too many were wrong" in page.text
    assert page.all("input", name="next")[0]["value"] == "/videos"


def test_a_first_step_ends_with_its_time_and_with_another_password(
    ada: Person, phone: Phone, subtests: pytest.Subtests
):
    query = ada.tenant.goatherd.query
    path, _ = make_password_link(ada.tenant.goatherd.store, ada.id)
    new = "nine goats by the lake"
    for name, end in (
        (
            "its time",
            lambda: query("UPDATE pending_sign_ins SET expires_at = now()"),
        ),
        (
            "a link",
            lambda: Visitor(ada.tenant.goatherd).post(path, {"password": new}),
        ),
    ):
        with subtests.test(name):
            visitor = Visitor(ada.tenant.goatherd)
            assert first_step(ada, visitor).headers["location"].startswith("/sign-in/")
            end()

            assert visitor.get("/sign-in/code").headers["location"] == "/"
            assert second_step(visitor, phone.fresh_code()).status_code == 401
            assert not is_in(visitor)


def test_a_link_replaces_the_password_and_not_the_code(
    ada: Person, phone: Phone, passer_by: Visitor
):
    path, _ = make_password_link(ada.tenant.goatherd.store, ada.id)
    answer = passer_by.post(path, {"password": "nine goats by the lake"})

    assert answer.headers["location"].startswith("/sign-in/code")
    assert not is_in(passer_by)
    # All sessions ended with the old password.
    assert not is_in(ada.browser)
    assert second_step(passer_by, phone.fresh_code()).status_code == 303
    assert is_in(passer_by)


def test_a_second_factor_is_set_up_with_a_first_code(ada: Person):
    page = ada.browser.see("/you/second-factor")
    seed = page.one("code").text.replace(" ", "")
    wrong = ada.browser.submit(page, "/you/second-factor", code="000000")
    stranger_seed = ada.browser.post(
        "/you/second-factor",
        {
            "csrf": ada.browser.csrf_in("/you"),
            "seed": ada.browser.sessions.signed("seed", f"{ada.id} {seed}".encode()),
            "code": TOTP(seed).now(),
        },
    )

    assert page.all("svg")
    assert "Is not right" in read(wrong.text).one("p", class_="problem").text
    # A wrong code changes nothing: the app that was set up goes on fitting.
    assert read(wrong.text).one("code").text == page.one("code").text
    # Nobody makes a person take a seed that no page of this session had.
    assert stranger_seed.headers["location"] == "/you/second-factor"
    assert "Set up" in ada.browser.see("/you").text
    done = ada.browser.submit(page, "/you/second-factor", code=TOTP(seed).now())
    assert len(Phone.codes_in(done)) == 10
    assert done.headers["cache-control"] == "no-store, no-transform"
    assert "10 recovery codes" in ada.browser.see("/you").text
    again = ada.browser.see("/you/second-factor")
    assert not again.all("textarea")


def test_a_form_that_is_sent_again_leaves_the_recovery_codes(
    ada: Person, passer_by: Visitor
):
    page = ada.browser.see("/you/second-factor")
    code = TOTP(page.one("code").text.replace(" ", "")).now()
    first = ada.browser.submit(page, "/you/second-factor", code=code)
    again = ada.browser.submit(page, "/you/second-factor", code=code)

    assert again.headers["location"] == "/you/second-factor"
    assert "is set up already" in ada.browser.see("/you/second-factor").text
    first_step(ada, passer_by)
    assert second_step(passer_by, Phone.codes_in(first)[0]).status_code == 303
    assert is_in(passer_by)


def test_new_recovery_codes_end_the_earlier_ones(
    ada: Person, phone: Phone, passer_by: Visitor
):
    page = ada.browser.see("/you/second-factor")
    answer = ada.browser.submit(page, "/you/second-factor/recovery-codes")
    codes = Phone.codes_in(answer)

    assert not set(codes) & set(phone.recovery)
    first_step(ada, passer_by)
    assert second_step(passer_by, phone.recovery[0]).status_code == 401
    assert second_step(passer_by, codes[0]).status_code == 303


def test_a_removed_second_factor_asks_nobody_for_a_code(
    ada: Person, phone: Phone, passer_by: Visitor
):
    page = ada.browser.see("/you/second-factor")
    answer = ada.browser.submit(page, "/you/second-factor/remove")
    again = ada.browser.post(
        "/you/second-factor/recovery-codes", {"csrf": ada.browser.csrf_in("/you")}
    )

    assert phone.recovery
    assert answer.headers["location"] == "/you"
    assert again.headers["location"] == "/you/second-factor"
    ada.sign_in(passer_by)
    assert is_in(passer_by)
    changes = [
        (one.event.method, one.event.change)
        for one in ada.tenant.goatherd.log(ada.id)
        if isinstance(one.event, e.SignInMethodChanged)
    ]
    assert changes[1:] == [
        ("codes", "added"),
        ("recovery", "added"),
        ("codes", "removed"),
        ("recovery", "removed"),
    ]


def test_seeds_and_codes_are_nowhere_in_the_clear_and_go_with_the_person(
    ada: Person, phone: Phone
):
    goatherd = ada.tenant.goatherd
    kept = goatherd.query(
        "SELECT kind, sealed FROM person_secrets WHERE person_id = %s", ada.id
    )
    first_step(ada, Visitor(goatherd))
    second_owner(goatherd.store, ada.tenant.organization_id)
    erase(goatherd.store, ada.id, context=asking())

    assert {kind for kind, _ in kept} == {"password", "codes", "recovery"}
    for _, sealed in kept:
        assert phone.seed.encode() not in sealed
        assert phone.recovery[0].encode() not in sealed
    log = repr([recorded.event for recorded in goatherd.log(ada.id)])
    assert phone.seed not in log
    assert phone.recovery[0] not in log
    for table in ("person_secrets", "pending_sign_ins"):
        query = "SELECT FROM " + table + " WHERE person_id = %s"
        assert not goatherd.query(query, ada.id), table


def test_nobody_with_a_key_has_a_second_factor(visitor: Visitor):
    assert visitor.get("/you/second-factor").headers["location"] == "/you"
    assert visitor.post("/you/second-factor").status_code == 403


def test_an_operator_removes_the_second_factor_of_somebody_who_lost_it(
    ada: Person, phone: Phone, passer_by: Visitor
):
    store = ada.tenant.goatherd.store
    remove_second_factor(store, ada.id, context=asking())
    path, _ = make_password_link(store, ada.id)
    answer = passer_by.post(path, {"password": "nine goats by the lake"})

    assert phone.recovery
    assert answer.headers["location"] == "/"
    assert is_in(passer_by)


def test_a_code_is_a_proof_once_and_changes_need_one(ada: Person, phone: Phone):
    page = ada.browser.see("/you/second-factor")
    goatherd, action = ada.tenant.goatherd, "/you/second-factor/recovery-codes"
    goatherd.query("UPDATE person_sessions SET proved_at = now() - interval '601 s'")
    goatherd.client.app.state.site.people.forget_all()
    question = read(ada.browser.submit(page, action).text)
    form = next(one for one in question.all("form") if one.all("input", name="code"))
    kept = {field["name"]: field["value"] for field in form.all("input", type="hidden")}

    wrong = ada.browser.post(action, {**kept, "code": phone.first_code})
    right = ada.browser.post(action, {**kept, "code": phone.recovery[0]})

    assert wrong.status_code == 403
    assert "not right" in read(wrong.text).one("p", role="alert").text
    assert len(Phone.codes_in(right)) == 10


def test_codes_as_proofs_are_counted_as_codes(ada: Person, phone: Phone):
    page = ada.browser.see("/you/second-factor")
    goatherd, action = ada.tenant.goatherd, "/you/second-factor/recovery-codes"
    goatherd.query("UPDATE person_sessions SET proved_at = now() - interval '601 s'")
    goatherd.client.app.state.site.people.forget_all()
    question = read(ada.browser.submit(page, action).text)
    form = next(one for one in question.all("form") if one.all("input", name="code"))
    kept = {field["name"]: field["value"] for field in form.all("input", type="hidden")}

    guesses = [
        ada.browser.post(action, {**kept, "code": f"{number:06}"}).status_code
        for number in range(6)
    ]
    password = ada.browser.post(action, {**kept, "current_password": ada.password})

    # A right password would forgive guesses that were counted with its own.
    assert phone.recovery
    assert guesses == [403] * 5 + [429]
    assert len(Phone.codes_in(password)) == 10


def test_a_change_of_the_second_factor_is_mailed_whoever_made_it(mailing: Mailing):
    goatherd = mailing.goatherd
    ada = owner_of(goatherd.tenant())
    phone = Phone(ada)
    page = ada.browser.see("/you/second-factor")
    ada.browser.submit(page, "/you/second-factor/recovery-codes")
    page = ada.browser.see("/you/second-factor")
    ada.browser.submit(page, "/you/second-factor/remove")
    Phone(ada)
    settings = replace(
        settings_for(goatherd.url, smtp_url=mailing.smtp_url), url=PUBLIC_URL
    )
    with opened_store(goatherd.url, settings=settings) as store:
        for _ in range(2):
            remove_second_factor(store, ada.id, context=asking("cli"))

    mails = mailing.mails_to(ada.email, subject="second factor", least=4)

    on, off = (f"Your second factor was turned {change}" for change in ("on", "off"))
    assert [mail["Subject"] for mail in mails] == [on, off, on, off]
    text = text_of(mails[-1])
    assert "needs no code of an authenticator app, since 20" in text
    assert f"{PUBLIC_URL}/you\n" in text
    assert phone.seed not in text
