"""Posts bodies to addresses that customers chose, and never inside this network."""

import re
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Final, Self

import httpx
from msgspec import Struct

from domain.webhook.errors import InvalidWebhookUrlError
from infra.http_out.addresses import (
    AddressRefusedError,
    MayReach,
    is_literal,
    is_literal_inside,
    is_public,
)
from infra.http_out.client import (
    HttpClient,
    Response,
    start_of,
    trusted_certificates,
)
from infra.http_out.refusals import RefusedError

SECONDS: Final = 20.0
MOST_ANSWER: Final = 1_024
_MOST_URL = 2_000
_NUMBER = re.compile("[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)


class Posted(Struct, frozen=True, kw_only=True):
    """The result of a request: an answer, or the reason ``failed`` why there is none.

    ``answer`` is the start of the body. ``duration_ms`` is in milliseconds.
    ``was_sent`` is false if the request certainly did not reach the host, and
    ``is_inside`` says that the guard refused the address.
    """

    status: int | None = None
    answer: bytes = b""
    retry_after: str | None = None
    failed: str | None = None
    was_sent: bool = True
    is_inside: bool = False
    duration_ms: int = 0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def check_url(url: str, *, allowed_hosts: Collection[str]) -> None:
    """Refuse an address to which nothing may be posted.

    It is https, and no address of a private network. Hosts that are allowed by name
    may be reached by http and anywhere.

    Raises:
        InvalidWebhookUrlError: nothing may be posted there; it says why.
    """
    parsed = _parsed(url)
    host = parsed.host
    if parsed.scheme not in {"http", "https"} or not host or "%" in host:
        raise InvalidWebhookUrlError("must be an https:// address")
    if parsed.port is not None and not 0 < parsed.port < 2**16:
        raise InvalidWebhookUrlError("must have a port from 1 to 65535")
    if parsed.userinfo:
        raise InvalidWebhookUrlError("must have no user name and no password")
    if host.lower() in allowed_hosts:
        return
    literal = _ascii_host(parsed)
    if _ends_in_number(literal) and not is_literal(literal):
        raise InvalidWebhookUrlError("must have a valid name or address")
    if is_literal_inside(literal):
        raise InvalidWebhookUrlError(
            "must not be an address inside of a network; the setting "
            "GOATHERD_WEBHOOK_ALLOWED_HOSTS allows some by name"
        )
    if parsed.scheme != "https":
        raise InvalidWebhookUrlError("must begin with https://")


class Poster:
    """Posts bodies; a name is resolved once for each connection and then checked.

    Connections are kept between requests until the block ends. No redirect is followed.
    Several threads may share a poster.
    """

    def __init__(
        self,
        allowed_hosts: Collection[str],
        *,
        may_reach: MayReach = is_public,
        seconds: float = SECONDS,
    ) -> None:
        self._seconds = seconds
        self._allowed_hosts = allowed_hosts
        self._guarded = _client(may_reach)
        self._allowed = _client(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._guarded.close()
        self._allowed.close()

    def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
    ) -> Posted:
        """Post a body within 20 seconds; return the result, which may be a failure."""
        began_at = time.monotonic()
        try:
            check_url(url, allowed_hosts=self._allowed_hosts)
        except InvalidWebhookUrlError as error:
            reason = f"The address {error.reason}."
            return Posted(failed=reason, was_sent=False, is_inside=True)
        parsed = httpx.URL(url)
        is_allowed = parsed.host.lower() in self._allowed_hosts
        client = self._allowed if is_allowed else self._guarded
        request = client.build_request("POST", parsed, content=body, headers=headers)
        head: Response | None = None
        answer = b""
        try:
            with client.requested(
                request,
                what="POST a webhook",
                seconds=self._seconds,
                silence_seconds=self._seconds,
            ) as (_, head):
                answer = start_of(head, most=MOST_ANSWER)
        except RefusedError as error:
            if head is None:
                return Posted(
                    failed=error.verdict.detail,
                    was_sent=error.was_sent,
                    is_inside=isinstance(error, AddressRefusedError),
                    duration_ms=_ms_since(began_at),
                )
        # The status is the answer, also if the body after it breaks off: a host that
        # said 200 has taken the request, and must not get it twice.
        return Posted(
            status=head.status_code,
            answer=answer,
            retry_after=head.headers.get("retry-after"),
            duration_ms=_ms_since(began_at),
        )


def _client(may_reach: MayReach | None) -> HttpClient:
    return HttpClient(
        tls=trusted_certificates(),
        headers={"User-Agent": "Goatherd-Webhooks/1"},
        may_reach=may_reach,
        failed="Sending failed",
    )


def _ms_since(began_at: float) -> int:
    return round((time.monotonic() - began_at) * 1_000)


def _parsed(url: str) -> httpx.URL:
    """Return the parts of an address, as the client that connects reads them."""
    if len(url) > _MOST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidWebhookUrlError("must be an https:// address")
    try:
        parsed = httpx.URL(url)
        # Only reading the host finds labels that no name can have, such as xn--.
        parsed.host  # noqa: B018
    except (httpx.InvalidURL, UnicodeError):
        raise InvalidWebhookUrlError("must be an https:// address") from None
    return parsed


def _ends_in_number(host: str) -> bool:
    """Return whether the URL standard takes a host for an IPv4 address.

    The system takes some of these forms for names.
    """
    last = host.rstrip(".").rpartition(".")[2]
    return _NUMBER.fullmatch(last) is not None


def _ascii_host(parsed: httpx.URL) -> str:
    return parsed.raw_host.decode("ascii").strip("[]")
