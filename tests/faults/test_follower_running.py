"""Followers at work: woken or not, through lost connections and a server's crash."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from infra.database import migrate
from infra.embedded import EmbeddedPostgres
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from projections.engine import follower as following
from projections.engine.follower import listen
from tests.kit.backends import LISTENING, listeners, terminate
from tests.kit.builders import opened_store
from tests.kit.faults import stop_at_once
from tests.kit.patience import PATIENTLY, at_most
from tests.projections.analytics.ledger import (
    Ledger,
    append,
    create_ledger,
    dead_letters,
    goats,
    position_of,
    registered,
    taken_in,
)

PROMPTLY = 3.0


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url) as store:
        create_ledger(store)
        yield store


@contextmanager
def running(
    *loops: Callable[[threading.Event], None], wake_up: threading.Event | None = None
) -> Iterator[list[threading.Thread]]:
    """Run each loop in a thread; all must end promptly when they are told to.

    A follower that waits for nothing but ``bell`` ends when the bell is rung.
    """
    stop, wake_up = threading.Event(), wake_up or threading.Event()
    threads = [
        threading.Thread(target=loop, args=(stop,), daemon=True) for loop in loops
    ]

    def all_ended() -> bool:
        wake_up.set()
        return not any(thread.is_alive() for thread in threads)

    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        stop.set()
        ended = wait_until(all_ended, seconds=at_most(PROMPTLY))
    assert ended


def test_many_followers_of_one_projection_take_each_event_in_once(store: Store):
    loops = [
        lambda stop: registered(store, Ledger()).run(stop, threading.Event())
        for _ in range(3)
    ]

    with running(*loops):
        positions = [p for _ in range(20) for p in append(store, *goats(40))]
        all_in = wait_until(
            lambda: position_of(store) == positions[-1], seconds=PATIENTLY
        )

    assert all_in
    assert taken_in(store) == positions


def test_an_event_that_nobody_rang_for_is_taken_in_by_the_poll(store: Store):
    follower = registered(store, Ledger())
    nobody_sets_this = threading.Event()

    with running(lambda stop: follower.run(stop, nobody_sets_this)):
        positions = append(store, *goats(1))
        in_time = wait_until(lambda: taken_in(store) == positions, seconds=PATIENTLY)

    assert in_time


def test_the_wake_up_brings_events_in_before_the_poll_would(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "POLL_SECONDS", 2 * PATIENTLY)
    follower, woken = registered(store, Ledger()), threading.Event()

    def follow(stop: threading.Event) -> None:
        follower.run(stop, woken)

    def hear(stop: threading.Event) -> None:
        listen(database_url, stop, woken.set)

    with running(follow, hear, wake_up=woken):
        assert wait_until(lambda: listeners(database_url) == 1, seconds=PATIENTLY)
        positions = append(store, *goats(1))
        in_time = wait_until(lambda: taken_in(store) == positions, seconds=PATIENTLY)

    assert in_time


def test_the_listener_hears_again_after_its_connection_was_killed(
    store: Store, database_url: str
):
    notified = threading.Event()

    with running(lambda stop: listen(database_url, stop, notified.set)):
        assert wait_until(lambda: listeners(database_url) == 1, seconds=PATIENTLY)
        silent = not notified.is_set()
        append(store, *goats(1))
        heard_before = notified.wait(PATIENTLY)
        killed = terminate(database_url, whom=LISTENING)
        assert wait_until(lambda: listeners(database_url) == 1, seconds=PATIENTLY)
        notified.clear()
        append(store, *goats(1))
        heard_after = notified.wait(PATIENTLY)

    assert (silent, heard_before, killed, heard_after) == (True, True, 1, True)


def test_a_listener_that_finds_no_server_stops_when_it_is_told(database_url: str):
    nowhere = database_url.replace("port=5432", "port=1")

    with running(lambda stop: listen(nowhere, stop, lambda: None)) as threads:
        alive = threads[0].is_alive()

    assert alive


@pytest.mark.parametrize("version", (1, 2), ids=["at work", "fenced off"])
def test_a_follower_stops_promptly(store: Store, version: int):
    follower = registered(store, Ledger())
    with store.pool.connection() as connection:
        connection.execute("UPDATE projection SET version = %s", (version,))
    stop, woken = threading.Event(), threading.Event()
    woken.set()
    thread = threading.Thread(target=follower.run, args=(stop, woken), daemon=True)
    thread.start()
    # The loop clears it each time it looks.
    assert wait_until(lambda: not woken.is_set(), seconds=PATIENTLY)

    stop.set()
    thread.join(at_most(PROMPTLY))

    assert not thread.is_alive()


def test_killed_connections_cost_nothing_and_need_no_restart(
    store: Store, database_url: str
):
    follower, woken = registered(store, Ledger()), threading.Event()
    positions: list[int] = []
    killed = 0

    def follow(stop: threading.Event) -> None:
        follower.run(stop, woken)

    with running(follow, lambda stop: listen(database_url, stop, woken.set)) as threads:
        for _ in range(5):
            positions += append(store, *goats(30))
            killed += terminate(database_url)
        positions += append(store, *goats(1))
        all_in = wait_until(lambda: _level(store, positions[-1]), seconds=PATIENTLY)
        alive = [thread.is_alive() for thread in threads]

    assert killed >= 5
    assert all_in
    assert alive == [True, True]
    assert taken_in(store) == positions
    assert dead_letters(store) == []


@pytest.mark.usefixtures("store")
def test_a_follower_is_back_at_once_when_all_idle_connections_were_cut(
    database_url: str,
):
    with opened_store(database_url, pool_size=8) as many:
        follower = registered(many, Ledger())
        hold_at_once(many, 8)

        with running(lambda stop: follower.run(stop, threading.Event())):
            assert terminate(database_url) >= 8
            with opened_store(database_url) as unharmed:
                positions = append(unharmed, *goats(1))
                # One failure for each would take a quarter of a minute.
                in_time = wait_until(
                    lambda: taken_in(unharmed) == positions, seconds=at_most(8)
                )

    assert in_time


def hold_at_once(store: Store, amount: int) -> None:
    """Make the pool open that many connections, and leave them idle."""
    with ExitStack() as held:
        for _ in range(amount):
            held.enter_context(store.pool.connection())


@pytest.fixture
def own_server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir)
    yield server
    server.stop()


def test_a_crash_of_the_server_costs_nothing_and_needs_no_restart(
    own_server: EmbeddedPostgres,
):
    url = own_server.start()
    migrate(url)
    positions: list[int] = []
    woken = threading.Event()

    with opened_store(url) as store:
        create_ledger(store)
        follower = registered(store, Ledger())

        def follow(stop: threading.Event) -> None:
            follower.run(stop, woken)

        def hear(stop: threading.Event) -> None:
            listen(url, stop, woken.set)

        with running(follow, hear) as threads:
            for _ in range(2):
                positions += append(store, *goats(200))
                stop_at_once(own_server)
                own_server.start()
            positions += append(store, *goats(1))
            all_in = wait_until(lambda: _level(store, positions[-1]), seconds=PATIENTLY)
            alive = [thread.is_alive() for thread in threads]
        written = taken_in(store)

    assert all_in
    assert alive == [True, True]
    assert written == positions


def _level(store: Store, position: int) -> bool:
    try:
        return position_of(store) == position
    except psycopg.OperationalError:
        return False
