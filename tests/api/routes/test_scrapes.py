"""Scrapes: asked for by hand, and watched on their way."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain import events as e
from domain.streams import manual_scrapes_counter
from infra.ids import new_id
from tests.kit.application import Goatherd, Tenant, code_of, data_of

THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def requested(home: Tenant, creator_id: str, **sent: object) -> dict[str, Any]:
    return data_of(home.post(f"/creators/{creator_id}/scrape", **sent), status=202)


def shown(home: Tenant, scrape_id: str) -> dict[str, Any]:
    home.goatherd.catch_up()
    return data_of(home.get(f"/scrapes/{scrape_id}"))


def lease(home: Tenant, scrape_id: str, *, seconds: int) -> None:
    """Let a worker have taken the job, whose lease ends in so many seconds."""
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE scrape_job SET state = 'leased', attempts = attempts + 1, "
        "started_at = now(), lease_until = now() + make_interval(secs => %s) "
        "WHERE scrape_id = %s",
        seconds,
        UUID(scrape_id),
    )


@pytest.mark.parametrize(
    ("body", "job_type"),
    (
        (None, "creator_profiles"),
        ({}, "creator_profiles"),
        ({"job_type": "creator_profiles"}, "creator_profiles"),
        ({"job_type": "video_stats"}, "video_stats"),
        ({"job_type": "discover_videos"}, "discover_videos"),
    ),
)
def test_a_scrape_is_queued(
    home: Tenant, body: dict[str, str] | None, job_type: e.JobType
):
    creator_id = home.add("watched.goat")["id"]
    head = home.goatherd.head

    answer = home.post(f"/creators/{creator_id}/scrape", body)

    (recorded,) = home.goatherd.since(head)
    assert answer.status_code == 202
    assert answer.json() == {
        "data": {
            "scrape_id": str(recorded.stream),
            "creator_id": creator_id,
            "job_type": job_type,
            "status": "queued",
        },
        "error": None,
        "meta": None,
    }
    assert recorded.event == e.ScrapeRequested(
        organization_id=home.organization_id,
        project_id=home.project_id,
        creator_id=UUID(creator_id),
        handle="watched.goat",
        job_type=job_type,
        trigger="manual",
    )
    assert recorded.actor == f"key:{home.key_id}"
    assert recorded.correlation_id == UUID(answer.headers["X-Request-Id"])
    assert int(answer.headers["Goatherd-Position"]) == recorded.position


def test_a_queued_scrape_can_be_watched(home: Tenant):
    creator_id = home.add("watched.goat")["id"]

    scrape_id = requested(home, creator_id)["scrape_id"]

    (recorded,) = home.goatherd.log(scrape_id)
    scrape = shown(home, scrape_id)
    assert scrape.pop("next_attempt_at") is not None
    assert scrape == {
        "id": scrape_id,
        "creator_id": creator_id,
        "project_id": str(home.project_id),
        "tiktok_handle": "watched.goat",
        "job_type": "creator_profiles",
        "trigger": "manual",
        "status": "queued",
        "quarantined": False,
        "attempts": 0,
        "outcome": None,
        "error": None,
        "provider": None,
        "observed_at": None,
        "profile_observed": None,
        "precision": None,
        "videos_observed": None,
        "videos_missing": None,
        "listed": None,
        "listed_reason": None,
        "tried": [],
        "pages": None,
        "payload_sha256": None,
        "duration_ms": None,
        "requested_at": recorded.recorded_at.isoformat().replace("+00:00", "Z"),
        "started_at": None,
        "finished_at": None,
    }


def test_a_scrape_that_a_worker_has_is_running_until_its_lease_ends(home: Tenant):
    scrape_id = requested(home, home.add("watched.goat")["id"])["scrape_id"]

    lease(home, scrape_id, seconds=60)
    running = shown(home, scrape_id)
    lease(home, scrape_id, seconds=-1)
    lost = shown(home, scrape_id)

    assert (running["status"], running["attempts"]) == ("running", 1)
    assert running["started_at"] is not None
    assert running["next_attempt_at"] is None
    assert (lost["status"], lost["attempts"]) == ("queued", 2)


def test_a_scrape_that_waits_for_another_try_says_what_came_of_the_last(home: Tenant):
    scrape_id = requested(home, home.add("watched.goat")["id"])["scrape_id"]
    lease(home, scrape_id, seconds=60)
    home.goatherd.query(
        "UPDATE scrape_job SET state = 'ready', outcome = 'rate_limited', "
        "error = 'Slow down.', due_at = now() + interval '1 hour' WHERE scrape_id = %s",
        UUID(scrape_id),
    )

    scrape = shown(home, scrape_id)

    assert (scrape["status"], scrape["outcome"]) == ("queued", "rate_limited")
    assert scrape["error"] == "Slow down."
    assert datetime.fromisoformat(scrape["next_attempt_at"]) > datetime.now(UTC)


def test_a_scrape_that_succeeded_says_what_it_saw(home: Tenant):
    creator_id = home.add("watched.goat")["id"]
    scrape_id = requested(home, creator_id)["scrape_id"]
    about: dict[str, Any] = {
        "organization_id": home.organization_id,
        "creator_id": UUID(creator_id),
        "observed_at": THEN,
        "provider": "test",
    }

    home.goatherd.append(
        scrape_id,
        e.ProfileSnapshotRecorded(**about, display_name="Billy", follower_count=9),
        e.ScrapeSucceeded(
            **about,
            job_type="creator_profiles",
            attempts=2,
            duration_ms=37,
            profile_observed=True,
            pages=3,
            payload_sha256="ab" * 32,
            precision="rounded",
            missing_video_ids=("7001", "7002"),
        ),
    )

    scrape = shown(home, scrape_id)
    finished_at = home.goatherd.log(scrape_id)[-1].recorded_at
    seen = {
        "status": "succeeded",
        "outcome": "ok",
        "attempts": 2,
        "provider": "test",
        "observed_at": "2026-03-01T12:00:00Z",
        "profile_observed": True,
        "precision": "rounded",
        "videos_observed": 0,
        "videos_missing": 2,
        "pages": 3,
        "payload_sha256": "ab" * 32,
        "duration_ms": 37,
        "next_attempt_at": None,
    }
    assert scrape | seen == scrape
    assert datetime.fromisoformat(scrape["finished_at"]) == finished_at
    creator = home.shown(creator_id)
    assert (creator["display_name"], creator["follower_count"]) == ("Billy", 9)
    assert datetime.fromisoformat(creator["last_scraped_at"]) == finished_at


def test_a_scrape_that_failed_says_why(home: Tenant):
    creator_id = home.add("watched.goat")["id"]
    scrape_id = requested(home, creator_id)["scrape_id"]

    home.goatherd.append(
        scrape_id,
        e.ScrapeFailed(
            organization_id=home.organization_id,
            creator_id=UUID(creator_id),
            job_type="creator_profiles",
            provider="test",
            attempts=5,
            error="The account is private.",
            outcome="private",
        ),
    )

    scrape = shown(home, scrape_id)
    failed = {
        "status": "failed",
        "outcome": "private",
        "attempts": 5,
        "error": "The account is private.",
    }
    assert scrape | failed == scrape


def test_a_creators_scrapes_are_listed_newest_first_page_by_page(home: Tenant):
    creator_id = home.add("watched.goat")["id"]
    home.add("other.goat")
    newest_first = [
        requested(home, creator_id, json={"job_type": "video_stats"})["scrape_id"]
        for _ in range(3)
    ][::-1]
    home.goatherd.catch_up()
    path = f"/creators/{creator_id}/scrapes"

    first = home.get(path, params={"limit": 2})
    cursor = first.json()["meta"]["nextCursor"]
    second = home.get(path, params={"cursor": cursor})

    assert [row["id"] for row in data_of(first)] == newest_first[:2]
    assert data_of(first)[0] == shown(home, newest_first[0])
    rest = data_of(second)
    assert rest[0]["id"] == newest_first[2]
    assert {(row["job_type"], row["trigger"]) for row in rest[1:]} == {
        ("creator_profiles", "added"),
        ("discover_videos", "added"),
    }
    assert second.json()["meta"] == {"nextCursor": None, "limit": 50}


def test_a_cursor_is_worth_nothing_in_another_creators_list(home: Tenant):
    one, other = home.add("one.goat")["id"], home.add("other.goat")["id"]
    home.goatherd.catch_up()
    page = home.get(f"/creators/{one}/scrapes", params={"limit": 1})

    refused = home.get(
        f"/creators/{other}/scrapes",
        params={"cursor": page.json()["meta"]["nextCursor"]},
    )

    assert code_of(refused) == (400, "invalid_cursor")


def test_a_removed_creators_scrapes_can_still_be_read(home: Tenant):
    creator_id = home.add("leaving.goat")["id"]
    home.delete(f"/creators/{creator_id}")
    home.goatherd.catch_up()

    answer = home.get(f"/creators/{creator_id}/scrapes")

    assert len(data_of(answer)) == 2


def test_scrapes_by_hand_are_limited_by_the_day(goatherd: Goatherd):
    home = goatherd.tenant(plan="free")
    creator_id = home.add("watched.goat")["id"]
    path = f"/creators/{creator_id}/scrape"

    first = home.post(path)
    kept = goatherd.kept()
    second = home.post(path, {"job_type": "video_stats"})
    kept_after_refusal = goatherd.kept()
    today = manual_scrapes_counter(home.organization_id, datetime.now(UTC).date())
    goatherd.query("UPDATE quota_counters SET key = %s WHERE key = %s", new_id(), today)
    next_day = home.post(path)

    assert (first.status_code, next_day.status_code) == (202, 202)
    assert second.status_code == 402
    assert second.json()["meta"] == {
        "code": "limit_reached",
        "requestId": second.headers["X-Request-Id"],
        "limitKey": "max_manual_scrape_triggers_per_day",
        "current": 1,
        "max": 1,
    }
    assert kept_after_refusal == kept


def test_a_disabled_creator_may_be_scraped_by_hand_and_a_removed_one_not(home: Tenant):
    disabled, removed = home.add("hidden.goat")["id"], home.add("leaving.goat")["id"]
    home.disable(disabled)
    home.delete(f"/creators/{removed}")
    kept = home.goatherd.kept()

    refused = home.post(f"/creators/{removed}/scrape")
    kept_after_refusal = home.goatherd.kept()
    queued = home.post(f"/creators/{disabled}/scrape")

    assert code_of(refused) == (409, "creator_removed")
    assert kept_after_refusal == kept
    assert queued.status_code == 202


def make_overdue(home: Tenant, *, seconds: int, priority: int = 0) -> None:
    """Let the organization's jobs have been due for so long."""
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE scrape_job SET due_at = now() - make_interval(secs => %s), "
        "priority = %s, enqueued_at = CASE WHEN job_type = 'creator_profiles' "
        "THEN now() END WHERE organization_id = %s",
        seconds,
        priority,
        home.organization_id,
    )


