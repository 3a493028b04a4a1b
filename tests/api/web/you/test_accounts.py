"""People sign in with email and password, and see and end their sessions."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from pyotp.totp import TOTP

from api.http.access.sessions import COOKIE as KEY_COOKIE
from api.http.access.slowed_tries import SharedChecks
from api.web.sign_in.devices import COOKIE as DEVICE
from application.accounts.operators import erase, make_password_link, register
from application.accounts.service import PersonAccounts
from domain import events as e
from domain.organization.errors import LastOwnerError
from domain.person.errors import EmailTakenError
from infra.embedded.processes import wait_until
from tests.api.web.you.test_passkeys import ORIGIN, added, options_to_add
from tests.kit.application import Goatherd, Tenant, code_of, data_of, serving
from tests.kit.authenticator import Authenticator
from tests.kit.builders import asking
from tests.kit.markup import read
from tests.kit.patience import PATIENTLY
from tests.kit.people import (
    COOKIE,
    PASSWORD,
    Person,
    owner_of,
    second_owner,
    session_of,
)
from tests.kit.visitor import Visitor


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


@pytest.fixture
def elsewhere(ada: Person) -> Visitor:
    """Another browser in which the person is signed in."""
    visitor = Visitor(ada.tenant.goatherd)
    ada.sign_in(visitor)
    return visitor


def tried(visitor: Visitor, email: str, password: str) -> httpx.Response:
    return visitor.post("/sign-in", {"email": email, "password": password})


def changed(person: Person, **fields: str) -> httpx.Response:
    page = person.browser.see("/you")
    return person.browser.submit(page, "/you/password", **fields)


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/creators").status_code == 200


def test_a_person_signs_in_with_any_spelling_of_their_address(
    passer_by: Visitor, ada: Person
):
    page = passer_by.see("/")
    form = page.one("form", action="/sign-in")
    answer = tried(passer_by, f" {ada.email.upper()} ", PASSWORD)

    assert [one["name"] for one in form.all("input")] == ["next", "email", "password"]
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    (cookie,) = (
        line
        for line in answer.headers.get_list("set-cookie")
        if line.startswith(f"{COOKIE}=")
    )
    for said in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=7776000"):
        assert f"; {said}" in cookie
    assert "Secure" not in cookie
    assert "Ada Alm" in passer_by.see("/creators").one("button", class_="account").text


def test_over_tls_the_cookie_belongs_to_this_host_alone(
    passer_by: Visitor, ada: Person
):
    form = {"email": ada.email, "password": PASSWORD}
    tls = {"X-Forwarded-Proto": "https"}

    answer = passer_by.post("/sign-in", form, headers=tls)

    (cookie,) = (
        line
        for line in answer.headers.get_list("set-cookie")
        if line.startswith(f"__Host-{COOKIE}=")
    )
    assert "; Secure" in cookie
    assert "; Path=/" in cookie
    assert "Domain" not in cookie
    assert passer_by.get("/creators", headers=tls).status_code == 200
    # Without TLS the cookie has no meaning, whoever sends it.
    assert not is_in(passer_by)


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    ada: Person, goatherd: Goatherd
):
    before = goatherd.query("SELECT count(*) FROM person_sessions")
    answers = [
        tried(Visitor(goatherd), email, password)
        for email, password in (
            (ada.email, "seven goats on a rock"),
            (f"ben.{uuid4().hex}@example.com", PASSWORD),
            (ada.email, ""),
            ("", PASSWORD),
        )
    ]

    for answer in answers:
        assert answer.status_code == 401
        assert answer.headers.get_list("set-cookie") == []
        assert PASSWORD not in answer.text
    texts = {read(a.text).one("p", role="alert").text for a in answers}
    assert len(texts) == 1
    assert goatherd.query("SELECT count(*) FROM person_sessions") == before


def test_the_cookie_opens_no_door_of_the_api(ada: Person):
    client = ada.tenant.goatherd.client
    cookie = f"{COOKIE}={ada.browser.cookies[COOKIE]}"

    answer = client.get("/api/v1/me", headers={"Cookie": cookie})

    assert code_of(answer) == (401, "invalid_api_key")


def test_a_session_of_before_signing_in_is_not_taken_over(
    passer_by: Visitor, ada: Person
):
    passer_by.cookies[COOKIE] = planted = "A" * 43
    tried(passer_by, ada.email, PASSWORD)
    first = passer_by.cookies[COOKIE]
    tried(passer_by, ada.email, PASSWORD)

    assert len({planted, first, passer_by.cookies[COOKIE]}) == 3
    # Signing in again ended the session that the browser had.
    passer_by.cookies[COOKIE] = first
    assert not is_in(passer_by)


def test_signing_in_as_a_person_ends_the_session_with_a_key(
    visitor: Visitor, ada: Person
):
    copied = visitor.cookies[KEY_COOKIE]
    tried(visitor, ada.email, PASSWORD)
    thief = Visitor(visitor.goatherd)
    thief.cookies[KEY_COOKIE] = copied

    assert KEY_COOKIE not in visitor.cookies
    assert wait_until(lambda: not is_in(thief), seconds=2)
    visitor.post("/sign-in", {"key": ada.tenant.key})
    assert COOKIE not in visitor.cookies
    assert "with an API key" in visitor.see("/you").text


def test_signing_out_ends_the_session_in_every_process(ada: Person):
    copied = dict(ada.browser.cookies)
    with serving(ada.tenant.goatherd.url) as other_process:
        goatherd = ada.tenant.goatherd
        there = Visitor(Goatherd(other_process, goatherd.store, goatherd.url))
        there.cookies |= copied
        before = is_in(there)
        ada.browser.post("/sign-out")
        noticed = wait_until(lambda: not is_in(there), seconds=2)
    ada.browser.cookies |= copied

    assert before
    assert noticed
    assert not is_in(ada.browser)


def test_sessions_end_after_two_weeks_without_use_and_after_ninety_days(
    ada: Person, subtests: pytest.Subtests
):
    query = ada.tenant.goatherd.query
    for change, lives in (
        ("last_used_at = now() - interval '13 days 23 hours'", True),
        ("last_used_at = now() - interval '14 days 1 minute'", False),
        ("created_at = now() - interval '89 days 23 hours'", True),
        ("created_at = now() - interval '90 days 1 minute'", False),
    ):
        with subtests.test(change):
            visitor = Visitor(ada.tenant.goatherd)
            ada.sign_in(visitor)
            newest = "(SELECT id FROM person_sessions ORDER BY id DESC LIMIT 1)"
            query(f"UPDATE person_sessions SET {change} WHERE id = {newest}")  # noqa: S608

            assert is_in(visitor) == lives
            # A use is noted, and begins the two weeks anew.
            (fresh,) = query(
                "SELECT last_used_at > now() - interval '1 minute' "
                "FROM person_sessions ORDER BY id DESC LIMIT 1"
            )
            assert fresh == (lives or "created" in change,)


def test_the_page_lists_browsers_and_signs_one_of_them_out(
    ada: Person, elsewhere: Visitor
):
    phone = Visitor(ada.tenant.goatherd)
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/604.1"
    phone.ask(
        "POST",
        "/sign-in",
        content=f"email={ada.email}&password={PASSWORD.replace(' ', '+')}",
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": agent,
        },
    )
    page = ada.browser.see("/you")
    rows = page.one("table").all("tr")[1:]
    (row,) = (row for row in rows if "Safari on iPhone" in row.text)
    action = row.one("form", method="post")["action"]

    answer = ada.browser.submit(page, action)

    assert len(rows) == 3
    assert "this browser" in page.one("table").text
    assert answer.headers["location"] == "/you"
    assert "is signed out" in ada.browser.see("/you").text
    assert not is_in(phone)
    assert is_in(elsewhere)
    again = ada.browser.post(action, {"csrf": ada.browser.csrf_in("/you")})
    assert again.status_code == 404


def test_nobody_ends_the_session_of_another_person(ada: Person, stranger: Tenant):
    other = owner_of(stranger, name="Ben")
    ((theirs,),) = ada.tenant.goatherd.query(
        "SELECT id FROM person_sessions WHERE person_id = %s", other.id
    )

    answer = ada.browser.post(
        f"/you/sessions/{theirs}/end", {"csrf": ada.browser.csrf_in("/you")}
    )

    assert answer.status_code == 404
    assert is_in(other.browser)


def test_a_new_password_ends_all_other_sessions_and_the_old_password(
    ada: Person, elsewhere: Visitor
):
    new = "eight goats in a valley"
    answer = changed(ada, current_password=PASSWORD, password=new)

    assert answer.headers["location"] == "/you"
    assert is_in(ada.browser)
    assert not is_in(elsewhere)
    assert tried(elsewhere, ada.email, PASSWORD).status_code == 401
    ada.sign_in(elsewhere, password=new)
    stored = ada.tenant.goatherd.query(
        "SELECT sealed FROM person_secrets WHERE person_id = %s", ada.id
    )
    assert b"argon2" not in stored[0][0]


def test_weak_and_unproven_passwords_are_refused(
    ada: Person, subtests: pytest.Subtests
):
    for fields, problem in (
        ({"password": "short"}, "Must have at least 12 characters."),
        ({"password": "QwertyQwerty"}, "it is among the most common ones."),
        ({"password": ada.email}, "Must not contain the name in your email address."),
        ({"current_password": "wrong"}, "Is not your password."),
    ):
        with subtests.test(problem):
            right = {"current_password": PASSWORD, "password": "eight goats on a hill"}
            answer = changed(ada, **{**right, **fields})

            assert answer.status_code == 400
            assert problem in read(answer.text).one("p", class_="problem").text
            assert not any(v in answer.text for v in right.values())
    ada.sign_in(Visitor(ada.tenant.goatherd))


def test_another_address_needs_the_password_and_is_nobody_elses(
    ada: Person, stranger: Tenant, passer_by: Visitor
):
    other = owner_of(stranger, name="Ben")
    new = f"Ada.{uuid4().hex}@example.com"

    def sent(email: str, password: str) -> httpx.Response:
        fields = {"email": email, "current_password": password}
        return ada.browser.submit(ada.browser.see("/you"), "/you/email", **fields)

    assert "Is not your password" in sent(new, "wrong").text
    assert "has this address" in sent(other.email.upper(), PASSWORD).text
    assert sent("ada", PASSWORD).status_code == 400
    assert sent(new, PASSWORD).headers["location"] == "/you"
    assert tried(passer_by, ada.email, PASSWORD).status_code == 401
    assert tried(passer_by, new.lower(), PASSWORD).status_code == 303


def test_a_name_and_a_time_zone_change_what_is_shown(ada: Person):
    page = ada.browser.see("/you")
    answer = ada.browser.submit(
        page, "/you", name="Ada Berg", time_zone="Pacific/Kiritimati"
    )
    stale = ada.browser.submit(page, "/you", name="Ada Stale")
    fresh = ada.browser.see("/you")
    wrong = ada.browser.submit(fresh, "/you", name="Ada", time_zone="Berlin")

    assert answer.headers.get("location") == "/you", answer.text
    assert "Choose a time zone" in read(wrong.text).text
    assert stale.status_code == 412
    again = ada.browser.see("/you")
    assert again.one("input", name="name")["value"] == "Ada Berg"
    assert again.one("input", name="time_zone")["value"] == "Pacific/Kiritimati"
    assert "Ada Berg" in again.one("button", class_="account").text


def test_histories_notes_and_activity_name_the_person_by_their_present_name(
    ada: Person,
):
    tenant = ada.tenant
    project = str(tenant.project_id)
    creator = tenant.add(f"goat.{uuid4().hex[:12]}")
    path = f"/creators/{creator['id']}"
    csrf = ada.browser.csrf_in("/you")
    note = {"about": f"creator:{creator['id']}", "starts_on": "2026-03-01"}
    sent = ada.browser.post(
        "/annotations", {**note, "text": "Fair.", "csrf": csrf, "back": path}
    )
    assert sent.status_code == 303, sent.text
    made = ada.browser.post(
        "/campaigns",
        {"csrf": csrf, "name": "Sale", "project_id": project},
    )
    assert made.status_code == 303, made.text
    tenant.goatherd.catch_up()

    def named() -> set[str]:
        notes = data_of(tenant.get("/analytics/annotations"))
        (campaign,) = data_of(tenant.get("/campaigns"))
        history = data_of(tenant.get(f"/campaigns/{campaign['id']}/history"))
        return {
            next(n["author"] for n in notes if n["text"] == "Fair."),
            history[-1]["actor_name"],
        }

    assert named() == {"Ada Alm"}
    ada.browser.submit(ada.browser.see("/you"), "/you", name="Ada Berg")
    assert named() == {"Ada Berg"}
    second_owner(tenant.goatherd.store, tenant.organization_id)
    erase(tenant.goatherd.store, ada.id, context=asking())
    assert named() == {"an erased person"}
    assert not is_in(ada.browser)


def test_the_last_owner_is_not_erased(ada: Person):
    with pytest.raises(LastOwnerError):
        erase(ada.tenant.goatherd.store, ada.id, context=asking())

    assert is_in(ada.browser)


def test_an_erased_person_leaves_no_name_address_secret_or_session(ada: Person):
    goatherd = ada.tenant.goatherd
    second_owner(goatherd.store, ada.tenant.organization_id)
    erase(goatherd.store, ada.id, context=asking())

    for table in ("person_emails", "person_secrets", "person_sessions"):
        query = "SELECT FROM " + table + " WHERE person_id = %s"
        assert not goatherd.query(query, ada.id), table
    for table in ("people", "members"):
        query = f"SELECT name, email FROM {table} WHERE person_id = %s"  # noqa: S608
        assert goatherd.query(query, ada.id) == [(None, None)]

    def read_in_the_log() -> tuple[str, str]:
        event = goatherd.log(ada.id)[0].event
        assert isinstance(event, e.PersonRegistered)
        return event.name, event.email

    # Every process forgets the key within a second.
    erased = ("erased", "erased")
    assert wait_until(lambda: read_in_the_log() == erased, seconds=PATIENTLY)
    # The address is free again, and is another person's then.
    register(goatherd.store, name="Ada", email=ada.email, context=asking())


def test_of_many_who_register_one_address_at_a_time_one_gets_it(goatherd: Goatherd):
    email = f"ada.{uuid4().hex}@example.com"

    def registered(number: int) -> bool:
        spelled = email.upper() if number % 2 else email
        try:
            register(goatherd.store, name="Ada", email=spelled, context=asking())
        except EmailTakenError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(registered, range(12)))

    assert sum(got) == 1
    assert goatherd.query(
        "SELECT count(*) FROM people WHERE lower(email) = %s", email
    ) == [(1,)]


def test_a_link_sets_a_password_once_and_signs_all_browsers_out(
    ada: Person, elsewhere: Visitor, passer_by: Visitor
):
    path, _ = make_password_link(ada.tenant.goatherd.store, ada.id)
    new = "nine goats by the lake"
    looks = [passer_by.get(path) for _ in range(3)]
    weak = passer_by.post(path, {"password": "short"})
    answer = passer_by.submit(passer_by.see(path), path, password=new)

    assert [look.status_code for look in looks] == [200] * 3
    assert weak.status_code == 400
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert is_in(passer_by)
    assert not is_in(ada.browser)
    assert not is_in(elsewhere)
    used = Visitor(passer_by.goatherd)
    assert used.get(path).status_code == 410
    assert used.post(path, {"password": new}).status_code == 410
    ada.sign_in(elsewhere, password=new)


def test_of_many_who_use_a_link_at_a_time_one_gets_in(ada: Person):
    path, _ = make_password_link(ada.tenant.goatherd.store, ada.id)

    def used(number: int) -> int:
        form = {"password": f"goat number {number} on a hill"}
        return Visitor(ada.tenant.goatherd).post(path, form).status_code

    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(used, range(8)))

    assert answers == [303] + [410] * 7


def test_a_link_ends_after_an_hour_and_with_the_next_one(
    ada: Person, passer_by: Visitor
):
    store = ada.tenant.goatherd.store
    first, until = make_password_link(store, ada.id)
    second, _ = make_password_link(store, ada.id)
    ((left,),) = ada.tenant.goatherd.query(
        "SELECT %s - now() < interval '61 minutes'", until
    )

    assert left
    assert passer_by.get(first).status_code == 410
    assert passer_by.get(second).status_code == 200
    ada.tenant.goatherd.query(
        "UPDATE password_links SET expires_at = now() WHERE person_id = %s", ada.id
    )
    assert passer_by.get(second).status_code == 410


def test_another_password_and_another_address_end_an_open_link(
    ada: Person, passer_by: Visitor, subtests: pytest.Subtests
):
    new = f"ada.{uuid4().hex}@example.com"
    for path, fields in (
        ("/you/email", {"email": new, "current_password": PASSWORD}),
        (
            "/you/password",
            {"current_password": PASSWORD, "password": "eight goats in a valley"},
        ),
    ):
        with subtests.test(path):
            link, _ = make_password_link(ada.tenant.goatherd.store, ada.id)
            before = passer_by.get(link)
            answer = ada.browser.submit(ada.browser.see("/you"), path, **fields)

            assert before.status_code == 200
            assert answer.headers["location"] == "/you"
            assert passer_by.get(link).status_code == 410


def test_another_address_or_way_to_sign_in_ends_all_other_sessions(
    ada: Person, subtests: pytest.Subtests
):
    def another_address() -> httpx.Response:
        fields = {
            "email": f"ada.{uuid4().hex}@example.com",
            "current_password": PASSWORD,
        }
        return ada.browser.submit(ada.browser.see("/you"), "/you/email", **fields)

    def a_passkey() -> httpx.Response:
        return added(ada, Authenticator(ORIGIN).make(options_to_add(ada)))

    def an_app() -> httpx.Response:
        page = ada.browser.see("/you/second-factor")
        code = TOTP(page.one("code").text.replace(" ", "")).now()
        return ada.browser.submit(page, "/you/second-factor", code=code)

    for change in (a_passkey, another_address, an_app):
        with subtests.test(change.__name__):
            other = Visitor(ada.tenant.goatherd)
            other.cookies[COOKIE] = session_of(
                ada.tenant.goatherd.store, ada.id, ada.tenant.organization_id
            )
            before = other.get("/creators")
            done = change()

            assert before.status_code == 200
            assert done.status_code in {200, 303}, done.text
            assert other.get("/creators").status_code == 303
            assert ada.browser.get("/creators").status_code == 200


@pytest.fixture
def guessed(ada: Person, long_delays: None) -> Visitor:  # noqa: ARG001
    """A browser that has tried so many wrong passwords that it has to wait."""
    visitor = Visitor(ada.tenant.goatherd)
    for _ in range(5):
        assert tried(visitor, ada.email, "wrong").status_code == 401
    return visitor


def test_guesses_are_slowed_and_nobody_else_is(ada: Person, guessed: Visitor):
    refused = tried(guessed, ada.email, PASSWORD)

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert "too many wrong tries" in read(refused.text).one("p", role="alert").text
    # From elsewhere, and of another account from there, nobody has to wait.
    ada.sign_in(Visitor(ada.tenant.goatherd))
    assert tried(guessed, f"x{ada.email}", PASSWORD).status_code == 401
    # A browser that signed in before does not wait for guesses from its own address.
    guessed.cookies[DEVICE] = ada.browser.cookies[DEVICE]
    ada.sign_in(guessed)


def test_a_guess_that_finds_no_check_left_costs_no_hash(
    ada: Person, monkeypatch: pytest.MonkeyPatch
):
    hashes = 0

    def verify(_: PasswordHasher, __: str, password: str) -> bool:
        nonlocal hashes
        hashes += 1
        if password != PASSWORD:
            raise VerifyMismatchError
        return True

    # Guesses elsewhere have taken all checks for a minute.
    monkeypatch.setattr(SharedChecks, "wait", lambda _, failures: 60.0 * bool(failures))
    monkeypatch.setattr(SharedChecks, "take", lambda *_: None)
    monkeypatch.setattr(PasswordHasher, "verify", verify)
    browsers = [Visitor(ada.tenant.goatherd) for _ in range(8)]
    statuses = [
        tried(browser, f"{number}{ada.email}", "wrong").status_code
        for _ in range(3)
        for number, browser in enumerate(browsers)
    ]

    assert statuses == [401] * 8 + [429] * 16
    assert hashes == 8
    # Somebody in a new browser comes in meanwhile, and so does a known one.
    ada.sign_in(Visitor(ada.tenant.goatherd))
    browsers[0].cookies[DEVICE] = ada.browser.cookies[DEVICE]
    ada.sign_in(browsers[0])


def test_strangers_do_not_queue_behind_twenty_others_and_known_browsers_do(
    ada: Person, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(PersonAccounts, "waiting_hashes", 20)
    busy = tried(Visitor(ada.tenant.goatherd), ada.email, PASSWORD)
    known = Visitor(ada.tenant.goatherd)
    known.cookies[DEVICE] = ada.browser.cookies[DEVICE]

    assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
    ada.sign_in(known)


def test_a_session_with_a_key_makes_the_first_owner_and_no_second(
    ada: Person, visitor: Visitor
):
    page = visitor.see("/you")
    answer = visitor.post(
        "/you/account",
        {"name": "Eve", "email": "eve@example.com", "password": PASSWORD},
    )

    assert "Make an account" not in page.text
    assert answer.headers["location"] == "/you"
    assert not ada.tenant.goatherd.query(
        "SELECT FROM people WHERE email = 'eve@example.com'"
    )


def test_a_key_of_the_organization_is_nobody(home: Tenant):
    answers = [
        home.get("/me"),
        home.get("/me/sessions"),
        home.patch("/me", {"name": "Ada"}),
    ]
    for answer in answers:
        assert code_of(answer) == (403, "person_required")
    gone = home.delete(f"/me/sessions/{uuid4()}")
    assert code_of(gone) == (403, "person_required")
