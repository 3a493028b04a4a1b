"""One request to an API of TikTok, with limits in time and size."""

import time
from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from domain.scrape.verdicts import Transient
from infra.http_out.client import (
    HttpClient,
    body_of,
    trusted_certificates,
)
from infra.http_out.refusals import RefusedError

# A page of 100 videos with the longest descriptions has about a quarter of this.
LARGEST_BODY = 4 * 1024 * 1024
_LONGEST_WAIT_SECONDS = 3_600.0


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


def open_http(base_url: str, *, keeps_alive: bool = True) -> HttpClient:
    """Return a client for TikTok's API, which threads may share.

    Without ``keeps_alive`` it holds no connection between requests, and need not be
    closed.
    """
    return HttpClient(
        tls=trusted_certificates(),
        base_url=base_url,
        headers={
            "Accept": "application/json",
            # A few kilobytes cannot become gigabytes.
            "Accept-Encoding": "identity",
            "User-Agent": "goatherd",
        },
        failed="TikTok did not answer",
        most_kept=None if keeps_alive else 0,
    )


def send(
    http: HttpClient,
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
        RefusedError: there was no connection, it broke, the time ran out, or the body
            is too large for an answer.
    """
    left = deadline.left()
    if left <= 0:
        detail = "No time was left for another request."
        raise RefusedError(Transient(detail), was_sent=False)
    request = http.build_request(
        method,
        path,
        params=params,
        headers={"Authorization": f"Bearer {token}"} if token else None,
        data=form,
        json=json,
    )
    with http.requested(
        request, what=f"{method} {http.base_url.join(path)}", seconds=left
    ) as (note, response):
        body = body_of(response, most=LARGEST_BODY)
        if deadline.left() <= 0:
            detail = "The answer took longer than the run may."
            raise RefusedError(Transient(detail))
        note.understood = f"{len(body):,} bytes were read"
        return TikTokReply(
            status=response.status_code,
            body=body,
            retry_after=_seconds(response.headers.get("Retry-After")),
        )


def _seconds(header: str | None) -> float | None:
    if header is None or not (header.isascii() and header.isdecimal()):
        return None
    return min(float(header), _LONGEST_WAIT_SECONDS)
