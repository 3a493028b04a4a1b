"""The client of requests to other hosts, each limited in time and bytes."""

import ssl
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache

import httpcore
import httpx

from domain.scrape.verdicts import SchemaChanged, Transient
from infra.http_out.addresses import MayReach
from infra.http_out.refusals import RefusedError
from infra.http_out.request_notes import RequestNote, noted
from infra.http_out.wire import RequestDeadline, Wire

# The answer of another host: other packages need no import of the library for it.
Response = httpx.Response

# The transport is Goatherd's own, so errors are httpcore's.
UNSENT = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.UnsupportedProtocol,
)
FAILURES = (
    *UNSENT,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpx.HTTPError,
    httpx.StreamError,
)
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# zlib's value for gzip, with its header, in a window of any size.
_GZIP = 16 + zlib.MAX_WBITS


class HttpClient(httpx.Client):
    """Sends requests that end in time; threads may share it.

    The deadline of a request limits each of its steps, since a server that sends a byte
    a second, in the body or in the headers, is never silent for long. The client
    follows no redirect, stores no cookie and reads no proxy from the environment.

    ``may_reach`` tells for each address whether the client may connect to it. With
    None it may connect to any, which is right for addresses that the operator chose.
    ``failed`` begins the sentence about a request without an answer.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext,
        headers: Mapping[str, str],
        base_url: str = "",
        secret_query: str = "",
        may_reach: MayReach | None = None,
        failed: str = "Reading failed",
        most_connections: int | None = None,
        most_kept: int | None = None,
    ) -> None:
        self._deadline = RequestDeadline()
        self._failed = failed
        super().__init__(
            transport=Wire(
                self._deadline,
                tls=tls,
                secret_query=secret_query,
                may_reach=may_reach,
                most_connections=most_connections,
                most_kept=most_kept,
            ),
            base_url=base_url,
            headers=headers,
            follow_redirects=False,
            trust_env=False,
        )

    @contextmanager
    def requested(
        self,
        request: httpx.Request,
        *,
        what: str,
        seconds: float,
        connect_seconds: float = 5.0,
        silence_seconds: float = 15.0,
    ) -> Generator[tuple[RequestNote, httpx.Response]]:
        """Send a request that ends in ``seconds``; ``what`` is its note.

        The block reads the body with ``body_of`` or ``start_of``, or leaves it unread.

        Raises:
            RefusedError: the host may not be reached, there was no connection, it
                broke, or the time ran out.
            BudgetSpentError: the day's budget of the source is used up.
        """
        silence = min(silence_seconds, seconds)
        timeout = httpx.Timeout(
            silence, connect=min(connect_seconds, seconds), pool=seconds
        )
        request.extensions["timeout"] = timeout.as_dict()
        try:
            with noted(what) as note:
                self._deadline.start(seconds)
                response = self.send(request, stream=True)
                try:
                    note.status = response.status_code
                    yield note, response
                finally:
                    response.close()
        except FAILURES as error:
            # The text of the error may contain the request, and so may its cause.
            failure = Transient(f"{self._failed}: {type(error).__name__}.")
            was_sent = not isinstance(error, UNSENT)
            raise RefusedError(failure, was_sent=was_sent) from None


def start_of(response: httpx.Response, *, most: int) -> bytes:
    """Return the first bytes of a body as they were sent; the others are not read."""
    start = bytearray()
    for chunk in response.iter_raw():
        start += chunk
        if len(start) >= most:
            break
    return bytes(start[:most])


def body_of(response: httpx.Response, *, most: int) -> bytes:
    """Return the body of a response, of at most so many bytes after unpacking.

    Raises:
        RefusedError: the body is larger, was cut off, or is packed in another way.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        raise RefusedError(SchemaChanged("The body is packed in a way not asked."))
    too_large = RefusedError(SchemaChanged(f"The answer is larger than {most:,} B."))
    said = response.headers.get("content-length", "")
    if said.isdecimal() and int(said[:12]) > most:
        raise too_large
    unpacker = zlib.decompressobj(_GZIP) if "gzip" in encoding else None
    received, body = 0, bytearray()
    try:
        for chunk in response.iter_raw():
            received += len(chunk)
            # One byte more than the limit is enough to know; no more is decompressed.
            room = most + 1 - len(body)
            body += unpacker.decompress(chunk, room) if unpacker else chunk
            if max(received, len(body)) > most:
                raise too_large
    except zlib.error:
        raise RefusedError(Transient("The body cannot be unpacked.")) from None
    if unpacker and not unpacker.eof:
        raise RefusedError(Transient("The body was cut off."))
    return bytes(body)


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Return the trusted certificates.

    They are read once for each process, since reading them is slow.
    """
    return httpx.create_ssl_context(trust_env=False)
