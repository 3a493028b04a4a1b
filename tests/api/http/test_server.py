"""The behaviour of bytes on the wire: the tiny application behind our real server."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.kit.paths import ROOT
from tests.kit.tiny_app import Keyring

SECONDS = 15
AUTHORIZATION = Keyring().add(1)["Authorization"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws"]
    command += ["--port", str(port), "--log-level", "warning"]
    command += ["--factory", "tests.kit.tiny_app:served"]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as server:
        try:
            deadline = time.monotonic() + SECONDS
            while not _answers(port):
                assert time.monotonic() < deadline, "the server did not come up"
                assert server.poll() is None, "the server stopped"
            yield port
        finally:
            server.terminate()
            # The server waits for the end of connections, and once it did so for ever.
            with suppress(subprocess.TimeoutExpired):
                server.wait(SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
    except OSError:
        time.sleep(0.05)
        return False


def exchange(port: int, *parts: bytes) -> tuple[int, dict[str, str], Any]:
    """Send raw bytes and return status, headers and body of the first answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as link:
        for part in parts:
            try:
                link.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break  # the server has heard enough
        received = b""
        while b"\r\n\r\n" not in received:
            received += link.recv(65_536)
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (x.partition(": ") for x in lines)
        }
        length = int(headers["content-length"])
        while len(body) < length:
            body += link.recv(65_536)
    content = json.loads(body[:length]) if length else None
    return int(lines[0].split()[1]), headers, content


def post(*headers: str) -> bytes:
    """The head of a request that adds a note."""
    lines = [
        "POST /api/v1/notes HTTP/1.1",
        "Host: localhost",
        f"Authorization: {AUTHORIZATION}",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def test_an_ordinary_request_is_answered(port: int):
    status, headers, body = exchange(
        port, post("Content-Length: 16"), b'{"text": "milk"}'
    )

    assert status == 201
    assert body["data"]["texts"] == ["milk"]
    assert headers["x-request-id"]


def test_a_body_announced_as_too_large_is_refused_before_any_of_it_is_sent(port: int):
    status, _, body = exchange(port, post("Content-Length: 1000001"))

    assert status == 413
    assert body["meta"]["code"] == "body_too_large"


def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_large(port: int):
    chunks = [chunk(b" " * 100_000)] * 11

    status, _, body = exchange(port, post("Transfer-Encoding: chunked"), *chunks)

    assert status == 413
    assert body["meta"]["code"] == "body_too_large"


def test_a_body_in_chunks_is_read_like_any_other(port: int):
    chunks = [chunk(b'{"text": '), chunk(b'"mi'), chunk(b'lk"}'), chunk(b"")]

    status, _, body = exchange(port, post("Transfer-Encoding: chunked"), *chunks)

    assert status == 201
    assert body["data"]["texts"] == ["milk"]


def test_nothing_after_the_announced_length_belongs_to_the_body(port: int):
    body = b'{"text": "milk"}, "color": "green"}'

    status, _, answer = exchange(port, post("Content-Length: 16"), body)

    assert status == 201
    assert answer["data"]["texts"] == ["milk"]


def all_of(port: int, request: bytes) -> bytes:
    """Return all answers to raw bytes, until the server closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as link:
        link.sendall(request)
        while part := link.recv(65_536):
            received += part
    return received


def test_no_request_hides_in_another_whose_end_is_in_doubt(port: int):
    chunks = chunk(b'{"text": "milk"}') + chunk(b"")
    hidden = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    chunked, length = "Transfer-Encoding: chunked", "Content-Length: 16"
    statuses: dict[tuple[str, ...], int] = {}
    for headers in (
        (length, chunked),
        (chunked, length),
        (length, "Content-Length: 3"),
        ("Content-Length: 16, 3",),
        (length, "Transfer-Encoding: identity"),
        (length, "Transfer-Encoding : chunked"),
    ):
        answer = all_of(port, post(*headers) + chunks + hidden)
        assert answer.count(b"HTTP/1.1 ") == 1, headers
        assert b"\r\nconnection: close\r\n" in answer, headers
        statuses[headers] = int(answer.split()[1])

    # The server drops the length, and goes by the chunks (docs/operating.md).
    served = {headers for headers, status in statuses.items() if status == 201}
    assert served == {(length, chunked), (chunked, length)}
    assert {*statuses.values()} == {201, 400}


@pytest.mark.parametrize(
    ("target", "status"),
    (
        (b"/api/v1/notes?search=m\xc3\xa4h", 200),
        (b"/api/v1/notes?search=m\xe4h", 400),
        (b"/api/v1/notes?search=%e4", 400),
        (b"/api/v1/names/%00", 405),
        (b"/api/v1/notes/%e4", 404),
    ),
)
def test_bytes_of_an_address_are_text_or_refused(port: int, target: bytes, status: int):
    head = f"Host: localhost\r\nAuthorization: {AUTHORIZATION}\r\n\r\n".encode()

    answered, _, body = exchange(port, b"GET " + target + b" HTTP/1.1\r\n" + head)

    assert answered == status
    # The server itself refuses what is no UTF-8, without a word.
    assert (body is not None and body["error"] is None) == (status == 200)


def test_a_host_that_is_none_is_refused(port: int):
    request = b"GET /health/live HTTP/1.1\r\nHost: a{b\r\n\r\n"

    status, _, body = exchange(port, request)

    assert status == 400
    assert body["meta"]["code"] == "invalid_params"
