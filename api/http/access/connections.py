"""The limits on open connections, and the choice of connections to close.

The server accepts every connection and has no limit by address. Therefore its process
reads its own sockets, and shuts down connections above the limits: the longest open
first, and never a connection whose request is being answered.
"""

import os
import socket
import stat
import threading
import time
from collections import defaultdict
from collections.abc import Container, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog
from msgspec import Struct

from api.http.access.addresses import source_of

LOOK_SECONDS = 0.1

# An attacker must not fill the log as well.
_LOG_SECONDS = 10.0
_FILES = Path("/dev/fd")

_log = structlog.get_logger()

Client = tuple[str, int]


class Answering(Container[Client]):
    """The clients whose requests have arrived completely and are being answered."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()

    def begin(self, client: Client | None) -> None:
        """Record that a request of the client is being answered."""
        if client is not None:
            self._clients.add(client)

    def end(self, client: Client | None) -> None:
        """Record that a request was answered, or that the rest of it is awaited."""
        if client is not None:
            self._clients.discard(client)

    def __contains__(self, client: object) -> bool:
        return client in self._clients


ANSWERING = Answering()
"""The clients of this process."""


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """The number of connections a process may have, in all and from one address."""

    in_all: int
    by_address: int


class Connection(NamedTuple):
    """A connection: its file descriptor, its address, and when it was first seen."""

    descriptor: int
    client: Client
    since: float


class ConnectionGuard:
    """Closes the connections to one port of this process that are above the limits."""

    def __init__(
        self,
        port: int,
        limits: ConnectionLimits,
        *,
        answering: Answering = ANSWERING,
    ) -> None:
        self._port = port
        self._limits = limits
        self._answering = answering
        self._known: dict[tuple[int, int], Connection | None] = {}

    def start(self) -> None:
        """Check the connections regularly, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="connections", daemon=True).start()

    def look(self) -> int:
        """Close the connections above the limits, and return how many were closed."""
        surplus = too_many(self._open(), limits=self._limits, answering=self._answering)
        for connection in surplus:
            _shut_down(connection)
        return len(surplus)

    def _run(self) -> None:
        ended, logged_at = 0, -_LOG_SECONDS
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                ended += self.look()
            except Exception as error:  # noqa: BLE001 - the guard must outlive any fault
                _log.warning("connections_not_counted", error=repr(error))
            if ended and time.monotonic() - logged_at > _LOG_SECONDS:
                _log.warning("connections_ended", connections=ended)
                ended, logged_at = 0, time.monotonic()

    def _open(self) -> list[Connection]:
        """Return the connections to the port; each socket is examined once."""
        known: dict[tuple[int, int], Connection | None] = {}
        for name in os.listdir(_FILES):  # noqa: PTH208 - often, and of thousands
            descriptor = int(name)
            with suppress(OSError):
                status = os.fstat(descriptor)
                if stat.S_ISSOCK(status.st_mode):
                    key = (descriptor, status.st_ino)
                    known[key] = (
                        self._known[key]
                        if key in self._known
                        else _connection(descriptor, self._port)
                    )
        self._known = known
        return [connection for connection in known.values() if connection is not None]


def too_many(
    connections: Iterable[Connection],
    *,
    limits: ConnectionLimits,
    answering: Container[Client] = (),
) -> list[Connection]:
    """Return the connections to close so that the rest is within the limits.

    If there are too many in all, the addresses with the most connections lose most: no
    address loses one while another has more. Connections that are being answered stay.
    """
    by_source: defaultdict[str, list[Connection]] = defaultdict(list)
    for connection in connections:
        by_source[source_of(connection.client[0])].append(connection)
    ended: list[Connection] = []
    room = limits.in_all
    fewest_first = sorted(by_source.values(), key=len)
    for index, mine in enumerate(fewest_first):
        # The part of its share that an address does not use is left to those that have
        # more.
        share = room // (len(fewest_first) - index)
        kept = min(len(mine), limits.by_address, share)
        room -= kept
        waiting = [each for each in mine if each.client not in answering]
        waiting.sort(key=lambda each: each.since)
        ended += waiting[: len(mine) - kept]
    return ended


def _connection(descriptor: int, port: int) -> Connection | None:
    """Return the connection, None if the socket is not a connection to the port."""
    with socket.socket(fileno=os.dup(descriptor)) as ours:
        if ours.family not in {socket.AF_INET, socket.AF_INET6}:
            return None
        if ours.getsockname()[1] != port or not _is_connected(ours):
            return None
        return Connection(descriptor, _client(ours), time.monotonic())


def _is_connected(ours: socket.socket) -> bool:
    try:
        ours.getpeername()
    except OSError:
        return False
    return True


def _shut_down(connection: Connection) -> None:
    """Shut the connection down, unless its descriptor was reused for another one.

    The server notices the shutdown, and closes the connection.
    """
    with suppress(OSError), socket.socket(fileno=os.dup(connection.descriptor)) as ours:
        if _client(ours) == connection.client:
            ours.shutdown(socket.SHUT_RDWR)


def _client(ours: socket.socket) -> Client:
    host, port = ours.getpeername()[:2]
    return host, port
