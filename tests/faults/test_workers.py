"""Workers among faults: each run has one result in the end, after any deaths."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import redis
from dramatiq import worker as dramatiq_worker

from domain.scrape.observations import ProfileObservation
from domain.scrape.verdicts import (
    Ok,
    Private,
    Verdict,
)
from infra.embedded import EmbeddedValkey
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from tests.kit.backends import terminate
from tests.kit.builders import Home, opened_store
from tests.kit.faults import kill_group, victim
from tests.kit.jobs import (
    Scripted,
    all_done,
    derive_jobs,
    ends_of,
    job_of,
    jobs_in,
    let_time_pass,
    messages,
    working,
)
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.worker_processes import (
    PROMPTLY,
    dispatcher_at_work,
    done,
    results,
    worker_process,
)
from workers import dispatcher as dispatching
from workers.broker import connect_broker
from workers.scraping import enqueue, jobs
from workers.scraping.lease_renewal import LeaseRenewer
from workers.scraping.scrape import ScrapeDependencies, scrape_creator
from workers.sources.chain import Chain
from workers.sources.port import (
    Provider,
    Target,
)
from workers.sources.recordings.file_format import Observation, encode_observation

SEEN = Ok(observed_at=datetime(2026, 2, 2, tzinfo=UTC))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that make work in this process take moments instead of seconds."""
    monkeypatch.setattr(dispatching, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(enqueue, "ENQUEUE_AGAIN_SECONDS", 0.3)
    monkeypatch.setattr(dramatiq_worker, "CONSUMER_RESTART_DELAY_SECS", 0.1)


@pytest.fixture
def own_valkey(data_dir: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(data_dir)
    yield server
    server.stop()


def end_old_leases(store: Store, *, before: datetime) -> None:
    """End the leases of those who have been dead since then."""
    with store.pool.connection() as connection:
        connection.execute(
            "UPDATE scrape_job SET lease_until = clock_timestamp() - interval '1 s' "
            "WHERE state = 'leased' AND started_at < %s "
            "AND lease_until > clock_timestamp()",
            (before,),
        )


def shortly_after_now(store: Store) -> datetime:
    """The database's time at which all statements of the dead have arrived."""
    with store.pool.connection() as connection:
        row = connection.execute("SELECT clock_timestamp() + '0.2 s'").fetchone()
    assert row is not None
    return row[0]


def handles(amount: int) -> list[str]:
    return [f"goat{number}" for number in range(amount)]


# Processes of workers, as `goatherd work` runs them


@pytest.fixture
def environment(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a worker that plays a recording of a few hundred goats."""
    recording = tmp_path / "goats.jsonl"
    recording.write_bytes(
        b"\n".join(
            encode_observation(
                Observation(
                    observed_at=datetime(2026, 2, 2, tzinfo=UTC),
                    handle=handle,
                    profile=ProfileObservation(follower_count=number),
                )
            )
            for number, handle in enumerate(handles(300))
        )
    )
    return {
        **os.environ,
        "GOATHERD_DATABASE_URL": database_url,
        "GOATHERD_REDIS_URL": redis_url,
        "GOATHERD_RECORDINGS": str(recording),
        "GOATHERD_LOG_LEVEL": "warning",
        "GOATHERD_WORKER_THREADS": "4",
    }


def test_killed_workers_lose_no_run_and_double_none(
    home: Home, database_url: str, redis_url: str, environment: dict[str, str]
):
    store = home.store
    home.add(*handles(300))
    done_at: list[int] = []

    with dispatcher_at_work(store, database_url, redis_url):
        for part in (20, 200):
            with worker_process(environment) as process:
                assert wait_until(lambda: done(store) >= part, seconds=PATIENTLY)  # noqa: B023
                kill_group(process)
            done_at.append(done(store))
        last_words = shortly_after_now(store)
        with worker_process(environment):
            finished = wait_until(
                lambda: end_old_leases(store, before=last_words) or all_done(store),
                seconds=PATIENTLY,
            )

    assert finished
    assert 20 <= done_at[0] < 600
    assert 200 <= done_at[1] < 600
    assert {job["outcome"] for job in jobs_in(store)} == {"ok"}
    assert results(store) == [1]


# Workers in this process, and a broker that forgets or is away


def dependencies(store: Store, provider: Scripted) -> ScrapeDependencies:
    return ScrapeDependencies(store=store, chain=Chain(provider))


def test_a_broker_that_forgets_everything_costs_no_run(
    home: Home, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 80)
    store, provider = home.store, Scripted(SEEN)
    home.add(*handles(40))

    with dispatcher_at_work(store, database_url, redis_url):
        all_enqueued = wait_until(
            lambda: len(set(messages(redis_url))) == 80, seconds=PATIENTLY
        )
        flush(redis_url)
        with working(connect_broker(redis_url), dependencies(store, provider)):
            part = wait_until(lambda: done(store) >= 10, seconds=PATIENTLY)
            flush(redis_url)
            finished = wait_until(lambda: all_done(store), seconds=PATIENTLY)

    assert (all_enqueued, part, finished) == (True, True, True)
    assert len(provider.calls) == 80
    assert results(store) == [1]


def flush(url: str) -> None:
    with redis.Redis.from_url(url) as connection:
        connection.flushdb()


def test_a_broker_that_is_away_costs_no_run_and_no_restart(
    home: Home, database_url: str, own_valkey: EmbeddedValkey
):
    store, provider = home.store, Scripted(SEEN)
    url = own_valkey.start()

    with (
        dispatcher_at_work(store, database_url, url),
        working(connect_broker(url), dependencies(store, provider)),
    ):
        home.add("before")
        before = wait_until(lambda: done(store) == 2, seconds=PATIENTLY)
        own_valkey.stop()
        home.add(*handles(10))
        derived = wait_until(lambda: len(jobs_in(store)) == 22, seconds=PATIENTLY)
        while_away = done(store)
        own_valkey.start()
        finished = wait_until(lambda: all_done(store), seconds=PATIENTLY)

    assert (before, derived, while_away, finished) == (True, True, 2, True)
    assert results(store) == [1]


def test_killed_connections_cost_attempts_and_no_run(
    home: Home, database_url: str, redis_url: str
):
    provider = Scripted(SEEN)
    home.add(*handles(100))

    with (
        opened_store(database_url, pool_size=3) as theirs,
        dispatcher_at_work(theirs, database_url, redis_url),
        working(
            connect_broker(redis_url),
            ScrapeDependencies(store=theirs, chain=Chain(provider), lease_seconds=1),
        ),
    ):
        for part in (20, 80, 140):
            assert wait_until(lambda: counted(theirs) >= part, seconds=PATIENTLY)  # noqa: B023
            terminate(database_url)
        with opened_store(database_url) as store:
            finished = wait_until(lambda: all_done(store), seconds=PATIENTLY)
            outcomes = {job["outcome"] for job in jobs_in(store)}
            result = results(store)

    assert finished
    assert (outcomes, result) == ({"ok"}, [1])


def counted(store: Store) -> int:
    """How many runs are done, as far as the database answers."""
    try:
        return done(store)
    except psycopg.OperationalError:
        return 0


# A worker that is paused for longer than its lease


class Gate(Provider):
    """A provider that waits at a gate in a folder, and says when it got there."""

    name = "gate"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def creator_profiles(self, target: Target) -> Verdict:
        del target
        (self._folder / "there").touch()
        if not wait_until((self._folder / "open").exists, seconds=PATIENTLY):
            raise TimeoutError
        return Private("Long ago.")

    discover_videos = video_stats = creator_profiles


def scrape_one(database_url: str, scrape_id: UUID, folder: Path) -> None:
    """Do one run in a process of its own, whose lease is kept."""
    with opened_store(database_url) as store:
        at = ScrapeDependencies(store=store, chain=Chain(Gate(folder)), lease_seconds=1)
        renewer = LeaseRenewer(store.pool, seconds=1)
        scrape_creator(at, scrape_id, renewer=renewer)
    (folder / "finished").touch()


def test_a_worker_that_is_paused_past_its_lease_changes_nothing_any_more(
    home: Home, database_url: str, tmp_path: Path
):
    store = home.store
    home.add("billie")
    derive_jobs(store)
    run = jobs_in(store)[0]["scrape_id"]
    with victim(scrape_one, database_url, run, tmp_path) as paused:
        assert wait_until((tmp_path / "there").exists, seconds=PATIENTLY)
        kept = not wait_until(lambda: jobs.take_back(store.pool) > 0, seconds=2.5)
        paused.freeze()
        lost = wait_until(
            lambda: jobs.take_back(store.pool) > 0, seconds=at_most(PROMPTLY)
        )
        let_time_pass(store)
        scrape_creator(dependencies(store, Scripted(SEEN)), run)
        before = job_of(store, run), ends_of(store, [run])[run]
        (tmp_path / "open").touch()
        paused.wake()
        assert wait_until((tmp_path / "finished").exists, seconds=PATIENTLY)

    job, (end,) = before
    assert (kept, lost) == (True, True)
    assert (job["state"], job["attempts"], job["outcome"]) == ("done", 2, "ok")
    after = job_of(store, run)
    assert (after["state"], after["attempts"], after["outcome"]) == ("done", 2, "ok")
    assert ends_of(store, [run])[run] == [end]
