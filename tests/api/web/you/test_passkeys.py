"""People sign in with passkeys, which fit one person, one site and one challenge."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.web.sign_in import challenges
from application.accounts.operators import erase, make_password_link
from domain import events as e
from tests.api.web.you.test_second_factor import Phone
from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.authenticator import Authenticator
from tests.kit.builders import asking
from tests.kit.markup import Element, read
from tests.kit.people import Person, added_member, owner_of, second_owner
from tests.kit.visitor import Visitor

ORIGIN = "http://testserver.local"
CHANGES = "/you/passkeys"


@pytest.fixture
def ada(home: Tenant) -> Person:
    return owner_of(home)


def options_to_add(person: Person) -> dict[str, Any]:
    csrf = person.browser.csrf_in("/you")
    return person.browser.post(f"{CHANGES}/options", {"csrf": csrf}).json()


def added(
    person: Person, credential: str, *, name: str = "Ada's phone"
) -> httpx.Response:
    page = person.browser.see(CHANGES)
    return person.browser.submit(page, CHANGES, credential=credential, name=name)


@pytest.fixture
def device(ada: Person) -> Authenticator:
    """A device with a passkey of Ada."""
    made = Authenticator(ORIGIN, count=7)
    answer = added(ada, made.make(options_to_add(ada)))
    assert answer.headers.get("location") == CHANGES, answer.text
    return made


def options_to_sign_in(visitor: Visitor) -> dict[str, Any]:
    answer = visitor.post("/sign-in/passkey/options")
    assert answer.status_code == 200, answer.text
    return answer.json()


def sent(visitor: Visitor, credential: str, next_: str = "") -> httpx.Response:
    form = {"credential": credential, "next": next_}
    return visitor.post("/sign-in/passkey", form)


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/creators").status_code == 200


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 401, answer.text
    return read(answer.text).one("p", id="about-password").text


def offers_of(page: Element) -> list[Element]:
    """The places of a page that offer a passkey instead of a password."""
    return [one for one in page.all("div") if "data-makes-passkey" in one.attributes]


def test_a_passkey_signs_in_without_an_address(
    ada: Person, device: Authenticator, passer_by: Visitor
):
    options = options_to_sign_in(passer_by)
    answer = sent(passer_by, device.use(options), next_="/videos")

    assert options["rpId"] == "testserver.local"
    assert options["userVerification"] == "required"
    assert options.get("allowCredentials", []) == []
    assert (answer.status_code, answer.headers["location"]) == (303, "/videos")
    assert is_in(passer_by)
    methods = [
        one.event.method
        for one in ada.tenant.goatherd.log(ada.id)
        if isinstance(one.event, e.PersonSignedIn)
    ]
    assert methods == ["password", "passkey"]
    row = ada.browser.see(CHANGES).one("table").all("tr")[1]
    assert "Ada's phone" in row.text
    assert "never" not in row.text


def test_a_passkey_is_both_factors(
    ada: Person, device: Authenticator, passer_by: Visitor
):
    assert Phone(ada).recovery

    answer = sent(passer_by, device.use(options_to_sign_in(passer_by)))

    assert answer.headers["location"] == "/"
    assert is_in(passer_by)


def test_the_cookie_of_a_challenge_is_for_this_host_alone(passer_by: Visitor):
    tls = {"X-Forwarded-Proto": "https"}
    answer = passer_by.post("/sign-in/passkey/options", headers=tls)

    (cookie,) = answer.headers.get_list("set-cookie")
    for said in ("__Host-goatherd_passkey=", "; Secure", "; HttpOnly", "SameSite=Lax"):
        assert said in cookie
    assert answer.headers["cache-control"] == "no-store"


def test_an_answer_that_does_not_fit_is_refused(
    ada: Person,
    device: Authenticator,
    stranger: Tenant,
    subtests: pytest.Subtests,
):
    ben = owner_of(stranger, name="Ben")
    of_ben = Authenticator(ORIGIN, count=1)
    added(ben, of_ben.make(options_to_add(ben)))

    def copied() -> Authenticator:
        copy = Authenticator(ORIGIN, count=device.count)
        copy.credential_id, copy.user_handle = device.credential_id, device.user_handle
        copy._key = device._key  # noqa: SLF001 - what a thief would have copied
        return copy

    def changed(**values: object) -> Authenticator:
        one = copied()
        for name, value in values.items():
            setattr(one, name, value)
        return one

    went_back = "counter of this passkey went back"
    other_account = "belongs to another account"
    for name, one, problem in (
        ("another origin", changed(origin="https://evil.example"), "does not fit"),
        ("another site", changed(rp_id="evil.example"), "does not fit"),
        ("a page inside another", changed(cross_origin=True), "another site"),
        ("nobody verified", changed(verifies=False), "does not fit"),
        ("the counter goes back", changed(count=2), went_back),
        ("the counter stays", changed(count=6), went_back),
        ("no counter any more", changed(count=0), went_back),
        ("an unknown passkey", changed(credential_id=b"x" * 32), "not known here"),
        ("the key of another", changed(_key=of_ben._key), "does not fit"),  # noqa: SLF001
        ("the handle of another", changed(user_handle=ben.id.bytes), other_account),
        ("no handle", changed(user_handle=b""), other_account),
        (
            "the credential of another",
            changed(credential_id=of_ben.credential_id),
            other_account,
        ),
    ):
        with subtests.test(name):
            visitor = Visitor(ada.tenant.goatherd)

            answer = sent(visitor, one.use(options_to_sign_in(visitor)))

            assert problem in refusal(answer)
            assert not is_in(visitor)
    # The real device goes on working.
    visitor = Visitor(ada.tenant.goatherd)
    assert sent(visitor, device.use(options_to_sign_in(visitor))).status_code == 303


def test_an_answer_that_is_no_answer_is_refused(
    ada: Person, device: Authenticator, subtests: pytest.Subtests
):
    visitor = Visitor(ada.tenant.goatherd)
    right = json.loads(device.use(options_to_sign_in(visitor)))
    without = {**right, "response": {**right["response"], "signature": "AAAA"}}
    for text in (
        *("", "{}", "[]", "null", "x", '{"id": 1}', "é" * 500),
        json.dumps({**right, "rawId": "AAAA"}),
        json.dumps({**right, "response": {}}),
        json.dumps({**right, "response": None}),
        json.dumps(without),
    ):
        with subtests.test(text[:40]):
            assert refusal(sent(Visitor(ada.tenant.goatherd), text))
            assert refusal(sent(visitor, text))
    assert not is_in(visitor)


def test_a_challenge_is_answered_once_and_in_its_browser(
    ada: Person, device: Authenticator, passer_by: Visitor
):
    thief = Visitor(ada.tenant.goatherd)
    credential = device.use(options_to_sign_in(passer_by))
    binding = dict(passer_by.cookies)
    elsewhere = refusal(sent(thief, credential))
    first = sent(passer_by, credential)
    # A thief with the cookie of the browser does not get in, either.
    thief.cookies |= binding
    again = refusal(sent(thief, credential))

    assert "another browser" in elsewhere
    assert first.status_code == 303
    assert "went back" in again or "sent before" in again
    # A device without a counter is no exception.
    plain = Authenticator(ORIGIN)
    added(ada, plain.make(options_to_add(ada)), name="Key")
    visitor = Visitor(ada.tenant.goatherd)
    twice = plain.use(options_to_sign_in(visitor))
    assert sent(visitor, twice).status_code == 303
    assert "sent before" in refusal(sent(visitor, twice))


def test_of_many_who_send_one_answer_at_a_time_one_gets_in(
    ada: Person, passer_by: Visitor
):
    plain = Authenticator(ORIGIN)
    added(ada, plain.make(options_to_add(ada)))
    credential = plain.use(options_to_sign_in(passer_by))
    visitors = [Visitor(ada.tenant.goatherd) for _ in range(4)]
    for visitor in visitors:
        visitor.cookies |= passer_by.cookies

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda v: sent(v, credential), visitors))

    assert sorted(a.status_code for a in answers) == [303, 401, 401, 401]


def test_a_challenge_ends_after_five_minutes(
    device: Authenticator,
    passer_by: Visitor,
    monkeypatch: pytest.MonkeyPatch,
):
    options = options_to_sign_in(passer_by)
    now = challenges.time.time()
    for later, is_over in ((301, True), (298, False)):
        monkeypatch.setattr(challenges.time, "time", lambda at=now + later: at)
        answer = sent(passer_by, device.use(options))
        assert (answer.status_code == 401) is is_over


def test_a_challenge_serves_one_purpose_and_one_person(
    ada: Person, device: Authenticator, stranger: Tenant, passer_by: Visitor
):
    ben = owner_of(stranger, name="Ben")
    ben.browser.cookies["goatherd_passkey"] = ada.browser.cookies["goatherd_passkey"]
    of_ada = Authenticator(ORIGIN).make(options_to_add(ada))
    to_sign_in = options_to_sign_in(ada.browser)
    to_sign_in["user"] = {"id": ""}

    for person, credential in (
        (ben, of_ada),
        (ada, Authenticator(ORIGIN).make(to_sign_in)),
    ):
        answer = added(person, credential)
        assert answer.status_code == 400
        assert "another browser" in read(answer.text).one("p", class_="refusal").text
    passer_by.cookies |= ada.browser.cookies
    passer_by.cookies.pop("goatherd_person")
    to_add = options_to_add(ada)
    assert "another browser" in refusal(sent(passer_by, device.use(to_add)))


def test_a_passkey_that_does_not_fit_is_not_added(
    device: Authenticator, stranger: Tenant, subtests: pytest.Subtests
):
    ben = owner_of(stranger, name="Ben")
    for name, change in (
        ("another origin", {"origin": "https://evil.example"}),
        ("another site", {"rp_id": "evil.example"}),
        ("a page inside another", {"cross_origin": True}),
        ("nobody verified", {"verifies": False}),
        ("the credential of another", {"credential_id": device.credential_id}),
    ):
        with subtests.test(name):
            one = Authenticator(ORIGIN)
            for field, value in change.items():
                setattr(one, field, value)

            answer = added(ben, one.make(options_to_add(ben)))

            assert answer.status_code == 400
            assert not ben.browser.see(CHANGES).all("table")


def test_a_device_is_told_which_passkeys_there_are(ada: Person, device: Authenticator):
    options = options_to_add(ada)

    (known,) = options["excludeCredentials"]
    assert known["id"] == json.loads(device.use(options))["id"]
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["user"]["name"] == ada.email


def test_a_removed_passkey_signs_nobody_in(
    ada: Person, device: Authenticator, stranger: Tenant, passer_by: Visitor
):
    page = ada.browser.see(CHANGES)
    (form,) = (one for one in page.all("form") if one["action"].endswith("/remove"))
    ben = owner_of(stranger, name="Ben")
    of_ben = Authenticator(ORIGIN)
    added(ben, of_ben.make(options_to_add(ben)))
    foreign = ben.browser.post(form["action"], {"csrf": ben.browser.csrf_in(CHANGES)})
    there = sent(passer_by, device.use(options_to_sign_in(passer_by)))
    passer_by.post("/sign-out")
    removed = ada.browser.submit(page, form["action"])

    assert foreign.status_code == 404
    assert there.status_code == 303
    assert removed.headers["location"] == CHANGES
    answer = sent(passer_by, device.use(options_to_sign_in(passer_by)))
    assert "not known here" in refusal(answer)
    assert not ada.browser.see(CHANGES).all("table")


def test_names_and_keys_are_sealed_and_go_with_the_person(
    ada: Person, device: Authenticator
):
    goatherd = ada.tenant.goatherd
    query = "SELECT sealed FROM passkeys WHERE person_id = %s"
    ((sealed,),) = goatherd.query(query, ada.id)
    second_owner(goatherd.store, ada.tenant.organization_id)
    erase(goatherd.store, ada.id, context=asking())

    assert b"phone" not in sealed
    assert b"public_key" not in sealed
    assert not goatherd.query(query, ada.id)
    visitor = Visitor(goatherd)
    refused = sent(visitor, device.use(options_to_sign_in(visitor)))
    assert "not known here" in refusal(refused)


def test_an_address_that_is_a_number_has_no_passkeys(ada: Person):
    numbers = {"Host": "127.0.0.1:8000"}
    page = ada.browser.get(CHANGES, headers=numbers)
    options = Visitor(ada.tenant.goatherd).post(
        "/sign-in/passkey/options", headers=numbers
    )

    assert "localhost" in read(page.text).text
    assert options.status_code == 404


def test_nobody_with_a_key_has_passkeys(visitor: Visitor):
    assert visitor.get(CHANGES).headers["location"] == "/you"
    assert visitor.post(f"{CHANGES}/options").status_code == 403
    assert visitor.post(f"{CHANGES}/{uuid4()}/remove").status_code == 403


def new_owner(visitor: Visitor, device: Authenticator) -> dict[str, str]:
    """The fields of an account whose passkey a device makes."""
    person = {"name": "Ada Alm", "email": f"ada.{uuid4().hex}@example.com"}
    options = visitor.post("/sign-in/passkey/new", person)
    assert options.status_code == 200, options.text
    return {**person, "credential": device.make(options.json())}


def test_a_first_owner_has_a_passkey_and_no_password(visitor: Visitor):
    device = Authenticator(ORIGIN)
    fields = new_owner(visitor, device)
    made = visitor.post("/you/account", fields)
    page = visitor.see("/you")

    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert "Ada Alm" in page.one("button", class_="account").text
    assert not page.all("input", name="current_password")
    # A second person is not made with the same answer.
    again = {**fields, "csrf": visitor.csrf_in("/you")}
    assert visitor.post("/you/account", again).headers["location"] == "/you"

    # Everything works without a password: another address, and a password at last.
    email = f"ada.{uuid4().hex}@example.com"
    changed = visitor.submit(page, "/you/email", email=email)
    assert changed.headers["location"] == "/you"
    new = "eight goats in a valley"
    chosen = visitor.submit(visitor.see("/you"), "/you/password", password=new)
    assert chosen.headers["location"] == "/you"
    other = Visitor(visitor.goatherd)
    assert other.post("/sign-in", {"email": email, "password": new}).status_code == 303


def test_a_password_that_nobody_has_is_no_proof(visitor: Visitor):
    fields = new_owner(visitor, Authenticator(ORIGIN))
    visitor.post("/you/account", fields)
    csrf = visitor.csrf_in("/you")
    visitor.goatherd.query(
        "UPDATE person_sessions SET proved_at = now() - interval '601 s'"
    )
    visitor.goatherd.client.app.state.site.people.forget_all()

    new, other = "eight goats in a valley", f"eve.{uuid4().hex}@example.com"
    for path, change in (
        ("/you/password", {"password": new}),
        ("/you/email", {"email": other}),
    ):
        forged = {"csrf": csrf, "current_password": "anything", **change}
        assert visitor.post(path, forged).status_code == 403, path
    signed_in = {"email": fields["email"], "password": new}
    assert Visitor(visitor.goatherd).post("/sign-in", signed_in).status_code == 401
    query = "SELECT FROM people WHERE email = %s"
    assert not visitor.goatherd.query(query, other)


def test_the_only_way_to_sign_in_is_not_removed(visitor: Visitor):
    visitor.post("/you/account", new_owner(visitor, Authenticator(ORIGIN)))
    page = visitor.see(CHANGES)
    (form,) = (one for one in page.all("form") if one["action"].endswith("/remove"))

    answer = visitor.submit(page, form["action"])

    assert answer.status_code == 400
    refused = read(answer.text).one("p", class_="refusal").text
    assert "last way to sign in" in refused
    assert len(visitor.see(CHANGES).one("table").all("tr")) == 2


def test_a_passkey_of_a_first_owner_fits_its_challenge(visitor: Visitor):
    foreign = Authenticator("https://evil.example")
    right = new_owner(visitor, Authenticator(ORIGIN))
    for fields, problem in (
        (new_owner(visitor, foreign), "does not fit"),
        ({**right, "credential": "{}"}, "make it once more"),
    ):
        answer = visitor.post("/you/account", fields)
        assert answer.status_code == 400
        problems = read(answer.text).all("p", class_="problem")
        # That of the script is empty and hidden.
        assert [problem in one.text for one in problems if one.text] == [True]
        query = "SELECT FROM people WHERE email = %s"
        assert not visitor.goatherd.query(query, fields["email"])


def test_a_passkey_is_a_proof(ada: Person, device: Authenticator, stranger: Tenant):
    goatherd, action = ada.tenant.goatherd, "/you/second-factor/recovery-codes"
    assert Phone(ada).recovery
    page = ada.browser.see("/you/second-factor")
    goatherd.query("UPDATE person_sessions SET proved_at = now() - interval '601 s'")
    goatherd.client.app.state.site.people.forget_all()
    question = read(ada.browser.submit(page, action).text)
    form = next(f for f in question.all("form") if f.all("input", name="credential"))
    kept = {
        field["name"]: field["value"]
        for field in form.all("input", type="hidden")
        if field["name"] != "credential"
    }
    options = ada.browser.post("/you/passkeys/proof", {"csrf": kept["csrf"]}).json()
    ben = owner_of(stranger, name="Ben")
    of_ben = Authenticator(ORIGIN)
    added(ben, of_ben.make(options_to_add(ben)))

    def proved(credential: str) -> int:
        return ada.browser.post(action, {**kept, "credential": credential}).status_code

    assert [one["id"] for one in options["allowCredentials"]] == [
        json.loads(device.use(options))["id"]
    ]
    to_sign_in = options_to_sign_in(ada.browser)
    assert proved(of_ben.use(options)) == 403
    assert proved(device.use(to_sign_in)) == 403
    credential = device.use(options)
    assert proved(credential) == 200
    goatherd.query("UPDATE person_sessions SET proved_at = now() - interval '601 s'")
    goatherd.client.app.state.site.people.forget_all()
    assert proved(credential) == 403


def test_an_invited_person_has_a_passkey_and_no_password(home: Tenant):
    invited = f"ben.{uuid4().hex}@example.com"
    body = {"email": invited, "role": "member"}
    path = data_of(home.post("/invitations", body), status=201)["link"]
    path = "/" + path.split("/", 3)[3]
    home.goatherd.catch_up()
    visitor, device = Visitor(home.goatherd), Authenticator(ORIGIN)
    (offer,) = offers_of(visitor.see(path))
    person = {"name": "Ben", "email": invited}
    options = visitor.post(offer["data-makes-passkey"], person)
    fields = {**person, "password": "", "credential": device.make(options.json())}
    elsewhere = Visitor(home.goatherd).post(f"{path}/accept", fields)
    made = visitor.post(f"{path}/accept", fields)

    assert offer["data-describes"] == "name email"
    assert elsewhere.status_code == 400
    assert (made.status_code, made.headers["location"]) == (303, "/")
    again = Visitor(home.goatherd)
    credential = device.use(options_to_sign_in(again))
    assert sent(again, credential).status_code == 303
    assert is_in(again)
    assert not again.see("/you").all("input", name="current_password")


def link_for(person_id: UUID, goatherd: Goatherd) -> str:
    path, _ = make_password_link(goatherd.store, person_id)
    return path


def options_at(visitor: Visitor, path: str, **fields: str) -> dict[str, Any]:
    answer = visitor.post(f"{path}/passkey", fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_link_makes_a_passkey_and_ends_the_password(ada: Person):
    goatherd, device = ada.tenant.goatherd, Authenticator(ORIGIN)
    path, visitor = link_for(ada.id, goatherd), Visitor(goatherd)
    (offer,) = offers_of(visitor.see(path))
    options = options_at(visitor, path)
    of_another = visitor.post("/sign-in/passkey/new", {"name": "E", "email": "e@e.de"})
    foreign = Authenticator(ORIGIN).make(of_another.json())
    wrong = visitor.post(path, {"credential": foreign})
    made = visitor.post(path, {"credential": device.make(options)})
    again = visitor.post(path, {"credential": device.make(options)})

    assert offer["data-makes-passkey"] == f"{path}/passkey"
    assert wrong.status_code == 400
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert is_in(visitor)
    assert again.status_code == 410
    assert not is_in(ada.browser)
    secrets = "SELECT kind FROM person_secrets WHERE person_id = %s"
    assert goatherd.query(secrets, ada.id) == []
    signed_out = Visitor(goatherd)
    refused = {"email": ada.email, "password": ada.password}
    assert signed_out.post("/sign-in", refused).status_code == 401
    credential = device.use(options_to_sign_in(signed_out))
    assert sent(signed_out, credential).status_code == 303


def test_a_link_makes_no_passkey_past_one_time_codes(ada: Person):
    goatherd, visitor = ada.tenant.goatherd, Visitor(ada.tenant.goatherd)
    path = link_for(ada.id, goatherd)
    options = options_at(visitor, path)
    with goatherd.store.pool.connection() as connection:
        connection.execute(
            "INSERT INTO person_secrets (person_id, kind, sealed) "
            "VALUES (%s, 'codes', 'x')",
            (ada.id,),
        )
    credential = Authenticator(ORIGIN).make(options)

    assert offers_of(visitor.see(path)) == []
    assert visitor.post(f"{path}/passkey").status_code == 404
    assert visitor.post(path, {"credential": credential}).status_code == 410
    assert goatherd.query("SELECT FROM passkeys WHERE person_id = %s", ada.id) == []
    # The link stays valid for a password.
    visitor.see(path)


def test_somebody_new_makes_a_passkey_with_the_link_of_an_operator(home: Tenant):
    goatherd = home.goatherd
    ben = added_member(goatherd.store, home.organization_id, role="member")
    path, visitor = link_for(ben, goatherd), Visitor(goatherd)
    device = Authenticator(ORIGIN)
    credential = device.make(options_at(visitor, path, name="Ben Berg"))
    nameless = visitor.post(path, {"credential": credential})
    made = visitor.post(path, {"credential": credential, "name": "Ben Berg"})

    assert nameless.status_code == 400
    assert made.status_code == 303
    assert "Ben Berg" in visitor.see("/you").one("button", class_="account").text
