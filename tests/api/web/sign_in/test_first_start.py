"""The form of the first start comes once, to people who may answer it."""

import pytest

from api.web.sign_in.links import make_link
from tests.kit.application import Tenant, data_of
from tests.kit.markup import read
from tests.kit.visitor import Visitor

PAGE = "/first-start"
ANSWERS = {
    "organization": "Goats & Kids",
    "time_zone": "Europe/Vienna",
    "project": "Spring",
}


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


def names(tenant: Tenant) -> tuple[str, str, str]:
    tenant.goatherd.catch_up()
    organization = data_of(tenant.get("/organization"))
    project = data_of(tenant.get(f"/projects/{tenant.project_id}"))
    return organization["name"], organization["time_zone"], project["name"]


def test_the_link_leads_to_the_form_whose_answers_are_kept(
    passer_by: Visitor, newcomer: Tenant
):
    led = passer_by.get(link_for(newcomer))
    page = passer_by.see(led.headers["location"])
    answer = passer_by.submit(page, PAGE, **ANSWERS)

    assert led.headers["location"] == PAGE
    for name in ANSWERS:
        assert page.one("input", name=name)["value"] == ""
    options = [option["value"] for option in page.one("datalist").all("option")]
    assert "Europe/Berlin" in options
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert names(newcomer) == ("Goats & Kids", "Europe/Vienna", "Spring")


def test_the_form_comes_once(passer_by: Visitor, newcomer: Tenant):
    passer_by.get(link_for(newcomer))
    page = passer_by.see(PAGE)
    passer_by.submit(page, PAGE, **ANSWERS)

    again = passer_by.get(PAGE)
    sent_again = passer_by.submit(page, PAGE, **{**ANSWERS, "organization": "Other"})
    next_link = Visitor(newcomer.goatherd).get(link_for(newcomer))

    assert again.headers["location"] == sent_again.headers["location"] == "/"
    assert next_link.headers["location"] == "/"
    assert names(newcomer)[0] == "Goats & Kids"


def test_later_changes_nothing_and_does_not_ask_again(
    passer_by: Visitor, newcomer: Tenant
):
    before = names(newcomer)
    passer_by.get(link_for(newcomer))

    answer = passer_by.submit(
        passer_by.see(PAGE), PAGE, later="yes", organization="Half typ"
    )

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert names(newcomer) == before
    assert passer_by.get(PAGE).headers["location"] == "/"


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
    led = passer_by.get(link)

    assert ahead.status_code == 204
    assert led.headers["location"] == PAGE


def test_others_are_neither_asked_nor_can_they_answer(
    newcomer: Tenant, stranger: Tenant
):
    before = names(newcomer)
    reader = newcomer.with_key("read", "write")
    for tenant, status in ((reader, 403), (stranger, 303)):
        visitor = Visitor(tenant.goatherd)
        led = visitor.get(link_for(tenant))
        form = visitor.post(PAGE, ANSWERS)
        assert led.headers["location"] == "/"
        assert form.status_code == visitor.get(PAGE).status_code == status

    assert names(newcomer) == before
    assert (
        Visitor(newcomer.goatherd).get(link_for(newcomer)).headers["location"] == PAGE
    )


def test_all_wrong_answers_are_told_at_once_and_the_rest_is_asked_again(
    passer_by: Visitor, newcomer: Tenant
):
    passer_by.get(link_for(newcomer))

    answer = passer_by.submit(
        passer_by.see(PAGE), PAGE, organization=" ", time_zone="Berlin", project=" "
    )

    page = read(answer.text)
    assert answer.status_code == 400
    assert [problem.text for problem in page.all("p", class_="problem")] == [
        "Write the name of your organization.",
        "Choose a time zone from the list, such as Europe/Berlin.",
        "Write the name of a project.",
    ]
    assert page.one("input", name="time_zone")["value"] == "Berlin"
    assert names(newcomer)[1] == "UTC"
    assert passer_by.submit(page, PAGE, **ANSWERS).status_code == 303
    assert names(newcomer) == ("Goats & Kids", "Europe/Vienna", "Spring")
