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
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from tests.kit.builders import asking, events_for, opened_store
from tests.kit.faults import stop_at_once

WRITERS = 4


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that keeps every confirmed commit, even when it is killed."""
    server = EmbeddedPostgres(data_dir)
    yield server
    server.stop()


def test_whatever_was_confirmed_before_postgres_was_killed_is_there_once(
    server: EmbeddedPostgres,
):
    url = server.start()
    migrate(url)
    streams = [new_id() for _ in range(WRITERS)]
    confirmed: dict[UUID, list[RecordedEvent]] = {stream: [] for stream in streams}
    enough = threading.Event()

    def every_writer_gets_on() -> bool:
        goals = {stream: len(events) + 10 for stream, events in confirmed.items()}
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
                    stop_at_once(server, sent)
                    server.start()
                    assert every_writer_gets_on()
            finally:
                enough.set()
        for writer in writers:
            writer.result()

        stored = store.load(*streams)

    for stream in streams:
        versions = [event.version for event in stored[stream]]
        assert versions == list(range(1, len(versions) + 1))
        assert [event for event in stored[stream] if event in confirmed[stream]] == (
            confirmed[stream]
        )


def _write(
    store: Store,
    stream: UUID,
    confirmed: list[RecordedEvent],
    *,
    until: threading.Event,
) -> None:
    """Append event after event, and note each that was confirmed."""
    history: list[RecordedEvent] | None = []
    while not until.is_set():
        try:
            if history is None:
                history = store.load(stream)[stream]
            following = events_for(stream, f"goat-{len(history)}", after=history)
            recorded = store.append(following, context=asking())
        except psycopg.OperationalError:
            # Given up, and nobody knows with what outcome: read what there is.
            history = None
            continue
        confirmed += recorded
        history += recorded
