"""PostgreSQL is lost and comes back: the lines of the log, and the time to go on."""

import io
import json
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

import psycopg
import pytest
import structlog
from psycopg import sql
from psycopg_pool import PoolTimeout

from infra.eventstore.store import Store
from infra.listener import EVENTS, listen
from infra.logs import configure_logs
from infra.loop import run_until_stopped
from infra.outage import OUTAGE, Outage
from tests.kit.builders import opened_store
from tests.kit.patience import PATIENTLY, at_most

LOST_SECONDS = 3.5


@pytest.fixture
def logged() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """The lines that were logged in JSON since then, of every level."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    stream = io.StringIO()
    configure_logs(level="info", form="json", stream=stream)
    # Lines of other tests' pools are not ours.
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
    OUTAGE.back()
    stream.truncate(0)
    stream.seek(0)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    OUTAGE.back()
    logging.getLogger("psycopg.pool").setLevel(logging.NOTSET)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    structlog.reset_defaults()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url) as store:
        yield store


@contextmanager
def lost(database_url: str, postgres_url: str) -> Generator[None]:
    """Let the database take no connection, and cut those there are."""
    name = sql.Identifier(urlsplit(database_url).path.strip("/"))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name)
        )
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (urlsplit(database_url).path.strip("/"),),
        )
        try:
            yield
        finally:
            connection.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name)
            )


class Loops:
    """Loops that each use the pool, and one that listens; and when they last could."""

    def __init__(self, store: Store, url: str) -> None:
        self.stop = threading.Event()
        self.worked_at = [0.0, 0.0, 0.0]
        self._threads = [
            threading.Thread(target=self._run, args=(store, number), daemon=True)
            for number in range(len(self.worked_at))
        ]
        self._threads.append(
            threading.Thread(
                target=listen,
                args=(url, self.stop, (EVENTS, lambda: None)),
                daemon=True,
            )
        )

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        assert self.wait_since(0, seconds=PATIENTLY)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()

    def wait_since(self, began: float, *, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while min(self.worked_at) <= began:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _run(self, store: Store, number: int) -> None:
        def step() -> float:
            with store.pool.connection() as connection:
                connection.execute("SELECT 1")
            self.worked_at[number] = time.monotonic()
            return 0.05

        run_until_stopped(
            step,
            self.stop,
            failed="test_failed",
            pool=store.pool,
            longest_backoff=0.3,
        )


def test_the_log_says_once_that_postgresql_is_lost_and_once_that_it_is_back(
    store: Store,
    database_url: str,
    postgres_url: str,
    logged: Callable[[], list[dict[str, object]]],
):
    with Loops(store, database_url) as loops:
        with lost(database_url, postgres_url):
            time.sleep(LOST_SECONDS)
        back_at = time.monotonic()
        assert loops.wait_since(back_at, seconds=PATIENTLY)
        recovered = max(loops.worked_at) - back_at

    lines = logged()
    assert [line["event"] for line in lines] == ["postgresql_lost", "postgresql_back"]
    # A connection may be refused, or be ended while it is in use.
    refused, ended = "not currently accepting connections", "terminating connection"
    reason = str(lines[0]["reason"])
    assert refused in reason or ended in reason
    assert LOST_SECONDS - 1 < float(str(lines[1]["lost_for_seconds"])) < at_most(20)
    # Left to itself a pool tries again later each time: here after 7 seconds.
    assert recovered < at_most(2.5)


def test_only_what_an_outage_explains_is_left_out_of_the_log(
    monkeypatch: pytest.MonkeyPatch,
):
    outage = Outage()
    cut = psycopg.OperationalError("server closed the connection unexpectedly")
    full = psycopg.errors.DiskFull("no space left on device")

    assert outage.explains(cut)
    assert not outage.explains(cut, failures=4)
    assert not outage.explains(PoolTimeout("couldn't get a connection"))
    outage.lost("gone")
    assert outage.explains(cut, failures=4)
    assert outage.explains(PoolTimeout("couldn't get a connection"))
    assert not outage.explains(full)
    assert not outage.explains(ValueError("something else"))
    outage.back()
    assert outage.explains(PoolTimeout("asked before it was back"))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 4)
    assert not outage.explains(PoolTimeout("couldn't get a connection"))