def test_while_the_queue_is_behind_scrapes_by_hand_are_told_to_wait(goatherd: Goatherd):
    home, other = goatherd.tenant(plan="free"), goatherd.tenant()
    path = f"/creators/{home.add('watched.goat')['id']}/scrape"
    others_path = f"/creators/{other.add('other.goat')['id']}/scrape"
    headers = {"Idempotency-Key": str(new_id())}
    make_overdue(home, seconds=1_380)
    kept = goatherd.kept()

    refused = home.post(path, headers=headers)
    kept_after_refusal = goatherd.kept()
    others = other.post(others_path)
    make_overdue(home, seconds=890)
    later = home.post(path, headers=headers)

    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert refused.json() == {
        "data": None,
        "error": "The queue is behind: a scrape of yours has been due for 23 minutes. "
        "Retry in 60 s.",
        "meta": {
            "code": "rate_limit_exceeded",
            "requestId": refused.headers["X-Request-Id"],
            "retryAfter": 60,
        },
    }
    assert kept_after_refusal == kept
    # Neither was the refusal kept under the key, nor counted against the day's one.
    assert (others.status_code, later.status_code) == (202, 202)
    assert "Idempotent-Replayed" not in later.headers


@pytest.mark.parametrize("job_type", ("creator_profiles", "discover_videos"))
def test_one_overdue_scrape_is_enough_enqueued_or_not(home: Tenant, job_type: str):
    creator_id = home.add("watched.goat")["id"]
    make_overdue(home, seconds=1_000)
    home.goatherd.query(
        "UPDATE scrape_job SET state = 'done' WHERE organization_id = %s "
        "AND job_type <> %s",
        home.organization_id,
        job_type,
    )

    refused = home.post(f"/creators/{creator_id}/scrape")

    assert code_of(refused) == (429, "rate_limit_exceeded")


