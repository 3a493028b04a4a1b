import socket
from collections.abc import Iterator

import dramatiq
import pytest
import redis
from dramatiq import Broker

from infra.embedded.processes import wait_until
from infra.ids import new_id
from tests.kit.jobs import messages, running
from tests.kit.patience import PATIENTLY
from workers import broker as wake_ups
from workers.broker import (
    SCRAPES_QUEUE,
    SENDING_PATIENCE_SECONDS,
    connect_broker,
    enqueue_scrapes,
)


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_each_run_gets_a_message_of_its_own(broker: Broker, redis_url: str):
    scrape_ids = [new_id() for _ in range(3)]

    enqueue_scrapes(broker, scrape_ids)

    assert sorted(messages(redis_url)) == sorted(scrape_ids)


def test_nothing_is_sent_before_somebody_rings(redis_url: str):
    connect_broker(redis_url)

    assert messages(redis_url) == []


def test_a_server_that_is_away_is_said_so_at_once(monkeypatch: pytest.MonkeyPatch):
    pauses: list[float] = []
    monkeypatch.setattr("redis.retry.sleep", pauses.append)
    broker = connect_broker("redis://127.0.0.1:1/0")

    with pytest.raises(redis.ConnectionError):
        enqueue_scrapes(broker, [new_id()])

    assert pauses == []


def test_a_silent_server_costs_the_patience_once_and_no_retries(
    silent_server: socket.socket,
):
    host, port = silent_server.getsockname()
    broker = connect_broker(
        f"redis://{host}:{port}/0", patience_seconds=SENDING_PATIENCE_SECONDS
    )

    with pytest.raises(redis.TimeoutError):
        enqueue_scrapes(broker, [new_id() for _ in range(100)])

    assert SENDING_PATIENCE_SECONDS <= 0.2
    # Each further try would have a connection of its own.
    silent_server.settimeout(0)
    silent_server.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent_server.accept()


def test_a_failed_message_is_not_tried_again_by_the_broker(
    broker: Broker, redis_url: str
):
    tried: list[str] = []

    @dramatiq.actor(
        broker=broker, actor_name=wake_ups.SCRAPE_ACTOR, queue_name=SCRAPES_QUEUE
    )
    def fail(scrape_id: str) -> None:
        tried.append(scrape_id)
        raise ValueError

    scrape_id = new_id()
    with running(broker):
        fail.send(str(scrape_id))
        settled = wait_until(lambda: messages(redis_url) == [], seconds=PATIENTLY)

    assert settled
    assert tried == [str(scrape_id)]
    with redis.Redis.from_url(redis_url) as connection:
        waiting = connection.keys(f"goatherd:{SCRAPES_QUEUE}.DQ*")
    assert waiting == []
