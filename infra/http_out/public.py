"""Reads from public addresses, and never from an address inside this network."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal
from urllib.parse import urljoin, urlsplit

import httpx
from msgspec import Struct

Address = IPv4Address | IPv6Address

_MOST_REDIRECTS = 3
_MOST_URL = 4_000
_REDIRECTS = {301, 302, 303, 307, 308}
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
    may_reach: Callable[[Address], bool] = lambda address: address.is_global

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


async def read_public(
    hosts: PublicHosts, url: str, *, headers: Mapping[str, str], most: int
) -> bytes:
    """Return the body at a URL as it was sent, of at most so many bytes.

    Raises:
        NotReadError: the URL cannot be read, or must not be.
    """
    try:
        async with asyncio.timeout(hosts.seconds):
            return await _read(hosts, url, headers=headers, most=most)
    except TimeoutError:
        raise NotReadError("it took too long", is_final=False) from None
    except (httpx.HTTPError, OSError) as error:
        raise NotReadError(type(error).__name__, is_final=False) from error


async def _read(
    hosts: PublicHosts, url: str, *, headers: Mapping[str, str], most: int
) -> bytes:
    async with httpx.AsyncClient(trust_env=False, timeout=hosts.seconds) as client:
        for _ in range(_MOST_REDIRECTS + 1):
            if not hosts.allows(url):
                raise NotReadError("its host is not on the list")
            host = urlsplit(url).hostname or ""
            request = client.build_request("GET", url, headers=headers)
            # The connection goes to the address that was checked: resolving the name
            # again might give another one. The certificate is still checked for the
            # name.
            request.url = request.url.copy_with(host=str(await _address(hosts, host)))
            request.extensions["sni_hostname"] = host
            response = await client.send(request, stream=True)
            try:
                if response.status_code in _REDIRECTS:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                return await _body_of(response, most)
            finally:
                await response.aclose()
    raise NotReadError("there were too many redirects")


async def _address(hosts: PublicHosts, host: str) -> Address:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, hosts.port, type=socket.SOCK_STREAM)
    addresses = _addresses([entry[4][0] for entry in found])
    if not addresses or not all(hosts.may_reach(one) for one in addresses):
        raise NotReadError("its address is not public")
    return addresses[0]


def _addresses(texts: Sequence[str | int]) -> list[Address]:
    found = [ip_address(str(text).partition("%")[0]) for text in texts]
    return [(isinstance(a, IPv6Address) and a.ipv4_mapped) or a for a in found]


async def _body_of(response: httpx.Response, most: int) -> bytes:
    status = response.status_code
    if status != _OK:
        is_final = status < _SERVER_ERROR and status != _TOO_MANY
        raise NotReadError(f"status {status}", is_final=is_final)
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > most:
            raise NotReadError("it is too large")
    return bytes(content)
