"""The form of the first start comes once, to people who may answer it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from httpx import Response

from api.web.sign_in.links import make_link
from tests.kit.application import Tenant, data_of
from tests.kit.markup import read
from tests.kit.people import COOKIE, owner_of
from tests.kit.visitor import Visitor

PAGE = "/first-start"
LOCAL = {"Host": "localhost:8000"}
ANSWERS = {
    "name": "Ada Alm",
    "password": "seven goats on a hill",
    "organization": "Goats & Kids",
    "time_zone": "Europe/Vienna",
    "project": "Spring",
}


@pytest.fixture(autouse=True)
def address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of the answers that nobody has in this database."""
    monkeypatch.setitem(ANSWERS, "email", f"Ada.{uuid4().hex}@Example.com")


@pytest.fixture
def newcomer(home: Tenant) -> Tenant:
    """An organization whose question is open."""
    home.goatherd.query(
        "INSERT INTO first_start_questions VALUES (%s)", home.organization_id
    )
    home.patch("/organization", {"name": "My organization"})
    home.goatherd.catch_up()
    return home


def link_for(tenant: Tenant) -> str:
    with tenant.goatherd.store.pool.connection() as connection:
        return make_link(connection, tenant.key)


def later_at(visitor: Visitor, link: str, **fields: str) -> Response:
    """Leave the form until later, as the machine of Goatherd may."""
    return visitor.post(link, {**fields, "later": "yes"}, headers=LOCAL)


def names(tenant: Tenant) -> tuple[str, str, str]:
    tenant.goatherd.catch_up()
    organization = data_of(tenant.get("/organization"))
    project = data_of(tenant.get(f"/projects/{tenant.project_id}"))
    return organization["name"], organization["time_zone"], project["name"]


def test_the_link_asks_for_the_owner_who_is_signed_in_then(
    passer_by: Visitor, newcomer: Tenant
):
    link = link_for(newcomer)
    page = passer_by.see(link)
    answer = passer_by.submit(page, link, **ANSWERS)

    for name in ANSWERS.keys() - {"password"}:
        assert page.one("input", name=name)["value"] == ""
    options = [option["value"] for option in page.one("datalist").all("option")]
    assert "Europe/Berlin" in options
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert names(newcomer) == ("Goats & Kids", "Europe/Vienna", "Spring")
    you = passer_by.see("/you")
    assert you.one("input", name="name")["value"] == "Ada Alm"
    assert "owner of Goats & Kids" in you.text
    assert Visitor(newcomer.goatherd).get(link).status_code == 401


def test_the_form_comes_once(passer_by: Visitor, newcomer: Tenant):
    passer_by.post("/sign-in", {"key": newcomer.key})
    page = passer_by.see(PAGE)
    passer_by.submit(page, PAGE, **ANSWERS)

    again = passer_by.get(PAGE)
    other = {**ANSWERS, "organization": "Other", "csrf": passer_by.csrf_in("/you")}
    sent_again = passer_by.submit(page, PAGE, **other)
    next_link = Visitor(newcomer.goatherd).get(link_for(newcomer))

    assert again.headers["location"] == sent_again.headers["location"] == "/"
    assert next_link.headers["location"] == "/"
    assert names(newcomer)[0] == "Goats & Kids"


def test_later_changes_nothing_and_the_link_asks_again(
    passer_by: Visitor, newcomer: Tenant
):
    before = names(newcomer)
    link = link_for(newcomer)

    answer = later_at(passer_by, link, organization="Half typ")

    assert passer_by.see("/you").text.count("You are signed in with an API key.") == 1
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert names(newcomer) == before
    assert passer_by.get(PAGE).headers["location"] == "/"
    made = passer_by.submit(passer_by.see(link), link, **ANSWERS)
    assert made.status_code == 303
    assert names(newcomer) == ("Goats & Kids", "Europe/Vienna", "Spring")
    assert "owner of Goats & Kids" in passer_by.see("/you").text
    assert Visitor(newcomer.goatherd).get(link).status_code == 401


def test_a_link_asks_for_the_account_alone_where_there_are_names(
    passer_by: Visitor, home: Tenant
):
    before = names(home)
    link = link_for(home)

    page = passer_by.see(link)
    account = {name: ANSWERS[name] for name in ("name", "email", "password")}
    wrong = passer_by.submit(page, link, **{**account, "password": "short"})
    made = passer_by.submit(read(wrong.text), link, **account)

    fields = page.one("form", action=link).all("input")
    names_of_fields = [
        f["name"] for f in fields if f.attributes.get("type") != "hidden"
    ]
    assert names_of_fields == ["name", "email", "password"]
    assert f"You become the owner of {before[0]}" in page.text
    assert wrong.status_code == 400
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert names(home) == before
    assert f"owner of {before[0]}" in passer_by.see("/you").text
    over = read(Visitor(home.goatherd).get(link).text)
    assert "Sign in here instead" in over.one("p", role="alert").text
    assert Visitor(home.goatherd).get(link_for(home)).status_code == 303


