"""A load generator in a process of its own, as light as Python allows.

It keeps connections open, sends requests that were written before, and reads no more
of an answer than its status and its length. ``python -m tests.benchmarks.load`` reads a
Plan from its input and writes an Outcome; ``ceiling`` serves what shows how much
this generator itself can do.
"""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle
from time import perf_counter
from typing import cast

import msgspec
import uvloop

from tests.benchmarks.harness import percentile


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The requests to send and their place: each once, or in a circle for a while.

    ``requests`` are whole HTTP requests. Each connection has one on the way at a time.
    """

    port: int
    requests: list[bytes]
    connections: int
    seconds: float | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The answers: how many there were of each status, and the seconds each took."""

    seconds: float
    statuses: dict[int, int]
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def milliseconds(self, percent: float) -> float:
        """Return the milliseconds that ``percent`` of all answers did not exceed."""
        return 1_000 * percentile(self.latencies, percent)

    def all_were(self, status: int) -> bool:
        """Tell whether every answer had this status."""
        return set(self.statuses) == {status}


def load(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float | None = None,
) -> Outcome:
    """Send the requests from another process and return the outcome."""
    plan = Plan(
        port=port, requests=list(requests), connections=connections, seconds=seconds
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load"],
        input=msgspec.msgpack.encode(plan),
        stdout=subprocess.PIPE,
        check=True,
    )
    return msgspec.msgpack.decode(done.stdout, type=Outcome)


def get(path: str, *, key: str | None = None, cookie: str | None = None) -> bytes:
    """Return a GET as it goes over the wire."""
    return _request("GET", path, key=key, cookie=cookie, body=b"")


def _request(
    method: str,
    path: str,
    *,
    key: str | None,
    body: bytes,
    cookie: str | None = None,
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if cookie is not None:
        lines.append(f"Cookie: {cookie}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    """Sends one request after the other, each when the one before is answered."""

    def __init__(
        self, requests: Iterator[bytes], latencies: list[float], statuses: Counter[int]
    ) -> None:
        self.is_done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._latencies = latencies
        self._statuses = statuses
        self._received = b""
        self._missing: int | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing is None:
            self._received += data
            head, found, body = self._received.partition(b"\r\n\r\n")
            if not found:
                return
            self._statuses[int(head[9:12])] += 1
            self._missing = _length(head) - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._latencies.append(perf_counter() - self._sent_at)
            self._received, self._missing = b"", None
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_done.done():
            self.is_done.set_exception(exc or ConnectionError("The server hung up."))

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.is_done.set_result(None)
            self._transport.close()
            return
        self._sent_at = perf_counter()
        self._transport.write(request)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


async def _carry_out(plan: Plan) -> Outcome:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    requests = iter(plan.requests) if plan.seconds is None else cycle(plan.requests)
    began = perf_counter()
    if plan.seconds is not None:
        requests = _until(began + plan.seconds, requests)
    connections = [
        (
            await loop.create_connection(
                lambda: _Connection(requests, latencies, statuses),
                "127.0.0.1",
                plan.port,
            )
        )[1]
        for _ in range(plan.connections)
    ]
    await asyncio.gather(*(connection.is_done for connection in connections))
    return Outcome(
        seconds=perf_counter() - began, statuses=dict(statuses), latencies=latencies
    )


def _until(end: float, requests: Iterator[bytes]) -> Iterator[bytes]:
    while perf_counter() < end:
        yield next(requests)


def _main() -> None:
    plan = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    outcome = uvloop.run(_carry_out(plan))
    # With PYTHONUNBUFFERED, sys.stdout writes only as much as the pipe takes.
    with os.fdopen(sys.stdout.fileno(), "wb") as output:
        output.write(msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    _main()
