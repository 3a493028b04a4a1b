"""Jobs among faults: runs that are long, that kill, that never end, and too many."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from domain import events as e
from domain.scrape.verdicts import (
    Ok,
    Verdict,
)
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from tests.kit.builders import Home, make_home
from tests.kit.faults import kill_group
from tests.kit.jobs import (
    Scripted,
    derive_jobs,
    end_leases,
    ends_of,
    job_of,
    jobs_in,
    leased,
    let_time_pass,
    messages,
    working,
)
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.worker_processes import (
    FOLDER,
    MISBEHAVING,
    dispatcher_at_work,
    results,
    worker_process,
)
from workers import dispatcher as dispatching
from workers.broker import connect_broker
from workers.scraping import enqueue, jobs, lease_renewal, retry_policy
from workers.scraping.scrape import ScrapeDependencies
from workers.sources.chain import Chain
from workers.sources.port import Target

LEASE_SECONDS = 5


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatching, "ROUND_SECONDS", 0.1)


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a worker that misbehaves where the handle says so."""
    return {
        **os.environ,
        "GOATHERD_DATABASE_URL": database_url,
        "GOATHERD_REDIS_URL": redis_url,
        "GOATHERD_LEASE_SECONDS": str(LEASE_SECONDS),
        "GOATHERD_WORKER_THREADS": "4",
        FOLDER: str(tmp_path),
    }


def run_of(store: Store, handle: str) -> UUID:
    """The run that looks at the profile of a creator that was just added."""
    derive_jobs(store)
    runs = [job["scrape_id"] for job in jobs_in(store)]
    for history in store.load(*runs).values():
        event = history[0].event
        assert isinstance(event, e.ScrapeRequested)
        if (event.handle, event.job_type) == (handle, "creator_profiles"):
            return history[0].stream
    raise AssertionError(handle)


def all_over(store: Store) -> bool:
    return {job["state"] for job in jobs_in(store)} <= {"done", "quarantined"}


def test_what_a_killed_worker_had_is_done_by_another_when_its_lease_has_ended(
    home: Home,
    database_url: str,
    redis_url: str,
    environment: dict[str, str],
    tmp_path: Path,
):
    store = home.store
    home.add("gate")
    run = run_of(store, "gate")

    with (
        dispatcher_at_work(store, database_url, redis_url),
        worker_process(environment, set_up=MISBEHAVING) as process,
    ):
        assert wait_until((tmp_path / "there").exists, seconds=PATIENTLY)
        with worker_process(environment, set_up=MISBEHAVING):
            kill_group(process)
            killed_at = time.monotonic()
            (tmp_path / "open").touch()
            finished = wait_until(lambda: all_over(store), seconds=PATIENTLY)
            took = time.monotonic() - killed_at

    job = job_of(store, run)
    assert finished
    assert (job["state"], job["outcome"], job["attempts"]) == ("done", "ok", 2)
    assert results(store) == [1]
    # The attempt that was killed had tried it, too, and left nothing behind.
    (end,) = ends_of(store, [run])[run]
    assert isinstance(end, e.ScrapeSucceeded)
    assert [(each.provider, each.outcome) for each in end.tried] == [
        ("refused", "blocked")
    ]
    # With the lease that is the default this is 30 seconds.
    assert took < at_most(LEASE_SECONDS + 30 - jobs.LEASE_SECONDS)


def test_a_job_that_kills_its_workers_is_quarantined_and_the_others_go_on(
    home: Home,
    database_url: str,
    redis_url: str,
    environment: dict[str, str],
    tmp_path: Path,
):
    store = home.store
    # One at a time, so that nothing else dies with it.
    environment["GOATHERD_WORKER_THREADS"] = "1"
    home.add("poison", *(f"goat{number}" for number in range(20)))
    run = run_of(store, "poison")
    workers = 0

    with dispatcher_at_work(store, database_url, redis_url):
        while workers < 10 and not all_over(store):
            workers += 1
            with worker_process(environment, set_up=MISBEHAVING) as process:
                wait_until(
                    lambda process=process: (
                        process.poll() is not None or all_over(store)
                    ),
                    seconds=PATIENTLY,
                )
                kill_group(process)
            end_leases(store)
            let_time_pass(store)

    job = job_of(store, run)
    (end,) = ends_of(store, [run])[run]
    # The parent of the last killed worker may outlive its lease, so kills are counted.
    kills = (tmp_path / "kills").read_text().splitlines()
    assert kills == ["poison"] * retry_policy.MAX_ATTEMPTS
    assert job["state"] == "quarantined"
    assert isinstance(end, e.ScrapeFailed)
    assert end.error == job["error"] == "Attempt 5 died without an answer."
    others = [job for job in jobs_in(store) if job["scrape_id"] != run]
    assert {(job["state"], job["outcome"]) for job in others} == {("done", "ok")}
    assert results(store) == [1]


