"""Projects that are archived: nothing goes on in them until they are restored."""

from typing import Any
from uuid import UUID

from domain import events as e
from tests.kit.application import Tenant, code_of, data_of


def another(home: Tenant, name: str = "Alps") -> str:
    return data_of(home.post("/projects", {"name": name}), status=201)["id"]


def listed(home: Tenant, **params: str) -> list[str]:
    home.goatherd.catch_up()
    return [row["id"] for row in data_of(home.get("/projects", params=params))]


def in_project(home: Tenant, project_id: str, handle: str) -> dict[str, Any]:
    path = f"/projects/{project_id}/creators"
    return data_of(home.post(path, {"tiktok_handle": handle}), status=201)


def test_an_archived_project_is_left_out_of_lists_and_stays_there(home: Tenant):
    project_id = another(home)
    path = f"/projects/{project_id}"
    before = data_of(home.get(path)) if listed(home) else None
    head = home.goatherd.head

    answer = home.delete(path)
    again = home.delete(path)

    archived = data_of(answer)
    (recorded,) = home.goatherd.since(head)
    assert recorded.event == e.ProjectArchived(project_id=UUID(project_id))
    assert answer.headers["ETag"] == '"2"'
    assert data_of(again) == archived
    assert archived == {
        **(before or {}),
        "archived_at": archived["updated_at"],
        "updated_at": archived["updated_at"],
        "version": 2,
    }
    assert listed(home) == [str(home.project_id)]
    assert listed(home, status="archived") == [project_id]
    assert set(listed(home, status="all")) == {project_id, str(home.project_id)}
    assert data_of(home.get(path)) == archived
    assert code_of(home.get("/projects", params={"status": "gone"}))[0] == 400


def test_an_archived_project_goes_on_when_it_is_restored(home: Tenant):
    project_id = another(home)
    path = f"/projects/{project_id}"
    data_of(home.delete(path))

    answer = home.post(f"{path}/restore")
    again = home.post(f"{path}/restore")

    restored = data_of(answer)
    assert restored["archived_at"] is None
    assert restored["version"] == 3
    assert data_of(again) == restored
    assert set(listed(home)) == {project_id, str(home.project_id)}
    said = [
        row["summary"].partition(" by ")[0]
        for row in data_of(home.get("/audit"))
        if row["event"] in {"project_archived", "project_restored"}
    ]
    assert said == ['Project "Alps" restored', 'Project "Alps" archived']


def test_the_last_project_is_not_archived(home: Tenant, stranger: Tenant):
    kept = home.goatherd.kept()
    last = home.delete(f"/projects/{home.project_id}")
    foreign = home.delete(f"/projects/{stranger.project_id}")
    foreign_restored = home.post(f"/projects/{stranger.project_id}/restore")

    assert code_of(last) == (409, "last_project")
    assert code_of(foreign) == code_of(foreign_restored) == (404, "not_found")
    assert home.goatherd.kept() == kept


def test_a_project_that_somebody_changed_meanwhile_is_not_archived(home: Tenant):
    path = f"/projects/{another(home)}"
    data_of(home.patch(path, {"name": "Andes"}))

    stale = home.delete(path, headers={"If-Match": '"1"'})
    fresh = home.delete(path, headers={"If-Match": '"2"'})

    assert code_of(stale) == (412, "version_conflict")
    assert fresh.status_code == 200


def test_nothing_new_is_tracked_or_scraped_in_an_archived_project(home: Tenant):
    project_id = another(home)
    there = in_project(home, project_id, "archived.goat")["id"]
    here = home.add("grazing.goat")["id"]
    video = f"/projects/{project_id}/videos"
    data_of(home.delete(f"/projects/{project_id}"))
    home.goatherd.catch_up()
    kept = home.goatherd.kept()

    url = "https://www.tiktok.com/@some.goat/video/7300000000000000001"
    refused = [
        home.post(f"/projects/{project_id}/creators", {"tiktok_handle": "new.goat"}),
        home.post(video, {"url": url}),
        home.post(f"/creators/{there}/scrape"),
        home.post(f"/creators/{here}/move", {"project_id": project_id}),
        home.post(
            f"/projects/{project_id}/creators/bulk-reenable", {"creator_ids": [there]}
        ),
    ]

    assert {code_of(answer) for answer in refused} == {(409, "project_archived")}
    assert home.goatherd.kept() == kept
    assert data_of(home.get(f"/creators/{there}"))["is_active"]
    moved = home.post(f"/creators/{there}/move", {"project_id": str(home.project_id)})
    assert data_of(moved)["project_id"] == str(home.project_id)
    home.goatherd.catch_up()
    assert home.post(f"/creators/{there}/scrape").status_code == 202
