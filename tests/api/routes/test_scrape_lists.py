"""All of an organization's scrapes: listed, counted, and tried again."""

from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from domain.streams import manual_scrapes_counter, retry_stream
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, code_of, data_of
from tests.kit.builders import NOON


def requested(home: Tenant, creator_id: str) -> str:
    """A scrape by hand; returns its id."""
    answer = home.post(f"/creators/{creator_id}/scrape")
    return data_of(answer, status=202)["scrape_id"]


def job(home: Tenant, scrape_id: str, change: str) -> None:
    """Let the job of a scrape be in some state."""
    home.goatherd.catch_up()
    query = "UPDATE scrape_job SET {} WHERE scrape_id = %s"
    home.goatherd.query(query.format(change), UUID(scrape_id))


def succeeded(home: Tenant, scrape_id: str, creator_id: str) -> None:
    home.goatherd.append(
        scrape_id,
        e.ScrapeSucceeded(
            organization_id=home.organization_id,
            creator_id=UUID(creator_id),
            job_type="creator_profiles",
            provider="test",
            attempts=1,
            observed_at=NOON,
            duration_ms=1,
        ),
    )


@pytest.fixture
def population(home: Tenant) -> dict[str, str]:
    """A scrape in each state there is, and the two that adding the creator asks for."""
    creator_id = home.add("watched.goat")["id"]
    names = ("queued", "running", "lost", "succeeded", "failed", "quarantined")
    ids = {name: requested(home, creator_id) for name in names}
    leased = "state = 'leased', attempts = 1, lease_until = now() + interval '{}'"
    job(home, ids["running"], leased.format("1 minute"))
    job(home, ids["lost"], leased.format("-1 minute"))
    succeeded(home, ids["succeeded"], creator_id)
    home.failed(ids["failed"])
    home.failed(ids["quarantined"], outcome=None)
    job(home, ids["quarantined"], "state = 'quarantined'")
    return ids


def listed(home: Tenant, **params: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return data_of(home.get("/scrapes", params=params))


@pytest.mark.parametrize(
    ("status", "names"),
    (
        ("queued", ["lost", "queued"]),
        ("running", ["running"]),
        ("succeeded", ["succeeded"]),
        ("failed", ["quarantined", "failed"]),
        ("quarantined", ["quarantined"]),
        ("quarantined,failed", ["quarantined", "failed"]),
        ("running,quarantined", ["quarantined", "running"]),
        ("all", ["quarantined", "failed", "succeeded", "lost", "running", "queued"]),
    ),
)
def test_scrapes_are_listed_by_status_newest_first(
    home: Tenant, population: dict[str, str], status: str, names: list[str]
):
    by_id = {scrape_id: name for name, scrape_id in population.items()}

    rows = listed(home, status=status)

    assert [by_id[row["id"]] for row in rows if row["id"] in by_id] == names
    assert {row["id"] for row in rows if row["quarantined"]} == {
        population[name] for name in names if name == "quarantined"
    }


def test_a_list_of_several_statuses_is_read_page_by_page(
    home: Tenant, population: dict[str, str]
):
    whole = [row["id"] for row in listed(home)]

    pages: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 3} | ({} if cursor is None else {"cursor": cursor})
        answer = home.get("/scrapes", params=params)
        pages += [row["id"] for row in data_of(answer)]
        cursor = answer.json()["meta"]["nextCursor"]
        if cursor is None:
            break

    assert pages == whole
    assert len(set(whole)) == len(population) + 2


def test_a_cursor_is_worth_nothing_in_a_list_of_other_statuses(
    home: Tenant, population: dict[str, str]
):
    del population
    page = home.get("/scrapes", params={"status": "queued", "limit": 1})
    cursor = page.json()["meta"]["nextCursor"]

    refused = home.get("/scrapes", params={"status": "failed", "cursor": cursor})

    assert code_of(refused) == (400, "invalid_cursor")