def test_ten_thousand_scrapes_of_one_organization_do_not_stand_before_anothers(
    home: Home, database_url: str, redis_url: str, environment: dict[str, str]
):
    store, other = home.store, make_home(home.store)
    for part in range(10):
        home.add(*(f"slow{part}.{number}" for number in range(500)))
    derive_jobs(store)

    with (
        dispatcher_at_work(store, database_url, redis_url),
        worker_process(environment, set_up=MISBEHAVING),
    ):
        assert wait_until(lambda: done_of(store, home) >= 20, seconds=PATIENTLY)
        other.add("newcomer")
        requested_at = time.monotonic()
        assert wait_until(lambda: done_of(store, other) >= 1, seconds=PATIENTLY)
        took = time.monotonic() - requested_at
        left = 10_000 - done_of(store, home)
        queued = len(messages(redis_url))

    assert took < at_most(5)
    assert left > 9_000
    assert queued < enqueue.LEAST_ENQUEUED * 4


def done_of(store: Store, home: Home) -> int:
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM scrape_job WHERE state = 'done' "
            "AND organization_id = %s",
            (home.organization_id,),
        ).fetchone()
    assert row is not None
    return row[0]


# Runs in this process, as long as the test wants


class Long(Scripted):
    """A provider that looks for as long as nobody says otherwise."""

    def __init__(self, *answers: Verdict) -> None:
        super().__init__(*answers)
        self.looking = threading.Event()
        self.enough = threading.Event()

    def creator_profiles(self, target: Target) -> Verdict:
        self.looking.set()
        deadline = time.monotonic() + PATIENTLY
        # In steps, as only between two of them a thread can be interrupted.
        while not self.enough.wait(0.05) and time.monotonic() < deadline:
            pass
        return super().creator_profiles(target)


@pytest.fixture
def long() -> Iterator[Long]:
    provider = Long(Ok(observed_at=datetime(2026, 2, 2, tzinfo=UTC)))
    yield provider
    provider.enough.set()


def test_a_lease_is_renewed_while_its_run_goes_on(
    home: Home, database_url: str, redis_url: str, long: Long
):
    store = home.store
    home.add("billie")
    run = run_of(store, "billie")
    at = ScrapeDependencies(store=store, chain=Chain(long), lease_seconds=1)

    with (
        dispatcher_at_work(store, database_url, redis_url),
        working(connect_broker(redis_url), at),
    ):
        assert long.looking.wait(PATIENTLY)
        taken_over = wait_until(
            lambda: job_of(store, run)["state"] != "leased", seconds=3
        )
        long.enough.set()
        finished = wait_until(lambda: all_over(store), seconds=PATIENTLY)

    assert (taken_over, finished) == (False, True)
    assert job_of(store, run)["attempts"] == 1


def test_a_run_that_never_ends_is_interrupted_and_tried_again_later(
    home: Home,
    database_url: str,
    redis_url: str,
    long: Long,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(
        lease_renewal, "RUN_SECONDS", dict.fromkeys(lease_renewal.RUN_SECONDS, 0.5)
    )
    store = home.store
    home.add("billie")
    run = run_of(store, "billie")
    at = ScrapeDependencies(store=store, chain=Chain(long), lease_seconds=1)

    with (
        dispatcher_at_work(store, database_url, redis_url),
        working(connect_broker(redis_url), at),
    ):
        given_back = wait_until(
            lambda: job_of(store, run)["outcome"] is not None, seconds=PATIENTLY
        )
        job = job_of(store, run)

    assert given_back
    assert (job["state"], job["outcome"]) == ("ready", "transient")
    assert job["error"] == "It took too long."
    assert job["due_in"] > 0


def test_who_lost_a_lease_renews_it_no_more(home: Home):
    store = home.store
    home.add("billie")
    run = run_of(store, "billie")
    renewer = lease_renewal.LeaseRenewer(store.pool, seconds=1)
    mine = leased(store, run)

    with renewer.keeping(mine):
        with store.pool.connection() as connection:
            connection.execute(
                "UPDATE scrape_job SET fence = fence + 1, "
                "lease_until = clock_timestamp() WHERE scrape_id = %s",
                (run,),
            )
        time.sleep(0.6)
        with store.pool.connection() as connection:
            connection.execute(
                "UPDATE scrape_job SET fence = %s WHERE scrape_id = %s",
                (mine.fence, run),
            )
        time.sleep(0.6)

    assert job_of(store, run)["leased_for"] < 0
