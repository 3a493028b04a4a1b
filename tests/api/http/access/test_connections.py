"""Connections that ask nothing, and bodies that do not come: others are answered."""

import http.client
import resource
import socket
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from api.http.access.connections import Connection, ConnectionLimits, too_many
from api.http.bodies.incoming_body import BODY_SECONDS
from infra.embedded.processes import wait_until
from tests.kit.command_line import running
from tests.kit.databases import new_database
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.ports import free_port, listens

PROMPTLY = 2.0
HALF_SENT = (
    b"POST /sign-in HTTP/1.1\r\nHost: goats\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 500\r\n\r\nkey="
)
TOO_LARGE = 5_000_000
ATTACKER = "127.0.0.2"


@contextmanager
def served(
    url: str, folder: Path, *, open_files: int | None = None, **settings: object
) -> Generator[int]:
    """A `goatherd serve`; gives its port."""
    port = free_port()
    before = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, ({0}, {0}))"
    with running(
        "serve",
        settings={"database_url": url, "secret": "s" * 40, "port": port, **settings},
        folder=folder,
        before="" if open_files is None else before.format(open_files),
    ):
        assert wait_until(
            lambda: listens(port) and is_answered(port), seconds=PATIENTLY
        )
        yield port


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    """Enough open files for as many connections as the tests hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_answered(port: int) -> bool:
    """True if a client at another address is answered promptly."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=at_most(PROMPTLY)
    )
    with closing(connection):
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except OSError:
            return False


@contextmanager
def held(
    port: int, count: int, *, source: str, sent: bytes = HALF_SENT
) -> Generator[Sequence[socket.socket]]:
    """So many connections from an address, on each of which that was sent."""
    with ExitStack() as stack:
        links: list[socket.socket] = []
        for _ in range(count):
            link = socket.create_connection(
                ("127.0.0.1", port), timeout=PATIENTLY, source_address=(source, 0)
            )
            links.append(stack.enter_context(link))
            link.sendall(sent)
        yield links


def still_open(links: Sequence[socket.socket]) -> int:
    """How many of the connections were not ended from the other side."""
    count = 0
    for link in links:
        link.settimeout(0.0)
        try:
            count += link.recv(65_536) != b""
        except BlockingIOError:
            count += 1
        except ConnectionError:
            pass
    return count


def test_others_are_answered_while_one_address_holds_every_connection_it_can(
    database_url: str, tmp_path: Path
):
    with (
        served(database_url, tmp_path, open_files=1_024) as port,
        held(port, 1_100, source=ATTACKER) as links,
    ):
        answered = [is_answered(port) for _ in range(5)]

        assert answered == [True] * 5
        assert wait_until(lambda: still_open(links) <= 200, seconds=at_most(PROMPTLY))
        assert still_open(links) >= 190


def test_an_address_and_all_together_have_their_limits(
    database_url: str, tmp_path: Path
):
    limits = {"max_connections": 40, "max_connections_per_address": 15}
    sources = [f"127.0.0.{last}" for last in range(2, 8)]
    with served(database_url, tmp_path, **limits) as port, ExitStack() as stack:
        few = stack.enter_context(held(port, 2, source="127.0.0.9"))
        many = [
            stack.enter_context(held(port, 20, source=source)) for source in sources
        ]

        def are_within() -> bool:
            left = [still_open(links) for links in many]
            return max(left) <= 15 and sum(left) <= 40

        assert wait_until(are_within, seconds=at_most(PROMPTLY))
        assert is_answered(port)
        assert still_open(few) == 2


def test_what_does_not_come_in_time_is_ended_and_what_comes_steadily_is_taken(
    database_url: str, tmp_path: Path
):
    with (
        served(database_url, tmp_path) as port,
        held(port, 1, source=ATTACKER) as half,
    ):
        steady: list[int] = []
        sender = threading.Thread(target=lambda: steady.append(send_steadily(port)))
        sender.start()
        began_at = time.monotonic()
        half[0].settimeout(BODY_SECONDS + 5)
        answer = half[0].recv(65_536)
        waited = time.monotonic() - began_at
        sender.join()

        assert BODY_SECONDS - 1 < waited < BODY_SECONDS + at_most(3)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert wait_until(lambda: still_open(half) == 0, seconds=at_most(PROMPTLY))
    # It was read to the end, or nobody would have said that it is no form.
    assert steady == [400]


def send_steadily(port: int) -> int:
    """Send a body that takes longer than a short one may, and return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENTLY)
    with closing(connection):
        connection.putrequest("POST", "/sign-in")
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", "600000")
        connection.endheaders()
        for _ in range(12):
            connection.send(b"&" * 50_000)
            time.sleep((BODY_SECONDS + 2) / 12)
        return connection.getresponse().status


@pytest.fixture(scope="module")
def port(
    postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """A server for what changes nothing in it."""
    with (
        new_database(postgres_url, template=template_database) as url,
        served(url, tmp_path_factory.mktemp("server")) as port,
    ):
        yield port


@pytest.mark.parametrize("path", ("/sign-in", "/api/v1/projects", "/nowhere"))
@pytest.mark.parametrize("is_in_chunks", (False, True))
def test_every_client_hears_why_its_body_was_refused(
    port: int, path: str, *, is_in_chunks: bool
):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENTLY)
    body = (b" " * 50_000 for _ in range(TOO_LARGE // 50_000))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if not is_in_chunks:
        headers["Content-Length"] = str(TOO_LARGE)
    with closing(connection):
        # It sends all of it before it listens, as many clients do.
        connection.request("POST", path, body, headers, encode_chunked=is_in_chunks)
        answer = connection.getresponse()
        answer.read()
        # The rest of the body is not taken for a request.
        connection.request("GET", "/health/live")
        again = connection.getresponse()

    expected = {"/sign-in": 413, "/api/v1/projects": 401, "/nowhere": 404}
    assert answer.status == expected[path]
    assert again.status == 200


def connection(number: int, *, address: str, since: float = 0.0) -> Connection:
    return Connection(number, (address, number), since)


def test_the_longest_open_end_first_and_never_one_that_is_answered():
    given = [connection(n, address="10.0.0.1", since=n) for n in range(6)]
    limits = ConnectionLimits(in_all=100, by_address=3)

    ended = too_many(given, limits=limits, answering={given[0].client, given[2].client})

    assert ended == [given[1], given[3], given[4]]


def test_where_there_are_too_many_in_all_those_who_have_most_lose_most():
    few = [connection(n, address="10.0.0.1") for n in range(2)]
    some = [connection(n, address="10.0.0.2") for n in range(10, 15)]
    many = [connection(n, address="10.0.0.3", since=n) for n in range(20, 40)]
    limits = ConnectionLimits(in_all=15, by_address=100)

    ended = too_many([*many, *few, *some], limits=limits)

    assert ended == many[:12]


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    (
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
    ),
)
def test_an_ipv6_network_is_one_address(one: str, other: str, *, are_same: bool):
    given = [connection(1, address=one), connection(2, address=other)]

    ended = too_many(given, limits=ConnectionLimits(in_all=9, by_address=1))

    assert (len(ended) == 1) is are_same
