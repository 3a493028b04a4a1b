"""One POST to the API, limited in time and size whatever the server does."""

import time
from collections.abc import Callable, Mapping

import httpx
from msgspec import Struct

from workers.provider import SchemaChanged, Transient
from workers.providers.research.errors import NoAnswerError, NotSentError
from workers.request_notes import noted

# A page of 100 videos with the longest descriptions has about a quarter of this.
LARGEST_BODY = 4 * 1024 * 1024
_CONNECT_SECONDS = 5.0
_SILENT_SECONDS = 15.0


class Reply(Struct, frozen=True, kw_only=True):
    """An answer; ``retry_after`` is in seconds, if the server sent it."""

    status: int
    body: bytes
    retry_after: float | None = None


class RunDeadline:
    """The time at which a whole run must be over, retries and pauses included."""

    def __init__(
        self, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.seconds = seconds
        self._ends_at = clock() + seconds

    def left(self) -> float:
        """Return how many seconds are left, 0 if there are none."""
        return max(self._ends_at - self.clock(), 0.0)


def post(
    http: httpx.Client,
    path: str,
    *,
    deadline: RunDeadline,
    token: str | None = None,
    fields: str | None = None,
    form: Mapping[str, str] | None = None,
    json: object = None,
) -> Reply:
    """Send a form or JSON and return the reply, whatever its status.

    Raises:
        NotSentError: there was no connection, or no time left to try.
        NoAnswerError: the connection broke, the time ran out, or the body is too large
            to be an answer; then it is not read completely.
    """
    left = deadline.left()
    if left <= 0:
        raise NotSentError(Transient("No time was left for another request."))
    timeout = httpx.Timeout(
        connect=min(_CONNECT_SECONDS, left),
        read=min(_SILENT_SECONDS, left),
        write=min(_SILENT_SECONDS, left),
        pool=left,
    )
    try:
        with (
            noted(f"POST {http.base_url.join(path)}") as note,
            http.stream(
                "POST",
                path,
                params={"fields": fields} if fields else None,
                headers={"Authorization": f"Bearer {token}"} if token else None,
                data=form,
                json=json,
                timeout=timeout,
            ) as response,
        ):
            note.status = response.status_code
            body = _body_of(response, deadline)
            note.understood = f"{len(body):,} bytes were read"
            return Reply(
                status=response.status_code,
                body=body,
                retry_after=_seconds(response.headers.get("Retry-After")),
            )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NotSentError(Transient(_kind(error))) from error
    except httpx.TransportError as error:
        raise NoAnswerError(Transient(_kind(error))) from error


def _body_of(response: httpx.Response, deadline: RunDeadline) -> bytes:
    body = bytearray()
    # Raw, because we accept no compression: a few kilobytes cannot become gigabytes.
    for part in response.iter_raw():
        body += part
        if len(body) > LARGEST_BODY:
            raise NoAnswerError(
                SchemaChanged(f"The answer is larger than {LARGEST_BODY:,} bytes.")
            )
        if deadline.left() <= 0:
            raise NoAnswerError(Transient("The answer took longer than the run may."))
    return bytes(body)


def _seconds(header: str | None) -> float | None:
    if header is None or not (header.isascii() and header.isdecimal()):
        return None
    return min(float(header), 3_600.0)


def _kind(error: httpx.TransportError) -> str:
    # The text of the error may contain the request.
    return f"The Research API was not heard: {type(error).__name__}."
