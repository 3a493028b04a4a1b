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
from infra.http_out.client import FAILURES, UNSENT, trusted_certificates
from infra.http_out.post_connections import PostConnections, PostTarget
from infra.http_out.request_notes import noted

SECONDS: Final = 20.0
MOST_ANSWER: Final = 1_024
_USER_AGENT = "Goatherd-Webhooks/1"
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
        tls = trusted_certificates()
        self._guarded = PostConnections(may_reach, tls=tls)
        self._allowed = PostConnections(None, tls=tls)
        self._ways: dict[str, tuple[PostConnections, PostTarget]] = {}

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
            connections, target = self._way_to(url)
        except InvalidWebhookUrlError as error:
            reason = f"The address {error.reason}."
            return Posted(failed=reason, was_sent=False, is_inside=True)
        try:
            with noted("POST a webhook") as note:
                answer = connections.post(
                    target,
                    {"User-Agent": _USER_AGENT, **headers},
                    body,
                    seconds=self._seconds,
                    most=MOST_ANSWER,
                )
                note.status = answer.status
        except AddressRefusedError as error:
            return Posted(
                failed=error.verdict.detail,
                was_sent=False,
                is_inside=True,
                duration_ms=_ms_since(began_at),
            )
        except FAILURES as error:
            # The text of the error may contain the request.
            return Posted(
                failed=f"Sending failed: {type(error).__name__}.",
                was_sent=not isinstance(error, UNSENT),
                duration_ms=_ms_since(began_at),
            )
        return Posted(
            status=answer.status,
            answer=answer.start,
            retry_after=answer.retry_after,
            duration_ms=_ms_since(began_at),
        )

    def _way_to(self, url: str) -> tuple[PostConnections, PostTarget]:
        """Return what posts to an address, which is checked when it is new.

        Raises:
            InvalidWebhookUrlError: nothing may be posted there.
        """
        if url not in self._ways:
            check_url(url, allowed_hosts=self._allowed_hosts)
            parsed = httpx.URL(url)
            is_allowed = parsed.host.lower() in self._allowed_hosts
            is_tls = parsed.scheme == "https"
            target = PostTarget(
                is_tls=is_tls,
                host=_ascii_host(parsed),
                port=parsed.port or (443 if is_tls else 80),
                host_header=parsed.netloc.decode(),
                target=parsed.raw_path,
            )
            self._ways[url] = (self._allowed if is_allowed else self._guarded, target)
        return self._ways[url]


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
