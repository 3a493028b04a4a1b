"""Rebuilds by several worker processes, some of which die: the rows of one process."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import psycopg
import pytest
import redis
from psycopg.rows import TupleRow

from domain.scrape.verdicts import Private
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from projections.analytics.projection import AnalyticsProjection
from projections.engine.follower import Follower
from projections.engine.projection import ReadModel
from projections.rebuild import slice_workers
from projections.rebuild.errors import CannotNotifyError
from projections.rebuild.rebuild import Rebuilt, cancel, rebuild
from projections.rebuild.remote_workers import Notify, RemoteWorkers, help_rebuild
from projections.rebuild.slice_workers import (
    Slice,
    lease_slice,
    release_slice,
    work_on_one_slice,
)
from projections.rebuild.slices import slices_left
from projections.rebuild.state import rebuild_of
from projections.rebuild.transitions import begin
from tests.benchmarks.test_analytics import population
from tests.kit.builders import Home, make_home, opened_store
from tests.kit.faults import kill_group, victim
from tests.kit.histories import log, many_events
from tests.kit.jobs import (
    Scripted,
    all_done,
    derive_jobs,
    jobs_in,
    let_time_pass,
    running,
)
from tests.kit.keys import SETTINGS
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.worker_processes import worker_process
from tests.projections.analytics.test_analytics import contents
from workers.broker import REBUILDS_QUEUE, connect_broker, enqueue_scrapes
from workers.rebuild_worker import SliceWorker, declare_rebuild_actor, rebuild_notifier
from workers.scraping.scrape import ScrapeDependencies, declare_actor
from workers.sources.chain import Chain

NOBODY = "redis://127.0.0.1:1/0"
ANALYTICS = AnalyticsProjection()

Rows = dict[str, list[str]]


@pytest.fixture
def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A log of several creators, and the read model as one follower folds it."""
    monkeypatch.setattr("projections.rebuild.slices.SLICE_EVENTS", 20)
    with opened_store(database_url, pool_size=8) as store:
        log(store, many_events(600, creators=12))
        population(store, creators=6, videos=20, looks=12, every=timedelta(hours=9))
        follower = Follower(ANALYTICS, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
        yield store


@pytest.fixture
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    """The settings of a worker that scrapes nothing here."""
    return {
        **os.environ,
        "GOATHERD_DATABASE_URL": database_url,
        "GOATHERD_REDIS_URL": redis_url,
        "GOATHERD_LOG_LEVEL": "warning",
        "GOATHERD_WORKER_THREADS": "2",
    }


def rows(store: Store) -> Rows:
    with store.pool.connection() as connection:
        return contents(connection)


def run(store: Store, statement: str, *values: object) -> list[TupleRow]:
    with store.pool.connection() as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def status(store: Store) -> str:
    with store.pool.connection() as connection:
        found = rebuild_of(connection, ANALYTICS.name)
    assert found is not None
    return found.status


def rebuilt(
    store: Store, ring: Notify, said: list[str], *, patience: float = PATIENTLY
) -> Rebuilt:
    remote_workers = RemoteWorkers(ring, report=said.append, patience_seconds=patience)
    return rebuild(store, ANALYTICS, by="test", remote=remote_workers)


def holders(store: Store) -> set[str]:
    """The workers whose leased slice is not given up or swapped yet."""
    found = run(store, "SELECT DISTINCT leased_by FROM projection_slice")
    return {name for (name,) in found if name is not None}


@contextmanager
def nobody_writes_looks(database_url: str) -> Iterator[None]:
    """Keep everybody in the midst of the slice that is gathered just now."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "LOCK TABLE goatherd_next_analytics.analytics_snapshots IN SHARE MODE"
        )
        yield


def is_somebody_stuck(store: Store) -> bool:
    stuck = run(
        store,
        "SELECT pid FROM pg_locks WHERE NOT granted AND relation = "
        "'goatherd_next_analytics.analytics_snapshots'::regclass",
    )
    return bool(stuck)


def test_two_processes_make_the_rows_of_one_and_their_driver_works_on_none(
    store: Store, database_url: str, redis_url: str, environment: dict[str, str]
):
    before = rows(store)
    said: list[str] = []
    seen: set[str] = set()
    ring = rebuild_notifier(redis_url)
    begin(store.pool, ANALYTICS, by="test")

    def look_and_ring(name: str, version: int) -> None:
        seen.update(holders(store))
        ring(name, version)

    with (
        worker_process(environment),
        worker_process(environment),
        ThreadPoolExecutor(1) as thread,
    ):
        # However fast they are, neither is through before the other came.
        with nobody_writes_looks(database_url):
            rebuilding = thread.submit(rebuilt, store, look_and_ring, said)
            both_came = wait_until(lambda: len(holders(store)) == 2, seconds=PATIENTLY)
        done = rebuilding.result(PATIENTLY)

    assert both_came
    assert done.comparison.is_strict
    assert done.comparison.is_equal
    assert rows(store) == before
    assert len(before["snapshots"]) > 70
    assert len(seen) == 2
    assert not [name for name in seen if name.startswith("rebuild")]
    assert "2 workers are at it." in said
    assert not [sentence for sentence in said if "this process" in sentence]


def test_a_worker_that_is_killed_in_mid_slice_has_it_done_again_once(
    store: Store, database_url: str, redis_url: str, environment: dict[str, str]
):
    before = rows(store)
    begin(store.pool, ANALYTICS, by="test")
    ring = rebuild_notifier(redis_url)

    with (
        worker_process(environment) as killed,
        nobody_writes_looks(database_url),
    ):
        ring(ANALYTICS.name, ANALYTICS.version)
        assert wait_until(lambda: is_somebody_stuck(store), seconds=PATIENTLY)
        kill_group(killed)
    end_leases(store)
    with worker_process(environment):
        ring(ANALYTICS.name, ANALYTICS.version)
        finished = wait_until(
            lambda: slices_left(store.pool, ANALYTICS) == 0, seconds=PATIENTLY
        )
    attempts = run(store, "SELECT attempts FROM projection_slice ORDER BY 1 DESC")
    done = rebuild(store, ANALYTICS, by="test")

    assert finished
    assert [n for (n,) in attempts][:2] == [2, 1]
    assert done.comparison.is_equal
    assert rows(store) == before


def end_leases(store: Store) -> None:
    """Let the time pass that a lease of the dead would still hold."""
    run(
        store,
        "UPDATE projection_slice SET leased_until = clock_timestamp() "
        "WHERE leased_until > clock_timestamp()",
    )


def work_late(url: str, folder: Path) -> None:
    """Lease a slice, and work on it only once the folder has a file ``open``."""
    work, stop = slice_workers.work_on_one_slice, Event()

    def late(*args: object, **named: object) -> str:
        (folder / "there").touch()
        if not wait_until((folder / "open").exists, seconds=PATIENTLY):
            raise TimeoutError
        done = work(*args, **named)  # type: ignore[arg-type]
        stop.set()
        (folder / "told").write_text(done)
        return done

    slice_workers.work_on_one_slice = late
    with opened_store(url) as store:
        help_rebuild(store, ANALYTICS, by="late", stop=stop, lease_seconds=0.5)


def took_first(store: Store, leases: list[Slice]) -> bool:
    """Lease the log's first slice, once its holder lost it; keep it in the list."""
    leased = lease_slice(store.pool, ANALYTICS, by="punctual")
    if leased is not None and leased.number > 0:
        release_slice(store.pool, leased)
        return False
    assert leased is not None
    leases.append(leased)
    return True


def test_a_worker_that_is_paused_past_its_lease_is_refused_by_the_fence(
    store: Store, database_url: str, tmp_path: Path
):
    before = rows(store)
    begin(store.pool, ANALYTICS, by="test")
    with victim(work_late, database_url, tmp_path) as paused:
        assert wait_until((tmp_path / "there").exists, seconds=PATIENTLY)
        paused.freeze()
        leases: list[Slice] = []
        assert wait_until(lambda: took_first(store, leases), seconds=PATIENTLY)
        (tmp_path / "open").touch()
        paused.wake()
        assert wait_until((tmp_path / "told").exists, seconds=PATIENTLY)
        paused.wait()
    still_there = work_on_one_slice(store, ANALYTICS, leases[0])
    done = rebuild(store, ANALYTICS, by="test")

    assert (tmp_path / "told").read_text() == "lost"
    assert still_there == "done"
    assert done.comparison.is_equal
    assert rows(store) == before


def test_a_redis_that_is_away_is_said_and_costs_no_rebuild(store: Store):
    before = rows(store)
    said: list[str] = []

    done = rebuilt(store, rebuild_notifier(NOBODY), said)

    (sentence,) = said
    assert sentence.startswith("Redis cannot be reached")
    assert sentence.endswith("this process works on the slices.")
    assert done.comparison.is_equal
    assert rows(store) == before


def test_where_no_worker_comes_it_is_said_and_done_here(store: Store, redis_url: str):
    said: list[str] = []

    done = rebuilt(store, rebuild_notifier(redis_url), said, patience=0.3)

    assert said == ["no worker came for 0.3 s: this process works on the slices."]
    assert done.comparison.is_equal


def test_a_redis_that_goes_away_leaves_those_who_came_at_work(
    store: Store, redis_url: str, environment: dict[str, str]
):
    said: list[str] = []
    ring = rebuild_notifier(redis_url)
    notified: list[int] = []

    def ring_once(name: str, version: int) -> None:
        if said:  # This process has seen a worker.
            raise CannotNotifyError("Away")
        notified.append(version)
        ring(name, version)

    with worker_process(environment):
        done = rebuilt(store, ring_once, said)

    assert notified
    assert said[0] == "1 worker is at it."
    assert not [sentence for sentence in said if "this process" in sentence]
    assert done.comparison.is_equal


def test_a_message_that_was_lost_is_sent_again_and_one_that_waits_is_not(
    store: Store, redis_url: str
):
    begin(store.pool, ANALYTICS, by="test")
    remote_workers = RemoteWorkers(rebuild_notifier(redis_url), report=lambda _: None)
    waiting: list[int] = []

    with redis.Redis.from_url(redis_url) as connection:
        for _ in range(2):
            assert remote_workers.are_at_work(store.pool, ANALYTICS, exclude="test")
            waiting.append(connection.llen(f"goatherd:{REBUILDS_QUEUE}"))
        connection.flushdb()
        assert remote_workers.are_at_work(store.pool, ANALYTICS, exclude="test")
        waiting.append(connection.llen(f"goatherd:{REBUILDS_QUEUE}"))

    assert waiting == [1, 1, 1]


@contextmanager
def hands_in_this_process(
    store: Store, database_url: str, redis_url: str
) -> Iterator[Callable[[], None]]:
    """One worker of one thread that scrapes and works on slices; gives its bell."""
    broker = connect_broker(redis_url)
    hand = SliceWorker(database_url, SETTINGS)
    declare_actor(
        broker, ScrapeDependencies(store=store, chain=Chain(Scripted(Private("No."))))
    )
    declare_rebuild_actor(broker, hand)
    ring = rebuild_notifier(redis_url)
    with running(broker, threads=1):
        yield lambda: ring(ANALYTICS.name, ANALYTICS.version)


def test_a_slice_that_takes_long_keeps_no_scrape_waiting(
    store: Store, database_url: str, redis_url: str
):
    home: Home = make_home(store)
    home.add("billie")
    derive_jobs(store)
    begin(store.pool, ANALYTICS, by="test")

    with hands_in_this_process(store, database_url, redis_url) as ring:
        with nobody_writes_looks(database_url):
            ring()
            assert wait_until(lambda: is_somebody_stuck(store), seconds=PATIENTLY)
            let_time_pass(store)
            enqueue_scrapes(
                connect_broker(redis_url), [job["scrape_id"] for job in jobs_in(store)]
            )
            scraped = wait_until(lambda: all_done(store), seconds=at_most(4))
            still_stuck = is_somebody_stuck(store)
        finished = wait_until(
            lambda: slices_left(store.pool, ANALYTICS) == 0, seconds=PATIENTLY
        )

    assert (scraped, still_stuck, finished) == (True, True, True)


def test_a_message_that_comes_twice_or_too_late_changes_nothing(
    store: Store, database_url: str, redis_url: str
):
    before = rows(store)
    begin(store.pool, ANALYTICS, by="test")

    with hands_in_this_process(store, database_url, redis_url) as ring:
        for _ in range(5):
            ring()
        finished = wait_until(
            lambda: slices_left(store.pool, ANALYTICS) == 0, seconds=PATIENTLY
        )
        attempts = run(store, "SELECT DISTINCT attempts FROM projection_slice")
        done = rebuild(store, ANALYTICS, by="test")
        ring()
        with redis.Redis.from_url(redis_url) as connection:
            heard = wait_until(
                lambda: connection.llen(f"goatherd:{REBUILDS_QUEUE}") == 0,
                seconds=PATIENTLY,
            )

    assert (finished, heard) == (True, True)
    assert attempts == [(1,)]
    assert done.comparison.is_equal
    assert rows(store) == before


def test_a_cancelled_rebuild_ends_its_workers_and_is_no_failure(
    store: Store, database_url: str, redis_url: str
):
    before = rows(store)
    begin(store.pool, ANALYTICS, by="test")

    with (
        hands_in_this_process(store, database_url, redis_url) as ring,
        ThreadPoolExecutor(1) as thread,
    ):
        with nobody_writes_looks(database_url):
            ring()
            assert wait_until(lambda: is_somebody_stuck(store), seconds=PATIENTLY)
            cancelling = thread.submit(cancel, store, ANALYTICS)
        assert cancelling.result(PATIENTLY)

    assert status(store) == "cancelled"
    assert holders(store) == set()
    assert rows(store) == before


def test_an_event_that_a_worker_cannot_gather_ends_the_rebuild_and_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise ValueError("out of goats")

    monkeypatch.setattr(AnalyticsProjection, "gather", refuse)
    begin(store.pool, ANALYTICS, by="test")

    help_rebuild(store, ANALYTICS, by="worker", stop=Event())

    assert status(store) == "failed"
    with store.pool.connection() as connection:
        found = rebuild_of(connection, ANALYTICS.name)
    assert found is not None
    assert "out of goats" in str(found.error)


def test_rules_of_another_release_are_left_to_others(store: Store, database_url: str):
    known: tuple[ReadModel, ...] = (ANALYTICS,)
    hand = SliceWorker(database_url, SETTINGS, known=known)
    begin(store.pool, ANALYTICS, by="test")

    hand.wake(ANALYTICS.name, ANALYTICS.version + 1)
    hand.wake("creator_list", 1)
    hand.stop()

    assert holders(store) == set()
