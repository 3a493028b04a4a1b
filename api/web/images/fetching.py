"""Fetches one picture from a host of the list, with limits in time and bytes."""

from msgspec import Struct

from api.web.images.formats import format_of
from infra.http_out.public import NotReadError, PublicHosts, read_public
from infra.settings import Settings

MOST_BYTES = 3 << 20
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


def image_source(settings: Settings) -> PublicHosts | None:
    """Return the hosts that the settings allow, None if there are none."""
    # The pictures of a recording must not be requested from anybody.
    if not settings.remote_images or settings.plays_recording:
        return None
    return PublicHosts(hosts=settings.image_hosts)


def fetch(source: PublicHosts, url: str) -> Picture:
    """Return the picture at a URL.

    Raises:
        NotReadError: there is none, or it may not be fetched.
    """
    content = read_public(source, url, headers=_HEADERS, most=MOST_BYTES)
    media_type = format_of(content[:16])
    if media_type is None:
        raise NotReadError("it is no picture")
    return Picture(content, media_type)