def test_scheduled_scrapes_and_those_that_wait_or_run_hold_nobody_up(home: Tenant):
    creator_id = home.add("watched.goat")["id"]
    make_overdue(home, seconds=3_600, priority=1)
    scheduled = home.post(f"/creators/{creator_id}/scrape")
    make_overdue(home, seconds=-3_600)
    waiting = home.post(f"/creators/{creator_id}/scrape")
    make_overdue(home, seconds=3_600)
    home.goatherd.query(
        "UPDATE scrape_job SET state = 'leased' WHERE organization_id = %s",
        home.organization_id,
    )
    running = home.post(f"/creators/{creator_id}/scrape")

    assert [a.status_code for a in (scheduled, waiting, running)] == [202] * 3


def test_a_quarantined_scrape_is_shown_as_failed_with_its_reason(home: Tenant):
    creator_id = home.add("watched.goat")["id"]
    scrape_id = requested(home, creator_id)["scrape_id"]
    home.goatherd.catch_up()
    home.goatherd.query(
        "UPDATE scrape_job SET state = 'quarantined' WHERE scrape_id = %s",
        UUID(scrape_id),
    )
    reason = "Attempt 5 died without an answer."
    home.goatherd.append(
        scrape_id,
        e.ScrapeFailed(
            organization_id=home.organization_id,
            creator_id=UUID(creator_id),
            job_type="creator_profiles",
            provider="test",
            attempts=5,
            error=reason,
            outcome=None,
        ),
    )

    scrape = shown(home, scrape_id)

    assert (scrape["status"], scrape["error"]) == ("failed", reason)
    assert (scrape["attempts"], scrape["next_attempt_at"]) == (5, None)


