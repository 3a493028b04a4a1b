import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from dramatiq.brokers.redis import RedisBroker

from application.integrity import requested_check
from application.mail import outbox
from domain import events as e
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from tests.kit.backends import listeners, terminate
from tests.kit.builders import Home, opened_store
from tests.kit.histories import failed
from tests.kit.jobs import jobs_in, messages
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.threads import woken
from tests.projections.analytics.ledger import append
from workers import dispatcher as dispatching
from workers.broker import connect_broker
from workers.dispatcher import Dispatcher
from workers.scraping import enqueue

PROMPTLY = 6.0

AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds that a test can wait for, and that end soon when it is over."""
    monkeypatch.setattr(dispatching, "ROUND_SECONDS", 0.1)


@contextmanager
def at_work(*dispatchers: Dispatcher) -> Iterator[list[threading.Thread]]:
    """Run the dispatchers, which must stop promptly when they are told to."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=dispatcher.run, args=(stop,), daemon=True)
        for dispatcher in dispatchers
    ]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        stop.set()
        for thread in threads:
            thread.join(at_most(PROMPTLY))
    assert not any(thread.is_alive() for thread in threads)


def all_enqueued(store: Store, amount: int) -> bool:
    return [job["enqueued_at"] is not None for job in jobs_in(store)] == [True] * amount


