"""Projects: made, shown, listed and changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from tests.kit.application import Goatherd, Tenant, data_of


def shown(home: Tenant, project_id: str) -> dict[str, Any]:
    home.goatherd.catch_up()
    return data_of(home.get(f"/projects/{project_id}"))


def test_a_project_is_made(home: Tenant):
    head = home.goatherd.head

    answer = home.post("/projects", {"name": "Alps", "description": "High up."})

    project = data_of(answer, status=201)
    made_at = datetime.fromisoformat(project["created_at"])
    assert answer.json() == {
        "data": {
            "id": str(UUID(project["id"])),
            "org_id": str(home.organization_id),
            "name": "Alps",
            "description": "High up.",
            "version": 1,
            "created_at": made_at.isoformat().replace("+00:00", "Z"),
            "updated_at": project["created_at"],
        },
        "error": None,
        "meta": None,
    }
    (recorded,) = home.goatherd.since(head)
    assert recorded.stream == home.organization_id
    assert recorded.event == e.ProjectCreated(
        project_id=UUID(project["id"]), name="Alps", description="High up."
    )
    assert recorded.actor == f"key:{home.key_id}"
    assert recorded.correlation_id == UUID(answer.headers["X-Request-Id"])
    assert answer.headers["ETag"] == '"1"'
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    assert shown(home, project["id"]) == project


@pytest.mark.parametrize(
    ("change", "becomes"),
    (
        ({"name": "Andes"}, {"name": "Andes", "description": "High up."}),
        ({"description": None}, {"name": "Alps", "description": None}),
        (
            {"name": "Andes", "description": "Higher."},
            {"name": "Andes", "description": "Higher."},
        ),
    ),
    ids=["name", "description", "both"],
)
def test_a_project_is_changed_and_the_rest_stays(
    home: Tenant, change: dict[str, Any], becomes: dict[str, Any]
):
    body = {"name": "Alps", "description": "High up."}
    before = data_of(home.post("/projects", body), status=201)
    head = home.goatherd.head

    answer = home.patch(f"/projects/{before['id']}", change)

    project = data_of(answer)
    assert project == {
        **before,
        **becomes,
        "version": 2,
        "updated_at": project["updated_at"],
    }
    assert project["updated_at"] > before["updated_at"]
    (recorded,) = home.goatherd.since(head)
    assert recorded.event == e.ProjectDetailsChanged(
        project_id=UUID(project["id"]), **change
    )
    assert answer.headers["ETag"] == '"2"'
    assert int(answer.headers["Goatherd-Position"]) == recorded.position
    assert shown(home, project["id"]) == project


def test_a_change_to_what_is_so_already_is_answered_and_not_stored(home: Tenant):
    body = {"name": "Alps", "description": None}
    before = data_of(home.post("/projects", body), status=201)
    kept = home.goatherd.kept()

    answer = home.patch(f"/projects/{before['id']}", body)

    assert data_of(answer) == before
    assert int(answer.headers["Goatherd-Position"]) == home.goatherd.head
    assert home.goatherd.kept() == kept


def test_the_version_is_the_projects_own(home: Tenant):
    first = data_of(home.post("/projects", {"name": "Alps"}), status=201)
    home.post("/projects", {"name": "Andes"})
    home.post("/api-keys", {"name": "Another"})

    stale = home.patch(
        f"/projects/{first['id']}", {"name": "A"}, headers={"If-Match": '"2"'}
    )
    matched = home.patch(
        f"/projects/{first['id']}", {"name": "B"}, headers={"If-Match": '"1"'}
    )

    assert stale.status_code == 412
    assert stale.json()["meta"]["currentVersion"] == 1
    assert data_of(matched)["version"] == 2


def test_a_project_that_the_client_has_already_is_not_sent_again(home: Tenant):
    project = data_of(home.post("/projects", {"name": "Alps"}), status=201)
    home.goatherd.catch_up()
    path = f"/projects/{project['id']}"

    same = home.get(path, headers={"If-None-Match": '"1"'})
    home.patch(path, {"name": "Andes"})
    home.goatherd.catch_up()
    changed = home.get(path, headers={"If-None-Match": '"1"'})

    assert (same.status_code, same.content) == (304, b"")
    assert data_of(changed)["name"] == "Andes"


def test_projects_are_listed_newest_first_page_by_page(home: Tenant):
    made = [
        data_of(home.post("/projects", {"name": name}), status=201)
        for name in ("Alps", "Andes", "Atlas", "Altai")
    ]
    home.goatherd.catch_up()

    first = home.get("/projects", params={"limit": 2})
    cursor = first.json()["meta"]["nextCursor"]
    second = home.get("/projects", params={"limit": 3, "cursor": cursor})

    assert data_of(first) == [made[3], made[2]]
    rest = data_of(second)
    assert rest[:2] == [made[1], made[0]]
    assert (rest[2]["id"], rest[2]["name"]) == (str(home.project_id), "First project")
    assert second.json()["meta"] == {"nextCursor": None, "limit": 3}


@pytest.mark.parametrize(
    ("body", "path"),
    (
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "x", "description": "x" * 5_001}, "/description"),
        ({"name": "x", "id": "y"}, "/id"),
        ({"name": "x\0"}, "/name"),
    ),
)
def test_a_project_that_is_none_is_refused_by_field(
    home: Tenant, body: dict[str, Any], path: str
):
    answer = home.post("/projects", body)

    assert answer.status_code == 400
    assert [f["path"] for f in answer.json()["meta"]["fields"]] == [path]


def test_the_longest_names_and_descriptions_fit(home: Tenant):
    body = {"name": "\N{GOAT}" * 200, "description": "\N{GOAT}" * 5_000}

    project = data_of(home.post("/projects", body), status=201)

    assert shown(home, project["id"]) == project
    assert project | body == project


def test_a_plan_says_how_many_projects_there_may_be(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    kept = goatherd.kept()

    answer = home.post("/projects", {"name": "One too many"})

    assert answer.status_code == 402
    assert answer.json()["meta"] == {
        "code": "limit_reached",
        "requestId": answer.headers["X-Request-Id"],
        "limitKey": "max_projects_per_org",
        "current": 1,
        "max": 1,
    }
    assert goatherd.kept() == kept