def test_metrics_count_jobs_by_state_and_tell_the_oldest(goatherd: Goatherd):
    home = goatherd.tenant()
    home.goatherd.query("UPDATE scrape_job SET state = 'done'")
    for state in (
        "'ready', due_at = now() - interval '90 s'",
        "'ready', enqueued_at = now()",
        "'leased', lease_until = now() - interval '1 s'",
        "'leased', lease_until = now() + interval '99 s'",
        "'quarantined'",
    ):
        creator_id = home.add(f"goat{new_id().hex[-12:]}")["id"]
        goatherd.catch_up()
        goatherd.query(
            "UPDATE scrape_job SET state = 'done' WHERE creator_id = %s "
            "AND job_type = 'discover_videos'",
            UUID(creator_id),
        )
        goatherd.query(
            f"UPDATE scrape_job SET state = {state} WHERE creator_id = %s "  # noqa: S608
            "AND job_type = 'creator_profiles'",
            UUID(creator_id),
        )

    lines = goatherd.client.get("/metrics").text.splitlines()

    assert 'goatherd_jobs{state="waiting"} 3.0' in lines
    assert 'goatherd_jobs{state="running"} 1.0' in lines
    assert 'goatherd_jobs{state="quarantined"} 1.0' in lines
    (oldest,) = (
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("goatherd_jobs_oldest_due_seconds ")
    )
    assert 90 <= oldest < 120
