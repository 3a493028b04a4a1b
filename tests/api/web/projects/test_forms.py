"""The forms of projects: made, renamed, described."""

import pytest

from tests.kit.application import Goatherd, Tenant, data_of
from tests.kit.markup import read
from tests.kit.visitor import Visitor

PROJECTS = "/projects"


@pytest.fixture
def looking(home: Tenant, visitor: Visitor) -> Visitor:
    """Somebody who sees the project that the organization has."""
    home.goatherd.catch_up()
    return visitor


def test_a_project_is_made_and_listed(home: Tenant, looking: Visitor):
    form = looking.see(PROJECTS)

    answer = looking.submit(
        form, PROJECTS, name="Spring <herd>", description="One\nTwo"
    )

    assert answer.status_code == 303
    home.goatherd.catch_up()
    newest = data_of(home.get("/projects"))[0]
    assert newest["description"] == "One\nTwo"
    assert answer.headers["Location"] == f"{PROJECTS}/{newest['id']}"
    page = looking.see(answer.headers["Location"])
    assert page.one("h1").text == "Spring <herd>"
    assert "One Two" in page.text
    rows = looking.see(PROJECTS).one("tbody").all("tr")
    assert "Spring <herd>" in [row.one("a").text for row in rows]


def test_a_plan_without_room_is_told_and_what_was_typed_stays(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    visitor = Visitor(goatherd)
    visitor.sign_in(home.key)
    goatherd.catch_up()

    answer = visitor.post(PROJECTS, {"name": "Second", "description": "More"})

    page = read(answer.text)
    assert answer.status_code == 402
    assert "The plan allows " in page.one("p", role="alert").text
    assert page.one("input", name="name")["value"] == "Second"


def test_a_project_without_a_name_is_refused_at_the_field(looking: Visitor):
    answer = looking.post(PROJECTS, {"name": " ", "description": "Kept"})

    page = read(answer.text)
    assert answer.status_code == 400
    assert page.one("p", id="h-name")["class"] == "problem"
    assert page.one("textarea", name="description").text == "Kept"


def test_a_project_is_renamed_and_described(home: Tenant, looking: Visitor):
    path = f"{PROJECTS}/{home.project_id}/settings"

    answer = looking.submit(looking.see(path), path, name="Ours", description="Alps")

    assert answer.headers["Location"] == f"{PROJECTS}/{home.project_id}"
    home.goatherd.catch_up()
    kept = data_of(home.get(f"/projects/{home.project_id}"))
    assert (kept["name"], kept["description"]) == ("Ours", "Alps")


def test_who_comes_second_is_told_and_loses_nothing(home: Tenant, looking: Visitor):
    path = f"{PROJECTS}/{home.project_id}/settings"
    form = looking.see(path)
    home.patch(f"/projects/{home.project_id}", {"name": "Theirs"})
    home.goatherd.catch_up()

    refused = looking.submit(form, path, name="Ours")
    page = read(refused.text)
    saved = looking.submit(page, path)

    assert refused.status_code == 412
    assert "Name: Theirs" in page.one("div", role="alert").text
    assert page.one("input", name="name")["value"] == "Ours"
    assert saved.status_code == 303


def test_another_organizations_project_is_not_there(stranger: Tenant, looking: Visitor):
    stranger.goatherd.catch_up()

    path = f"{PROJECTS}/{stranger.project_id}/settings"
    assert looking.get(path).status_code == 404


def test_who_may_only_read_has_no_form(goatherd: Goatherd, home: Tenant):
    reader = Visitor(goatherd)
    reader.sign_in(home.with_key("read").key)
    goatherd.catch_up()

    page = reader.see(PROJECTS)

    assert page.one("tbody").all("tr")
    assert not page.all("form", action=PROJECTS)
    tabs = reader.see(f"{PROJECTS}/{home.project_id}").one("nav", aria_label="Project")
    assert "Settings" not in tabs.text
    settings = reader.get(f"{PROJECTS}/{home.project_id}/settings")
    assert settings.status_code == 403


def test_the_former_addresses_lead_to_the_projects(home: Tenant, looking: Visitor):
    former = f"/operations{PROJECTS}"
    one = looking.get(f"{former}/{home.project_id}")

    assert one.status_code == 301
    assert looking.get(former).headers["Location"] == PROJECTS
    assert one.headers["Location"] == f"{PROJECTS}/{home.project_id}/settings"
