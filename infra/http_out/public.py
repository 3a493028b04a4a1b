"""Reads from a list of hosts, and never from an address inside this network."""

import time
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from infra.http_out.addresses import AddressRefusedError, MayReach, is_public
from infra.http_out.client import (
    REDIRECTS,
    HttpClient,
    Response,
    start_of,
    trusted_certificates,
)
from infra.http_out.refusals import RefusedError

_MOST_REDIRECTS = 3
_MOST_URL = 4_000
_OK, _SERVER_ERROR, _TOO_MANY = 200, 500, 429


class NotReadError(Exception):
    """A URL was not read; ``is_final`` if an early retry is useless."""

    def __init__(self, reason: str, *, is_final: bool = True) -> None:
        super().__init__(reason)
        self.is_final = is_final


class PublicHosts(Struct, frozen=True, kw_only=True):
    """The hosts that may be read from, by name and by address.

    ``hosts`` include their subdomains. No connection is made to an address that
    ``may_reach`` refuses, whatever name leads to it.
    """

    hosts: tuple[str, ...]
    scheme: Literal["https", "http"] = "https"
    port: int = 443
    seconds: float = 8.0
    may_reach: MayReach = is_public

    def allows(self, url: str) -> bool:
        """Return whether a host of the list has the URL."""
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            return False
        host = parts.hostname or ""
        return (
            len(url) <= _MOST_URL
            and url.isascii()
            and url.isprintable()
            and parts.scheme == self.scheme
            and port == self.port
            and "@" not in parts.netloc
            and any(host == one or host.endswith(f".{one}") for one in self.hosts)
        )


def read_public(
    hosts: PublicHosts, url: str, *, headers: Mapping[str, str], most: int
) -> bytes:
    """Return the body at a URL as it was sent, of at most so many bytes.

    Raises:
        NotReadError: the URL cannot be read, or must not be.
    """
    ends_at = time.monotonic() + hosts.seconds
    try:
        with HttpClient(
            tls=trusted_certificates(), headers=headers, may_reach=hosts.may_reach
        ) as client:
            for _ in range(_MOST_REDIRECTS + 1):
                if not hosts.allows(url):
                    raise NotReadError("its host is not on the list")
                with client.requested(
                    client.build_request("GET", url),
                    what="GET a public file",
                    seconds=ends_at - time.monotonic(),
                ) as (_, response):
                    if response.status_code not in REDIRECTS:
                        return _body_of(response, most)
                    url = urljoin(url, response.extensions["location"])
    except AddressRefusedError:
        raise NotReadError("its address is not public") from None
    except RefusedError as error:
        raise NotReadError(str(error), is_final=False) from None
    raise NotReadError("there were too many redirects")


def _body_of(response: Response, most: int) -> bytes:
    status = response.status_code
    if status != _OK:
        is_final = status < _SERVER_ERROR and status != _TOO_MANY
        raise NotReadError(f"status {status}", is_final=is_final)
    content = start_of(response, most=most + 1)
    if len(content) > most:
        raise NotReadError("it is too large")
    return content