@pytest.mark.parametrize("status", ("", "lost", "queued,queued", "all,queued"))
def test_a_status_that_there_is_not_is_refused_by_name(home: Tenant, status: str):
    answer = home.get("/scrapes", params={"status": status})

    assert code_of(answer) == (400, "invalid_query")
    assert answer.json()["meta"]["fields"][0]["path"] == "/status"


def test_what_was_imported_is_not_among_the_scrapes(home: Tenant):
    creator_id = home.add("watched.goat")["id"]
    run = str(new_id())
    home.goatherd.append(
        run,
        e.ScrapeRequested(
            organization_id=home.organization_id,
            project_id=home.project_id,
            creator_id=UUID(creator_id),
            handle="watched.goat",
            job_type="creator_profiles",
            trigger="imported",
        ),
    )
    home.failed(run)
    home.goatherd.catch_up()

    rows, counts = listed(home), data_of(home.get("/scrapes/counts"))

    assert run not in {row["id"] for row in rows}
    assert counts["failed_last_day"] == 0
    assert code_of(home.post(f"/scrapes/{run}/retry")) == (409, "cannot_retry")


def test_scrapes_are_counted_by_how_they_do(home: Tenant, population: dict[str, str]):
    job(home, population["queued"], "due_at = now() - interval '1 hour'")

    counts = data_of(home.get("/scrapes/counts"))

    assert counts.pop("oldest_due_seconds") == pytest.approx(3_600, abs=60)
    assert counts == {
        # With the two that adding the creator asked for.
        "queued": 4,
        "running": 1,
        "retrying": 1,
        "failed_last_day": 2,
        "quarantined_last_day": 1,
    }


def test_a_run_whose_recording_had_nothing_of_the_creator_is_no_failure(home: Tenant):
    creator_id = home.add("watched.goat")["id"]
    run = requested(home, creator_id)
    home.failed(run, outcome="not_in_recording")
    home.goatherd.catch_up()

    (row,) = (row for row in listed(home) if row["id"] == run)
    counts = data_of(home.get("/scrapes/counts"))

    assert (row["status"], row["outcome"]) == ("failed", "not_in_recording")
    assert (counts["failed_last_day"], counts["quarantined_last_day"]) == (0, 0)


def test_where_nothing_waits_nothing_is_overdue(home: Tenant):
    home.goatherd.catch_up()

    counts = data_of(home.get("/scrapes/counts"))

    assert counts["queued"] == 0
    assert counts["oldest_due_seconds"] is None


def test_a_failed_scrape_is_tried_again_by_a_new_one_of_its_kind(home: Tenant):
    creator_id = home.add("watched.goat")["id"]
    body = {"job_type": "discover_videos"}
    answer = home.post(f"/creators/{creator_id}/scrape", body)
    scrape_id = data_of(answer, status=202)["scrape_id"]
    home.failed(scrape_id)
    home.patch(f"/creators/{creator_id}", {"tiktok_handle": "renamed.goat"})
    head = home.goatherd.head

    answer = home.post(f"/scrapes/{scrape_id}/retry")

    (recorded,) = home.goatherd.since(head)
    assert data_of(answer, status=202) == {
        "scrape_id": str(recorded.stream),
        "retried_id": scrape_id,
        "creator_id": creator_id,
        "job_type": "discover_videos",
    }
    assert recorded.event == e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=UUID(creator_id),
        handle="renamed.goat",
        job_type="discover_videos",
        trigger="manual",
    )
    assert len(home.goatherd.log(scrape_id)) == 2


def test_a_failed_look_at_one_video_is_tried_again_at_that_video(home: Tenant):
    url = "https://www.tiktok.com/@goat/video/7185729796075474222"
    video = data_of(
        home.post(f"/projects/{home.project_id}/videos", {"url": url}), status=201
    )
    scrape_id = data_of(home.post(f"/videos/{video['id']}/scrape"), status=202)[
        "scrape_id"
    ]
    home.failed(scrape_id)

    again = data_of(home.post(f"/scrapes/{scrape_id}/retry"), status=202)

    (event,) = home.goatherd.events(again["scrape_id"])
    assert isinstance(event, e.ScrapeRequested)
    assert event.tiktok_video_ids == ("7185729796075474222",)
    assert event.creator_id is None


