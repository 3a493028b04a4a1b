"""An HTTP transport that limits each step by the deadline of the whole request."""

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from infra.http_out.addresses import MayReach, checked_address

# The type that httpcore uses for socket options.
_Option = (
    tuple[int, int, int]
    | tuple[int, int, bytes | bytearray]
    | tuple[int, int, None, int]
)


_OURS = frozenset({b"location", b"set-cookie"})


class RequestDeadline(threading.local):
    """The time at which the current request of a thread must be over."""

    def __init__(self) -> None:
        self.ends_at = 0.0  # in time.monotonic()

    def start(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds

    def left(self, requested: float | None) -> float:
        """Return ``requested`` seconds, or the time that is left if that is less.

        Raises:
            httpcore.ReadTimeout: no time is left.
        """
        seconds = self.ends_at - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout
        return seconds if requested is None else min(requested, seconds)


class Wire(httpx.BaseTransport):
    """HTTP/1.1 over connections that check ``deadline`` before each step.

    httpx limits each wait, so a server that sends a byte each second never reaches its
    limit, in the body or in the headers, whose arrival no caller can see.

    ``may_reach`` refuses addresses, of any host.

    ``secret_query`` is added to each query here, so that httpx does not log it.

    Threads may share a transport with several connections; None is no limit.

    Cookies stay here, and a redirect's address is the extension ``location``, because
    httpx parses both at once and raises its own errors for bad ones.
    """

    def __init__(
        self,
        deadline: RequestDeadline,
        *,
        tls: ssl.SSLContext,
        secret_query: str = "",
        may_reach: MayReach | None = None,
        most_connections: int | None = 1,
        most_kept: int | None = None,
    ) -> None:
        self._secret_query = secret_query.encode()
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=most_connections,
            max_keepalive_connections=most_kept,
            network_backend=GuardedNetwork(deadline, may_reach),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme,
                    host=url.raw_host,
                    port=url.port,
                    target=self._with_secret(url.raw_path),
                ),
                headers=request.headers.raw,
                content=_sent(request),
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=[h for h in response.headers if h[0].lower() not in _OURS],
            stream=_Body(response),
            extensions={"location": _location_in(response)},
        )

    def close(self) -> None:
        self._pool.close()

    def _with_secret(self, target: bytes) -> bytes:
        if not self._secret_query:
            return target
        return target + (b"&" if b"?" in target else b"?") + self._secret_query


def _sent(request: httpx.Request) -> Iterable[bytes]:
    assert isinstance(request.stream, httpx.SyncByteStream), "of a client with threads"
    return request.stream


def _location_in(response: httpcore.Response) -> str:
    named = (value for name, value in response.headers if name.lower() == b"location")
    return next(named, b"").decode("latin-1")


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that ``may_reach`` allows, with None to any.

    Each step of a connection ends by ``deadline``.
    """

    def __init__(self, deadline: RequestDeadline, may_reach: MayReach | None) -> None:
        self._deadline = deadline
        self._may_reach = may_reach
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_Option] | None = None,
    ) -> httpcore.NetworkStream:
        if self._may_reach is not None:
            # The certificate is still checked for the name.
            left = self._deadline.left(timeout)
            address = checked_address(
                host, port, may_reach=self._may_reach, seconds=left
            )
            host = str(address)
        stream = self._network.connect_tcp(
            host,
            port,
            timeout=self._deadline.left(timeout),
            local_address=local_address,
            socket_options=socket_options,
        )
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(
        self, stream: httpcore.NetworkStream, deadline: RequestDeadline
    ) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(
            ssl_context, server_hostname, self._deadline.left(timeout)
        )
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401
        return self._stream.get_extra_info(info)
