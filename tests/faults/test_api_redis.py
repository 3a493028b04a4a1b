"""The API while Redis is silent: it needs nothing from Redis but a sign of life."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.kit.application import Goatherd, serving, started
from tests.kit.patience import at_most

BODY = {"tiktok_handle": "wanted.goat"}


@pytest.fixture
def goatherd(database_url: str) -> Iterator[Goatherd]:
    with started(database_url) as goatherd:
        yield goatherd


@pytest.fixture
def silent_redis() -> Iterator[tuple[socket.socket, str]]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        host, port = server.getsockname()
        yield server, f"redis://{host}:{port}/0"


def has_received(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_requests_do_not_even_ask_a_redis_that_is_silent(
    goatherd: Goatherd, database_url: str, silent_redis: tuple[socket.socket, str]
):
    home = goatherd.tenant()
    server, url = silent_redis

    with serving(database_url, redis_url=url) as client:
        added = home.post(home.creators, BODY, client=client)
        creator_id = added.json()["data"]["id"]
        scraped = home.post(f"/creators/{creator_id}/scrape", client=client)
        received = has_received(server)
        started_at = time.monotonic()
        ready = client.get("/health/ready")
        took = time.monotonic() - started_at

    assert (added.status_code, scraped.status_code) == (201, 202)
    assert not received
    assert ready.status_code == 503
    assert "redis" in ready.json()["meta"]["reasons"]
    assert has_received(server)
    assert took < at_most(1)