def test_a_look_at_an_excluded_video_is_not_tried_again(home: Tenant):
    url = "https://www.tiktok.com/@goat/video/7185729796075474223"
    answer = home.post(f"/projects/{home.project_id}/videos", {"url": url})
    video_id = data_of(answer, status=201)["id"]
    scrape_id = data_of(home.post(f"/videos/{video_id}/scrape"), status=202)[
        "scrape_id"
    ]
    home.failed(scrape_id)
    home.delete(f"/videos/{video_id}")

    refused = home.post(f"/scrapes/{scrape_id}/retry")

    assert code_of(refused) == (409, "cannot_retry")
    assert "excluded" in refused.json()["error"]


def test_a_scrape_is_tried_again_once_however_often_that_is_asked(goatherd: Goatherd):
    home = goatherd.tenant()
    creator_id = home.add("watched.goat")["id"]
    scrape_id = requested(home, creator_id)
    home.failed(scrape_id)

    first = home.post(f"/scrapes/{scrape_id}/retry")
    head = goatherd.head
    second = home.post(f"/scrapes/{scrape_id}/retry")

    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json()["data"] == second.json()["data"]
    assert goatherd.head == head
    assert data_of(second)["scrape_id"] == str(retry_stream(UUID(scrape_id)))
    (recorded,) = goatherd.log(data_of(second)["scrape_id"])
    key = manual_scrapes_counter(home.organization_id, recorded.recorded_at.date())
    (used,) = goatherd.query("SELECT value FROM quota_counters WHERE key = %s", key)
    assert used == (2,)


@pytest.mark.parametrize(
    ("ended", "why"), ((False, "it has not ended"), (True, "it succeeded"))
)
def test_only_what_failed_is_tried_again(home: Tenant, *, ended: bool, why: str):
    creator_id = home.add("watched.goat")["id"]
    scrape_id = requested(home, creator_id)
    if ended:
        succeeded(home, scrape_id, creator_id)
    kept = home.goatherd.kept()

    refused = home.post(f"/scrapes/{scrape_id}/retry")

    assert code_of(refused) == (409, "cannot_retry")
    assert why in refused.json()["error"]
    assert home.goatherd.kept() == kept


def test_failed_scrapes_are_retried_together(home: Tenant, population: dict[str, str]):
    ids = [population["failed"], population["running"], str(new_id())]

    answer = home.post("/scrapes/bulk-retry", {"scrape_ids": ids})
    home.goatherd.catch_up()

    done = data_of(answer)
    again = str(retry_stream(UUID(population["failed"])))
    assert [
        (r["retried_id"], r["scrape_id"], r["status"]) for r in done["results"]
    ] == [
        (ids[0], again, "ok"),
        (ids[1], None, "failed"),
        (ids[2], None, "failed"),
    ]
    assert (done["ok_count"], done["skipped_count"], done["failed_count"]) == (1, 0, 2)
    assert data_of(home.get(f"/scrapes/{again}"))["status"] == "queued"


def test_scrapes_of_others_are_not_retried(
    goatherd: Goatherd, population: dict[str, str]
):
    other = goatherd.tenant()

    answer = other.post("/scrapes/bulk-retry", {"scrape_ids": [population["failed"]]})

    (result,) = data_of(answer)["results"]
    assert (result["status"], result["reason"]) == ("failed", "not_found")


def test_a_plan_without_room_for_all_of_them_retries_none(goatherd: Goatherd):
    free = goatherd.tenant(plan="free")
    runs: list[str] = []
    for name in ("ada", "bea"):
        creator_id = free.add(name)["id"]
        goatherd.catch_up()
        runs.append(data_of(free.get(f"/creators/{creator_id}/scrapes"))[0]["id"])
    for run in runs:
        free.failed(run)
    goatherd.catch_up()

    refused = free.post("/scrapes/bulk-retry", {"scrape_ids": runs})

    assert code_of(refused) == (402, "limit_reached")
    assert [goatherd.events(retry_stream(UUID(run))) for run in runs] == [[], []]
