"""Followers at work: woken or not, through lost connections and a server's crash."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from infra.database import migrate
from infra.embedded import EmbeddedPostgres
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store
from infra.listener import EVENTS, listen
from projections.engine import follower_group
from projections.engine.follower_group import FollowerGroup
from tests.kit.backends import LISTENING, listeners, terminate
from tests.kit.builders import opened_store
from tests.kit.faults import stop_at_once
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.threads import at_work, followed_by
from tests.projections.analytics.ledger import (
    Ledger,
    append,
    create_ledger,
    dead_letters,
    goats,
    position_of,
    taken_in,
)

PROMPTLY = 3.0


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url) as store:
        create_ledger(store)
        yield store


def test_several_groups_take_each_event_in_once(store: Store, database_url: str):
    groups = [FollowerGroup(store, [Ledger()]) for _ in range(3)]

    with ExitStack() as following:
        for group in groups:
            following.enter_context(followed_by(group, database_url))
        positions = [p for _ in range(20) for p in append(store, *goats(40))]
        all_in = wait_until(
            lambda: position_of(store) == positions[-1], seconds=PATIENTLY
        )

    assert all_in
    assert taken_in(store) == positions


def test_an_event_without_a_notification_is_applied_by_the_safety_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(follower_group, "HEARTBEAT_SECONDS", 0.2)
    group = FollowerGroup(store, [Ledger()])

    with at_work(group.run):
        positions = append(store, *goats(1))
        in_time = wait_until(lambda: taken_in(store) == positions, seconds=PATIENTLY)

    assert in_time


def test_a_notification_brings_events_in_before_the_safety_look_would(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(follower_group, "HEARTBEAT_SECONDS", 2 * PATIENTLY)

    with followed_by(FollowerGroup(store, [Ledger()]), database_url):
        assert wait_until(lambda: listeners(database_url) == 1, seconds=PATIENTLY)
        positions = append(store, *goats(1))
        in_time = wait_until(lambda: taken_in(store) == positions, seconds=PATIENTLY)

    assert in_time


def test_a_listener_notices_again_after_its_connection_was_killed(
    store: Store, database_url: str
):
    notified = threading.Event()

    def listening(stop: threading.Event) -> None:
        listen(database_url, stop, (EVENTS, notified.set))

    with at_work(listening):
        # The new connection may have missed some.
        on_connecting = notified.wait(PATIENTLY)
        notified.clear()
        append(store, *goats(1))
        before = notified.wait(PATIENTLY)
        notified.clear()
        killed = terminate(database_url, whom=LISTENING)
        on_connecting_again = notified.wait(PATIENTLY)
        notified.clear()
        append(store, *goats(1))
        after = notified.wait(PATIENTLY)

    assert (on_connecting, before, killed) == (True, True, 1)
    assert (on_connecting_again, after) == (True, True)


def test_a_listener_calls_only_those_that_wait_for_the_channel(
    store: Store, database_url: str
):
    ours, theirs = threading.Event(), threading.Event()

    def listening(stop: threading.Event) -> None:
        listen(database_url, stop, (EVENTS, ours.set), ("elsewhere", theirs.set))

    with at_work(listening):
        assert ours.wait(PATIENTLY)
        assert theirs.wait(PATIENTLY)
        ours.clear()
        theirs.clear()
        append(store, *goats(1))
        notified = ours.wait(PATIENTLY), theirs.is_set()
    on_stopping = theirs.is_set()

    assert notified == (True, False)
    assert on_stopping


def test_a_listener_that_finds_no_server_stops_when_it_is_told(database_url: str):
    nowhere = database_url.replace("port=5432", "port=1")
    notified = threading.Event()

    with at_work(lambda stop: listen(nowhere, stop, (EVENTS, notified.set))):
        too_early = notified.wait(0.5)

    assert not too_early


@pytest.mark.parametrize("version", (1, 2), ids=["at work", "fenced off"])
def test_a_group_stops_promptly(store: Store, version: int, database_url: str):
    group = FollowerGroup(store, [Ledger()])
    group.register()
    with store.pool.connection() as connection:
        connection.execute("UPDATE projection SET version = %s", (version,))

    with followed_by(group, database_url):
        assert wait_until(lambda: listeners(database_url) == 1, seconds=PATIENTLY)
        began = time.monotonic()

    assert time.monotonic() - began < at_most(PROMPTLY)


def test_killed_connections_cost_nothing_and_need_no_restart(
    store: Store, database_url: str
):
    positions: list[int] = []
    killed = 0

    with followed_by(FollowerGroup(store, [Ledger()]), database_url):
        for _ in range(5):
            positions += append(store, *goats(30))
            killed += terminate(database_url)
        positions += append(store, *goats(1))
        all_in = wait_until(lambda: _level(store, positions[-1]), seconds=PATIENTLY)

    assert killed >= 5
    assert all_in
    assert taken_in(store) == positions
    assert dead_letters(store) == []


@pytest.mark.usefixtures("store")
def test_a_group_is_back_at_once_when_all_idle_connections_were_cut(
    database_url: str,
):
    with opened_store(database_url, pool_size=8) as many:
        group = FollowerGroup(many, [Ledger()])
        group.register()
        hold_at_once(many, 8)

        with followed_by(group, database_url):
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

    with opened_store(url) as store:
        create_ledger(store)
        with followed_by(FollowerGroup(store, [Ledger()]), url):
            for _ in range(2):
                positions += append(store, *goats(200))
                stop_at_once(own_server)
                own_server.start()
            positions += append(store, *goats(1))
            all_in = wait_until(lambda: _level(store, positions[-1]), seconds=PATIENTLY)
        written = taken_in(store)

    assert all_in
    assert written == positions


def _level(store: Store, position: int) -> bool:
    try:
        return position_of(store) == position
    except psycopg.OperationalError:
        return False
