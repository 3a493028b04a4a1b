"""Fetches one picture from a host of the list, with limits in time and bytes."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal
from urllib.parse import urljoin, urlsplit

import httpx
from msgspec import Struct

from api.web.images.formats import format_of
from infra.settings import Settings

Address = IPv4Address | IPv6Address

MOST_BYTES = 3 << 20
_MOST_REDIRECTS = 3
_MOST_URL = 4_000
_REDIRECTS = {301, 302, 303, 307, 308}
_OK, _SERVER_ERROR, _TOO_MANY = 200, 500, 429
# Pictures are compressed already. Decompression would let a small answer fill the
# memory.
_HEADERS = {
    "Accept": "image/avif,image/webp,image/jpeg,image/png,image/gif",
    "Accept-Encoding": "identity",
}


class Picture(Struct, frozen=True):
    """A picture and its media type."""

    content: bytes
    media_type: str


class NoPictureError(Exception):
    """There is no picture at a URL; ``is_final`` if an early retry is useless."""

    def __init__(self, reason: str, *, is_final: bool = True) -> None:
        super().__init__(reason)
        self.is_final = is_final


class ImageSource(Struct, frozen=True, kw_only=True):
    """The hosts from which pictures may be fetched.

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


def image_source(settings: Settings) -> ImageSource | None:
    """Return the hosts that the settings allow, None if there are none."""
    # The pictures of a recording must not be requested from anybody.
    if not settings.remote_images or settings.plays_recording:
        return None
    return ImageSource(hosts=settings.image_hosts)


async def fetch(source: ImageSource, url: str) -> Picture:
    """Return the picture at a URL.

    Raises:
        NoPictureError: there is none, or it may not be fetched.
    """
    try:
        async with asyncio.timeout(source.seconds):
            return await _fetch(source, url)
    except TimeoutError:
        raise NoPictureError("it took too long", is_final=False) from None
    except (httpx.HTTPError, OSError) as error:
        raise NoPictureError(type(error).__name__, is_final=False) from error


async def _fetch(source: ImageSource, url: str) -> Picture:
    async with httpx.AsyncClient(trust_env=False, timeout=source.seconds) as client:
        for _ in range(_MOST_REDIRECTS + 1):
            if not source.allows(url):
                raise NoPictureError("its host is not on the list")
            host = urlsplit(url).hostname or ""
            request = client.build_request("GET", url, headers=_HEADERS)
            # The connection goes to the address that was checked: resolving the name
            # again might give another one. The certificate is still checked for the
            # name.
            request.url = request.url.copy_with(host=str(await _address(source, host)))
            request.extensions["sni_hostname"] = host
            response = await client.send(request, stream=True)
            try:
                if response.status_code in _REDIRECTS:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                return await _picture_of(response)
            finally:
                await response.aclose()
    raise NoPictureError("there were too many redirects")


async def _address(source: ImageSource, host: str) -> Address:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, source.port, type=socket.SOCK_STREAM)
    addresses = _addresses([entry[4][0] for entry in found])
    if not addresses or not all(source.may_reach(one) for one in addresses):
        raise NoPictureError("its address is not public")
    return addresses[0]


def _addresses(texts: Sequence[str | int]) -> list[Address]:
    found = [ip_address(str(text).partition("%")[0]) for text in texts]
    return [(isinstance(a, IPv6Address) and a.ipv4_mapped) or a for a in found]


async def _picture_of(response: httpx.Response) -> Picture:
    status = response.status_code
    if status != _OK:
        is_final = status < _SERVER_ERROR and status != _TOO_MANY
        raise NoPictureError(f"status {status}", is_final=is_final)
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > MOST_BYTES:
            raise NoPictureError("it is too large")
    media_type = format_of(bytes(content[:16]))
    if media_type is None:
        raise NoPictureError("it is no picture")
    return Picture(bytes(content), media_type)