def test_a_new_creator_is_enqueued_while_the_dispatcher_runs(
    home: Home, broker: RedisBroker, database_url: str, redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    # It is the bell that brings it in, since the next round never comes.
    for name in ("ROUND_SECONDS", "BUSY_ROUND_SECONDS"):
        monkeypatch.setattr(dispatching, name, 600.0)
    dispatcher = Dispatcher(home.store, broker, url=database_url)
    home.add("nanny")

    with at_work(dispatcher):
        assert wait_until(lambda: listeners(database_url) == 1, seconds=PATIENTLY)
        assert wait_until(lambda: len(messages(redis_url)) == 2, seconds=PATIENTLY)
        home.add("billie")
        assert wait_until(lambda: len(messages(redis_url)) == 4, seconds=PATIENTLY)
        # Once more, so that the round in which it stops is a short one.
        monkeypatch.setattr(dispatching, "BUSY_ROUND_SECONDS", 0.1)
        monkeypatch.setattr(dispatching, "ROUND_SECONDS", 0.1)
        home.add("berta")
        assert wait_until(lambda: len(messages(redis_url)) == 6, seconds=PATIENTLY)

    assert {job["scrape_id"] for job in jobs_in(home.store)} == set(messages(redis_url))


def test_what_is_due_later_is_enqueued_without_anything_happening(
    home: Home, broker: RedisBroker, database_url: str, redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr(enqueue, "ENQUEUE_AGAIN_SECONDS", 0.1)
    home.add("billie")
    dispatcher = Dispatcher(home.store, broker, url=database_url)

    with at_work(dispatcher):
        again = wait_until(lambda: len(messages(redis_url)) >= 6, seconds=PATIENTLY)

    assert again


def test_a_creator_whose_account_is_gone_is_disabled(
    home: Home, broker: RedisBroker, database_url: str
):
    billie = home.creator("billie")
    append(home.store, *[failed(billie, outcome="not_found")] * 3)
    dispatcher = Dispatcher(home.store, broker, url=database_url)

    with at_work(dispatcher):
        disabled = wait_until(
            lambda: isinstance(
                home.store.load(billie)[billie][-1].event, e.CreatorAutoDisabled
            ),
            seconds=PATIENTLY,
        )

    assert disabled


def test_while_the_broker_is_away_jobs_are_kept_and_creators_disabled(
    home: Home, broker: RedisBroker, database_url: str, redis_url: str
):
    billie = home.creator("billie")
    append(home.store, *[failed(billie, outcome="not_found")] * 3)
    cut_off = Dispatcher(home.store, connect_broker(AWAY), url=database_url)

    with at_work(cut_off) as threads:
        disabled = wait_until(
            lambda: isinstance(
                home.store.load(billie)[billie][-1].event, e.CreatorAutoDisabled
            ),
            seconds=PATIENTLY,
        )
        home.add("nanny")
        derived = wait_until(lambda: len(jobs_in(home.store)) == 4, seconds=PATIENTLY)
        alive = threads[0].is_alive()
    waiting = [job["enqueued_at"] for job in jobs_in(home.store)]
    with at_work(Dispatcher(home.store, broker, url=database_url)):
        enqueued = wait_until(lambda: all_enqueued(home.store, 4), seconds=PATIENTLY)

    assert (disabled, derived, alive) == (True, True, True)
    assert waiting == [None] * 4
    assert enqueued
    assert len(messages(redis_url)) == 4


def test_any_number_of_dispatchers_ring_for_each_job_once(
    home: Home, redis_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(enqueue, "LEAST_ENQUEUED", 100)
    dispatchers = [
        Dispatcher(home.store, connect_broker(redis_url), url=database_url)
        for _ in range(3)
    ]

    with at_work(*dispatchers):
        for number in range(10):
            home.add(*(f"goat{number}.{n}" for n in range(5)))
        enqueued = wait_until(lambda: all_enqueued(home.store, 100), seconds=PATIENTLY)

    assert enqueued
    assert len(messages(redis_url)) == 100


def test_the_same_request_is_not_derived_again_by_the_next_dispatcher(
    home: Home, broker: RedisBroker, database_url: str, redis_url: str
):
    home.add("billie")

    for _ in range(2):
        with at_work(Dispatcher(home.store, broker, url=database_url)):
            assert wait_until(lambda: all_enqueued(home.store, 2), seconds=PATIENTLY)

    assert len(jobs_in(home.store)) == 2
    assert len(messages(redis_url)) == 2


def test_a_dispatcher_is_back_at_once_when_all_idle_connections_were_cut(
    home: Home, broker: RedisBroker, database_url: str, redis_url: str
):
    with opened_store(database_url, pool_size=8) as theirs:
        with ExitStack() as held:
            for _ in range(8):
                held.enter_context(theirs.pool.connection())

        with at_work(Dispatcher(theirs, broker, url=database_url)):
            terminate(database_url)
            with opened_store(database_url) as unharmed:
                Home(unharmed, home.organization_id, home.project_id).add("billie")
            # One failure for each would take a quarter of a minute.
            in_time = wait_until(lambda: len(messages(redis_url)) == 2, seconds=8)

    assert in_time


def test_a_dispatcher_without_work_leaves_the_database_alone(
    home: Home, broker: RedisBroker, database_url: str,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr(dispatching, "ROUND_SECONDS", 1.0)
    monkeypatch.setattr(dispatching, "due_kinds", lambda *_: ())
    with at_work(Dispatcher(home.store, broker, url=database_url)):
        assert wait_until(lambda: listeners(database_url) == 1, seconds=PATIENTLY)
        time.sleep(3)
        before = home.store.pool.get_stats()["requests_num"]
        time.sleep(4)
        requests = home.store.pool.get_stats()["requests_num"] - before

    # The scheduler and the followers may look once. The figures look each second, since
    # no process follows the read models here, and the keyring while it holds keys. With
    # a look each second, the others would need some forty requests more.
    assert requests <= 24


def test_a_dispatcher_stops_promptly_while_alerts_wait_for_read_models(
    home: Home, broker: RedisBroker, database_url: str
):
    with at_work(Dispatcher(home.store, broker, url=database_url)):
        # No process follows the read models here.
        assert wait_until(lambda: _is_checking(home.store), seconds=PATIENTLY)


def _is_checking(store: Store) -> bool:
    with store.pool.connection() as connection:
        found = connection.execute(
            "SELECT FROM due_work WHERE kind = 'alerts' AND lease IS NOT NULL"
        )
        return found.fetchone() is not None


def test_mails_and_checks_are_noticed(home: Home, database_url: str):
    mailed, requested = threading.Event(), threading.Event()
    with (
        woken(
            lambda stop: stop.wait(),
            database_url,
            (outbox.NOTICES, mailed.set),
            (requested_check.NOTICES, requested.set),
        ),
        home.store.pool.connection() as connection,
    ):
        assert mailed.wait(PATIENTLY)
        assert requested.wait(PATIENTLY)
        mailed.clear()
        requested.clear()
        requested_check.request_check(connection, by="test")
        checked = requested.wait(PATIENTLY), mailed.is_set()
        connection.execute(
            "INSERT INTO mails (id, sealed, until) "
            "VALUES (gen_random_uuid(), '', now())"
        )
        sent = mailed.wait(PATIENTLY)

    assert checked == (True, False)
    assert sent
