import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from infra.database import migrate
from infra.embedded import EmbeddedPostgres
from infra.embedded.processes import wait_until
from infra.ids import new_id
from infra.store import Recorded, Store
from tests.builders import asking, facts_for, opened_store

WRITERS = 4


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that keeps what it confirmed, even when it is killed."""
    server = EmbeddedPostgres(data_dir)
    yield server
    server.stop()


def test_whatever_was_confirmed_before_postgres_was_killed_is_there_once(
    server: EmbeddedPostgres,
):
    url = server.start()
    migrate(url)
    streams = [new_id() for _ in range(WRITERS)]
    confirmed: dict[UUID, list[Recorded]] = {stream: [] for stream in streams}
    enough = threading.Event()

    def every_writer_gets_on() -> bool:
        goals = {stream: len(facts) + 10 for stream, facts in confirmed.items()}
        return wait_until(
            lambda: all(len(confirmed[s]) >= goal for s, goal in goals.items()),
            seconds=60,
        )

    with opened_store(url) as store:
        with ThreadPoolExecutor(WRITERS) as threads:
            writers = [
                threads.submit(_write, store, stream, confirmed[stream], until=enough)
                for stream in streams
            ]
            try:
                assert every_writer_gets_on()
                # As `pg_ctl stop -m immediate` does it, then as the kernel does it.
                for sent in (signal.SIGQUIT, signal.SIGKILL):
                    _kill(server, sent)
                    server.start()
                    assert every_writer_gets_on()
            finally:
                enough.set()
        given_up = sum(writer.result() for writer in writers)

        assert given_up == 0
        assert store.load(*streams) == confirmed


def _write(
    store: Store, stream: UUID, confirmed: list[Recorded], *, until: threading.Event
) -> int:
    """Append fact after fact; return how often the database was given up."""
    given_up = 0
    while not until.is_set():
        following = facts_for(stream, f"goat-{len(confirmed)}", after=confirmed)
        try:
            confirmed += store.append(following, context=asking())
        except psycopg.OperationalError:
            given_up += 1
    return given_up


def _kill(server: EmbeddedPostgres, sent: signal.Signals) -> None:
    assert server.pid is not None
    os.kill(server.pid, sent)
    assert wait_until(lambda: not server.is_running(), seconds=30)
