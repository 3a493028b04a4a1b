"""One request to an API of TikTok, with limits in time and size."""

import time
from collections.abc import Callable, Mapping
from typing import Literal

import httpcore
import httpx
from msgspec import Struct

from domain.scrape.verdicts import (
    Blocked,
    NotFound,
    Private,
    RateLimited,
    SchemaChanged,
    Transient,
    Unavailable,
)
from infra.http_out.request_notes import noted
from infra.http_out.session import trusted_certificates
from infra.http_out.wire import RequestDeadline, Wire

NoReplyVerdict = (
    NotFound | Private | Unavailable | Blocked | RateLimited | Transient | SchemaChanged
)

# A page of 100 videos with the longest descriptions has about a quarter of this.
LARGEST_BODY = 4 * 1024 * 1024
_CONNECT_SECONDS = 5.0
_SILENT_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 3_600.0
# We build the transport ourselves, so errors are httpcore's own.
_UNSENT = (
    httpcore.ConnectError,
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.UnsupportedProtocol,
)
_FAILURES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpx.HTTPError,
    httpx.StreamError,
)


class NoReplyError(Exception):
    """There is no answer; ``verdict`` says why.

    ``was_sent`` is false if the request certainly did not reach TikTok.
    """

    def __init__(self, verdict: NoReplyVerdict, *, was_sent: bool = True) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict
        self.was_sent = was_sent


class TikTokReply(Struct, frozen=True, kw_only=True):
    """An answer; ``retry_after`` is in seconds, None if the server did not send it."""

    status: int
    body: bytes
    retry_after: float | None = None


class Deadline:
    """The time at which a whole run must be over."""

    def __init__(
        self, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.seconds = seconds
        self._ends_at = clock() + seconds

    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(self._ends_at - self.clock(), 0.0)


class TikTokHttp(httpx.Client):
    """A client for TikTok's API whose requests end in time; threads may share it.

    ``deadline`` limits each step of a request, because a server that sends a byte each
    second, in the body or in the headers, is never silent for long.
    """

    def __init__(self, base_url: str, *, keeps_alive: bool = True) -> None:
        self.deadline = RequestDeadline()
        super().__init__(
            transport=Wire(
                self.deadline,
                tls=trusted_certificates(),
                most_connections=None,
                most_kept=None if keeps_alive else 0,
            ),
            base_url=base_url,
            headers={
                "Accept": "application/json",
                # Without compression, a few kilobytes cannot become gigabytes.
                "Accept-Encoding": "identity",
                "User-Agent": "goatherd",
            },
            follow_redirects=False,
            trust_env=False,
        )


def open_http(base_url: str, *, keeps_alive: bool = True) -> TikTokHttp:
    """Return a client for TikTok's API, without redirects and cookies.

    Without ``keeps_alive`` it holds no connection between requests, and need not be
    closed.
    """
    return TikTokHttp(base_url, keeps_alive=keeps_alive)


def send(
    http: TikTokHttp,
    method: Literal["GET", "POST"],
    path: str,
    *,
    deadline: Deadline,
    token: str | None = None,
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    json: object = None,
) -> TikTokReply:
    """Send one request and return the reply with any status.

    Raises:
        NoReplyError: there was no connection, it broke, the time ran out, or the body
            is too large for an answer.
    """
    left = deadline.left()
    if left <= 0:
        detail = "No time was left for another request."
        raise NoReplyError(Transient(detail), was_sent=False)
    timeout = httpx.Timeout(
        connect=min(_CONNECT_SECONDS, left),
        read=min(_SILENT_SECONDS, left),
        write=min(_SILENT_SECONDS, left),
        pool=left,
    )
    http.deadline.start(left)
    try:
        with (
            noted(f"{method} {http.base_url.join(path)}") as note,
            http.stream(
                method,
                path,
                params=params,
                headers={"Authorization": f"Bearer {token}"} if token else None,
                data=form,
                json=json,
                timeout=timeout,
            ) as response,
        ):
            note.status = response.status_code
            body = _body_of(response, deadline)
            note.understood = f"{len(body):,} bytes were read"
            return TikTokReply(
                status=response.status_code,
                body=body,
                retry_after=_seconds(response.headers.get("Retry-After")),
            )
    except _UNSENT as error:
        raise NoReplyError(Transient(_kind(error)), was_sent=False) from None
    except _FAILURES as error:
        raise NoReplyError(Transient(_kind(error))) from None


def _body_of(response: httpx.Response, deadline: Deadline) -> bytes:
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) > LARGEST_BODY:
            detail = f"The answer is larger than {LARGEST_BODY:,} bytes."
            raise NoReplyError(SchemaChanged(detail))
        if deadline.left() <= 0:
            detail = "The answer took longer than the run may."
            raise NoReplyError(Transient(detail))
    return bytes(body)


def _seconds(header: str | None) -> float | None:
    if header is None or not (header.isascii() and header.isdecimal()):
        return None
    return min(float(header), _LONGEST_WAIT_SECONDS)


def _kind(error: Exception) -> str:
    # The text of the error may contain the request, and so may its cause.
    return f"TikTok did not answer: {type(error).__name__}."