def test_later_is_there_on_this_machine_alone(newcomer: Tenant):
    link = link_for(newcomer)
    for host, is_there in (
        ("localhost:8000", True),
        ("127.0.0.1:8000", True),
        ("[::1]:8000", True),
        ("192.168.0.7:8000", False),
        ("goatherd.example.com", False),
    ):
        visitor = Visitor(newcomer.goatherd)
        page = read(visitor.get(link, headers={"Host": host}).text)
        sent = visitor.post(link, {"later": "yes"}, headers={"Host": host})

        assert bool(page.all("button", name="later")) == is_there, host
        assert sent.status_code == (303 if is_there else 400), host
        assert visitor.get("/creators").status_code == (200 if is_there else 303), host


def test_of_two_who_answer_at_a_time_one_is_the_owner(newcomer: Tenant):
    link = link_for(newcomer)
    people = [{**ANSWERS, "email": f"{uuid4().hex}@example.com"} for _ in range(4)]

    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda given: Visitor(newcomer.goatherd).post(link, given), people
            )
        )

    signed_in = [COOKIE in str(answer.headers) for answer in answers]
    assert sorted(signed_in) == [False, False, False, True]
    emails = [given["email"] for given in people]
    count = "SELECT count(*) FROM people WHERE email = ANY(%s)"
    assert newcomer.goatherd.query(count, emails) == [(1,)]


def test_an_answer_to_a_link_signs_the_person_of_the_browser_out(newcomer: Tenant):
    ada = owner_of(newcomer)
    link = link_for(newcomer)
    copied = dict(ada.browser.cookies)

    answer = later_at(ada.browser, link)

    assert answer.status_code == 303
    assert "You are signed in with an API key." in ada.browser.see("/you").text
    ada.browser.cookies = copied
    assert ada.browser.get("/you").status_code == 303


def test_a_person_with_the_key_is_asked_unless_they_go_elsewhere(newcomer: Tenant):
    home, elsewhere = (Visitor(newcomer.goatherd) for _ in range(2))

    to_form = home.post("/sign-in", {"key": newcomer.key})
    to_creators = elsewhere.post("/sign-in", {"key": newcomer.key, "next": "/creators"})

    assert to_form.headers["location"] == PAGE
    assert to_creators.headers["location"] == "/creators"


def test_looking_ahead_uses_neither_the_link_nor_the_question_up(
    passer_by: Visitor, newcomer: Tenant
):
    link = link_for(newcomer)

    ahead = passer_by.get(link, headers={"Sec-Purpose": "prefetch"})
    looks = [passer_by.get(link), passer_by.ask("HEAD", link), passer_by.get(link)]

    assert ahead.status_code == 204
    assert [look.status_code for look in looks] == [200] * 3
    assert passer_by.cookies == {}
    assert passer_by.submit(passer_by.see(link), link, **ANSWERS).status_code == 303


def test_others_are_neither_asked_nor_can_they_answer(
    newcomer: Tenant, stranger: Tenant
):
    before = names(newcomer)
    reader = newcomer.with_key("read", "write")
    owner_of(stranger)
    people = newcomer.goatherd.query("SELECT person_id FROM people")
    for tenant, status in ((reader, 403), (stranger, 303)):
        visitor = Visitor(tenant.goatherd)
        led = visitor.get(link_for(tenant))
        form = visitor.post(PAGE, ANSWERS)
        at_link = Visitor(tenant.goatherd).post(link_for(tenant), ANSWERS)
        assert at_link.headers["location"] == "/"
        assert led.headers["location"] == "/"
        assert form.status_code == visitor.get(PAGE).status_code == status

    assert names(newcomer) == before
    assert newcomer.goatherd.query("SELECT person_id FROM people") == people
    assert Visitor(newcomer.goatherd).get(link_for(newcomer)).status_code == 200


def test_all_wrong_answers_are_told_at_once_and_the_rest_is_asked_again(
    passer_by: Visitor, newcomer: Tenant
):
    link = link_for(newcomer)
    wrong = {"email": "ada", "password": "too short", "name": "\u3000"}

    answer = passer_by.submit(
        passer_by.see(link),
        link,
        organization=" ",
        time_zone="Berlin",
        project=" ",
        **wrong,
    )

    page = read(answer.text)
    assert answer.status_code == 400
    # That of the passkey is empty and hidden.
    assert [p.text for p in page.all("p", class_="problem") if p.text] == [
        "Write your name.",
        "Write your email address, such as ada@example.com.",
        "Must have at least 12 characters.",
        "Write the name of your organization.",
        "Choose a time zone from the list, such as Europe/Berlin.",
        "Write the name of a project.",
    ]
    assert page.one("input", name="time_zone")["value"] == "Berlin"
    assert "value" not in page.one("input", name="password").attributes
    assert names(newcomer)[1] == "UTC"
    assert passer_by.cookies == {}
    assert passer_by.submit(page, link, **ANSWERS).status_code == 303
    assert names(newcomer) == ("Goats & Kids", "Europe/Vienna", "Spring")
