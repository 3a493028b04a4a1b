"""The stream that tells how projections move, from a server as we ship it."""

import json
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.http.access.sessions import COOKIE, Sessions
from infra.embedded.processes import wait_until
from infra.keys.digests import digest_of
from tests.kit.application import SECRET, Goatherd, Tenant, own_installation
from tests.kit.command_line import Running, running
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.ports import answers, free_port

PATH = "/system/read-models/stream"
PROMPTLY = 6.0


@pytest.fixture(scope="module")
def goatherd(postgres_url: str, template_database: str) -> Iterator[Goatherd]:
    yield from own_installation(postgres_url, template_database)


@contextmanager
def serving(goatherd: Goatherd, port: int, folder: Path) -> Generator[Running]:
    settings = {"database_url": goatherd.url, "secret": SECRET, "port": port}
    with running("serve", settings=settings, folder=folder) as serve:
        assert wait_until(lambda: answers(port), seconds=PATIENTLY)
        yield serve


@pytest.fixture(scope="module")
def port(goatherd: Goatherd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where a server answers, which the tests of this file share."""
    port = free_port()
    with serving(goatherd, port, tmp_path_factory.mktemp("served")):
        yield port


@contextmanager
def watching(tenant: Tenant, port: int) -> Generator[Iterator[str]]:
    """The lines of a stream, as somebody with the tenant's key is sent them."""
    sessions = Sessions(SECRET.strip())
    sealed = sessions.sealed(sessions.begin(digest_of(tenant.key)))
    url, cookie = f"http://127.0.0.1:{port}{PATH}", f"{COOKIE}={sealed}"
    with httpx.stream(
        "GET", url, headers={"Cookie": cookie}, timeout=PATIENTLY
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        yield answer.iter_lines()


def next_cells(lines: Iterator[str]) -> dict[str, str]:
    """The data of the next event."""
    for line in lines:
        if line.startswith("data: "):
            return json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")


def connections(goatherd: Goatherd) -> int:
    """How many connections to the database do something, or keep a transaction."""
    ((busy,),) = goatherd.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    return busy


def test_watchers_are_told_all_at_first_and_then_what_changes(
    goatherd: Goatherd, port: int
):
    home = goatherd.tenant(is_operator=True)
    goatherd.catch_up()
    start = goatherd.head
    with watching(home, port) as lines:
        first = next_cells(lines)
        goatherd.tenant(is_operator=True)
        behind = next_cells(lines)
        goatherd.catch_up()
        level = next_cells(lines)

    assert first["api_keys.position"] == str(start)
    assert set(behind) < set(first)
    assert "events" in behind["api_keys.lag"]
    assert "none" in level["api_keys.lag"]


def test_a_stream_ends_soon_after_its_key_was_revoked(goatherd: Goatherd, port: int):
    home = goatherd.tenant(is_operator=True)
    other = home.with_key("read", "admin")
    with watching(other, port) as lines:
        next_cells(lines)

        home.delete(f"/api-keys/{other.key_id}")
        began = time.monotonic()
        for _ in lines:
            pass

    assert time.monotonic() - began < at_most(PROMPTLY)


def test_serve_ends_promptly_while_somebody_watches(goatherd: Goatherd, tmp_path: Path):
    home, port = goatherd.tenant(is_operator=True), free_port()
    with (
        serving(goatherd, port, tmp_path) as serve,
        watching(home, port) as lines,
    ):
        next_cells(lines)

        began = time.monotonic()
        status = serve.send(signal.SIGTERM)

    assert status == 0
    assert time.monotonic() - began < at_most(PROMPTLY)
    assert serve.err == ""


def test_many_watch_without_holding_a_connection(goatherd: Goatherd, port: int):
    home = goatherd.tenant(is_operator=True)
    goatherd.catch_up()
    with (
        watching(home, port) as first,
        watching(home, port) as second,
        watching(home, port) as third,
    ):
        for lines in (first, second, third):
            next_cells(lines)

        assert wait_until(lambda: connections(goatherd) == 0, seconds=PATIENTLY)
