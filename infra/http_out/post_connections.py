"""Connections for posts, by HTTP/1.1, each kept for the next post to its host."""

import ssl
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import h11
import httpcore
from msgspec import Struct

from infra.http_out.addresses import MayReach
from infra.http_out.wire import GuardedNetwork, RequestDeadline

CONNECT_SECONDS: Final = 5.0
_READ_BYTES: Final = 64 * 1024
_MOST_HEAD: Final = 100 * 1024


class PostTarget(Struct, frozen=True, kw_only=True):
    """The host and port of an address, and the header and target of requests to it."""

    is_tls: bool
    host: str
    port: int
    host_header: str
    target: bytes


class PostAnswer(Struct, frozen=True, kw_only=True):
    """The status of an answer, and the start of its body as it was sent."""

    status: int
    retry_after: str | None
    start: bytes


class PostConnections:
    """Posts bodies to hosts and keeps the connections; threads may share it.

    ``may_reach`` tells whether an address may be connected to; with None all may.
    """

    def __init__(self, may_reach: MayReach | None, *, tls: ssl.SSLContext) -> None:
        self._deadline = RequestDeadline()
        self._network = GuardedNetwork(self._deadline, may_reach)
        self._tls = tls
        # A thread that takes or keeps one does so in a single step.
        self._kept: dict[tuple[bool, str, int], deque[_PostConnection]] = {}

    def post(
        self,
        to: PostTarget,
        headers: Mapping[str, str],
        body: bytes,
        *,
        seconds: float,
        most: int,
    ) -> PostAnswer:
        """Post a body, and return the answer with ``most`` bytes of its body at most.

        The status is the answer, also if the body after it breaks off: a host that said
        200 has taken the request, and must not get it twice.

        Raises:
            AddressRefusedError: the host has an address that must not be reached.
            httpcore.ConnectError, httpcore.ConnectTimeout: there was no connection.
            httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError:
                the connection broke, the time ran out, or no HTTP was spoken.
        """
        self._deadline.start(seconds)
        kept = self._kept.setdefault((to.is_tls, to.host, to.port), deque())
        connection = _open_one(kept) or self._connected(to)
        is_whole = False
        try:
            head = connection.request(to, headers, body)
            start, is_whole = connection.start_of_body(most)
        finally:
            if is_whole and connection.is_ready_again():
                kept.append(connection)
            else:
                connection.close()
        found = (value for name, value in head.headers if name == b"retry-after")
        retry_after = next(found, None)
        return PostAnswer(
            status=head.status_code,
            retry_after=None if retry_after is None else retry_after.decode("latin-1"),
            start=start,
        )

    def close(self) -> None:
        for kept in self._kept.values():
            while kept:
                kept.pop().close()

    def _connected(self, to: PostTarget) -> "_PostConnection":
        stream = self._network.connect_tcp(to.host, to.port, timeout=CONNECT_SECONDS)
        if to.is_tls:
            self._tls.set_alpn_protocols(["http/1.1"])
            stream = stream.start_tls(self._tls, to.host, CONNECT_SECONDS)
        return _PostConnection(stream)


def _open_one(kept: "deque[_PostConnection]") -> "_PostConnection | None":
    """Return a connection that its host has not closed."""
    while True:
        try:
            connection = kept.pop()
        except IndexError:
            return None
        if not connection.is_over:
            return connection
        connection.close()


class _PostConnection:
    """One connection, on which each request has its answer before the next one."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)

    @property
    def is_over(self) -> bool:
        """Tell whether the host closed it, or sent what nobody requested."""
        return bool(self._stream.get_extra_info("is_readable"))

    def is_ready_again(self) -> bool:
        """Tell whether another request may follow, and make ready for it."""
        sides = (self._http.our_state, self._http.their_state)
        # More bytes behind an answer would be taken for the next one.
        if sides != (h11.DONE, h11.DONE) or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        return True

    def close(self) -> None:
        self._stream.close()

    def request(
        self, to: PostTarget, headers: Mapping[str, str], body: bytes
    ) -> h11.Response:
        """Send a request, and return the head of the answer."""
        sent: list[tuple[str, str]] = [
            ("Host", to.host_header),
            ("Accept", "*/*"),
            ("Content-Length", str(len(body))),
        ]
        sent += headers.items()
        try:
            request = h11.Request(method="POST", target=to.target, headers=sent)
            parts = [
                self._http.send(request),
                self._http.send(h11.Data(data=body)),
                self._http.send(h11.EndOfMessage()),
            ]
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from None
        # A host may answer and close before it has read all.
        with suppress(httpcore.WriteError):
            self._stream.write(b"".join(part for part in parts if part))
        while True:
            event = self._next_event()
            if isinstance(event, h11.Response):
                return event

    def start_of_body(self, most: int) -> tuple[bytes, bool]:
        """Return the first bytes of the body, and tell whether they are all of it."""
        start = bytearray()
        with suppress(
            httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError
        ):
            while len(start) <= most:
                event = self._next_event()
                if isinstance(event, h11.EndOfMessage):
                    return bytes(start[:most]), True
                if isinstance(event, h11.Data):
                    start += event.data
        return bytes(start[:most]), False

    def _next_event(self) -> h11.Event:
        try:
            while not isinstance(event := self._http.next_event(), h11.Event):
                if event is h11.PAUSED:
                    raise httpcore.RemoteProtocolError
                data = self._stream.read(_READ_BYTES)
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpcore.RemoteProtocolError
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from None
        return event
