"""The list of videos, the inbox and its review, and many videos at once."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.events import TrackingStatus
from tests.kit.application import Tenant, code_of, data_of

STATUSES: tuple[TrackingStatus, ...] = (
    "auto_tracked",
    "pending_review",
    "included",
    "excluded",
    "direct_add",
    "out_of_window",
)


@pytest.fixture
def found(home: Tenant) -> dict[str, str]:
    """A video of each status, all of one creator; the id by the status."""
    creator = home.add("goat")
    ids = {status: home.found(creator["id"], status=status) for status in STATUSES}
    home.goatherd.catch_up()
    return {**ids, "creator": creator["id"]}


def listed(answer: httpx.Response) -> list[str]:
    return [video["id"] for video in data_of(answer)]


def results(answer: httpx.Response) -> list[tuple[str, str | None]]:
    return [(item["status"], item["reason"]) for item in data_of(answer)["results"]]


def test_a_list_has_those_that_came_in_last_first(home: Tenant, found: dict[str, str]):
    rows = listed(home.get("/videos"))

    newest_first = ("direct_add", "included", "pending_review", "auto_tracked")
    assert rows == [found[status] for status in newest_first]


@pytest.mark.parametrize(
    ("requested", "statuses"),
    (
        ("out_of_window", ["out_of_window"]),
        ("pending_review", ["pending_review"]),
        ("included,auto_tracked", ["included", "auto_tracked"]),
        ("auto_tracked,included", ["included", "auto_tracked"]),
        ("auto_tracked,out_of_window", ["out_of_window", "auto_tracked"]),
    ),
)
def test_a_list_has_the_statuses_that_were_asked_for(
    home: Tenant, found: dict[str, str], requested: str, statuses: list[str]
):
    rows = data_of(home.get("/videos", params={"tracking_status": requested}))

    assert [row["id"] for row in rows] == [found[status] for status in statuses]
    assert [row["tracking_status"] for row in rows] == statuses


@pytest.mark.parametrize(
    ("requested", "message"),
    (
        ("excluded", "never listed"),
        ("auto_tracked,excluded", "never listed"),
        ("", "one or more"),
        ("tracked", "one or more"),
        ("auto_tracked,auto_tracked", "each once"),
        ("auto_tracked, included", "one or more"),
    ),
)
def test_other_statuses_are_refused_by_name(home: Tenant, requested: str, message: str):
    answer = home.get("/videos", params={"tracking_status": requested})

    assert code_of(answer) == (400, "invalid_query")
    (field,) = answer.json()["meta"]["fields"]
    assert field["path"] == "/tracking_status"
    assert message in field["message"]


def test_a_list_is_of_a_project_a_creator_or_both(home: Tenant, found: dict[str, str]):
    second = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]
    url = "https://www.tiktok.com/@goat/video/17"
    other = data_of(home.post(f"/projects/{second}/videos", {"url": url}), status=201)
    home.goatherd.catch_up()

    def rows(**params: str) -> set[str]:
        return set(listed(home.get("/videos", params=params)))

    own = {found[s] for s in STATUSES if s not in {"excluded", "out_of_window"}}
    assert rows() == own | {other["id"]}
    assert rows(project_id=second) == {other["id"]}
    assert rows(project_id=str(home.project_id)) == own
    assert rows(creator_id=found["creator"]) == own
    assert rows(creator_id=found["creator"], project_id=second) == set()
    assert rows(creator_id=str(uuid4())) == set()


@pytest.mark.parametrize("limit", (1, 2, 3, 7))
def test_pages_have_every_video_once_in_order(home: Tenant, limit: int):
    creator = home.add("goat")
    ids = [
        home.found(creator["id"], status=status)
        for status in ("auto_tracked", "pending_review", "included") * 2
    ]
    home.goatherd.catch_up()

    rows: list[str] = []
    params: dict[str, Any] = {"limit": limit, "creator_id": creator["id"]}
    while True:
        answer = home.get("/videos", params=params)
        rows += listed(answer)
        cursor = answer.json()["meta"]["nextCursor"]
        if cursor is None:
            break
        params["cursor"] = cursor

    assert rows == ids[::-1]


def test_a_cursor_is_worth_nothing_under_other_filters(
    home: Tenant, found: dict[str, str]
):
    answer = home.get("/videos", params={"limit": 1})
    cursor = answer.json()["meta"]["nextCursor"]
    others: list[tuple[str, dict[str, str]]] = [
        ("/videos", {"creator_id": found["creator"]}),
        ("/videos", {"project_id": str(home.project_id)}),
        ("/videos", {"tracking_status": "included"}),
        (f"/projects/{home.project_id}/inbox", {}),
    ]

    answers = [home.get(path, params={"cursor": cursor, **p}) for path, p in others]

    assert {code_of(answer) for answer in answers} == {(400, "invalid_cursor")}


def test_a_list_waits_for_a_position(home: Tenant):
    url = "https://www.tiktok.com/@goat/video/17"
    answer = home.post(f"/projects/{home.project_id}/videos", {"url": url})
    home.goatherd.catch_up(but="videos")
    requested = {"Goatherd-Min-Position": answer.headers["Goatherd-Position"]}

    behind = [
        home.get(path, headers=requested)
        for path in ("/videos", f"/projects/{home.project_id}/inbox")
    ]
    home.goatherd.catch_up()
    level = home.get("/videos", headers=requested)

    assert {code_of(one) for one in behind} == {(503, "projection_behind")}
    assert listed(level) == [answer.json()["data"]["id"]]


def test_the_inbox_has_what_waits_in_its_project(home: Tenant, found: dict[str, str]):
    second = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]
    home.goatherd.catch_up()

    here = listed(home.get(f"/projects/{home.project_id}/inbox"))
    there = listed(home.get(f"/projects/{second}/inbox"))
    nowhere = home.get(f"/projects/{uuid4()}/inbox")

    assert here == [found["pending_review"]]
    assert there == []
    assert code_of(nowhere) == (404, "not_found")


def test_a_review_decides_each_and_empties_the_inbox(
    home: Tenant, found: dict[str, str]
):
    creator = home.add("second.goat")
    unwanted = home.found(creator["id"], status="pending_review")
    decisions = [
        (found["pending_review"], "include"),
        (unwanted, "exclude"),
        (found["auto_tracked"], "include"),
        (found["excluded"], "exclude"),
        (str(uuid4()), "include"),
    ]

    answer = home.post(
        f"/projects/{home.project_id}/inbox/review",
        {"decisions": [{"video_id": v, "decision": d} for v, d in decisions]},
    )

    data = data_of(answer)
    assert results(answer) == [
        ("ok", None),
        ("ok", None),
        ("skipped", "already tracked"),
        ("skipped", "already excluded"),
        ("failed", "not_found"),
    ]
    assert [item["video_id"] for item in data["results"]] == [v for v, _ in decisions]
    assert [item["index"] for item in data["results"]] == [0, 1, 2, 3, 4]
    counts = (data["ok_count"], data["skipped_count"], data["failed_count"])
    assert counts == (2, 2, 1)
    assert int(answer.headers["Goatherd-Position"]) == home.goatherd.head
    home.goatherd.catch_up()
    assert listed(home.get(f"/projects/{home.project_id}/inbox")) == []
    included = data_of(home.get(f"/videos/{found['pending_review']}"))
    assert included["tracking_status"] == "included"
    assert code_of(home.get(f"/videos/{unwanted}")) == (404, "not_found")


def test_a_review_brings_back_what_was_excluded(home: Tenant, found: dict[str, str]):
    decision = {"video_id": found["excluded"], "decision": "include"}

    answer = home.post(
        f"/projects/{home.project_id}/inbox/review", {"decisions": [decision]}
    )

    assert results(answer) == [("ok", None)]
    home.goatherd.catch_up()
    assert found["excluded"] in listed(home.get("/videos"))


def test_what_was_put_back_is_in_the_inbox_as_it_was(
    home: Tenant, found: dict[str, str]
):
    inbox = f"/projects/{home.project_id}/inbox"
    waiting = data_of(home.get(inbox))[0]
    decided = {"video_id": found["pending_review"]}
    for decision in ("exclude", "put_back", "include", "put_back"):
        home.post(f"{inbox}/review", {"decisions": [{**decided, "decision": decision}]})

    home.goatherd.catch_up()
    again = data_of(home.get(inbox))[0]
    events = data_of(
        home.get(f"/creators/{waiting['creator_id']}/history?event=video_put_back")
    )

    assert again == {**waiting, "version": 5, "updated_at": again["updated_at"]}
    said = f"Video {waiting['tiktok_video_id']} put back into the inbox"
    assert [entry["summary"] for entry in events] == [f"{said} by key First key."] * 2


@pytest.mark.parametrize(
    ("body", "path"),
    (
        ({"decisions": []}, "/decisions"),
        (
            {"decisions": [{"video_id": str(uuid4()), "decision": "include"}] * 101},
            "/decisions",
        ),
        (
            {"decisions": [{"video_id": str(uuid4()), "decision": "maybe"}]},
            "/decisions/0/decision",
        ),
        (
            {"decisions": [{"video_id": "1", "decision": "include"}]},
            "/decisions/0/video_id",
        ),
        ({"decisions": [{"decision": "include"}]}, "/decisions/0/video_id"),
        ({}, "/decisions"),
    ),
    ids=["none", "101", "undecided", "no id", "of nothing", "empty"],
)
def test_a_review_that_is_none_is_refused_by_name(
    home: Tenant, body: dict[str, Any], path: str
):
    answer = home.post(f"/projects/{home.project_id}/inbox/review", body)

    assert code_of(answer) == (400, "invalid_body")
    assert answer.json()["meta"]["fields"][0]["path"] == path


def test_many_videos_stop_counting_at_once(home: Tenant, found: dict[str, str]):
    requested = [found[status] for status in STATUSES] + [str(uuid4())]

    answer = home.post(
        f"/projects/{home.project_id}/videos/bulk-tracking-disable",
        {"video_ids": requested},
    )

    assert results(answer) == [
        ("ok", None),
        ("skipped", "not tracked"),
        ("ok", None),
        ("failed", "not_found"),
        ("ok", None),
        ("skipped", "not tracked"),
        ("failed", "not_found"),
    ]
    home.goatherd.catch_up()
    rows = data_of(home.get("/videos"))
    assert {row["tracking_status"] for row in rows if row["tracking_enabled"]} == {
        "pending_review"
    }


def test_a_video_of_another_project_is_not_decided_about(
    home: Tenant, found: dict[str, str]
):
    second = data_of(home.post("/projects", {"name": "Second"}), status=201)["id"]
    head = home.goatherd.head
    video_id = found["pending_review"]

    answers = [
        home.post(
            f"/projects/{second}/inbox/review",
            {"decisions": [{"video_id": video_id, "decision": "exclude"}]},
        ),
        home.post(
            f"/projects/{second}/videos/bulk-tracking-disable",
            {"video_ids": [found["auto_tracked"]]},
        ),
    ]

    assert [results(answer) for answer in answers] == [[("failed", "not_found")]] * 2
    assert home.goatherd.head == head
