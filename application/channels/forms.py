"""Forms: the one field that each kind of channel has besides its name."""

from collections.abc import Callable, Collection
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from infra.http_out.posting import check_url

# So many last characters tell two addresses apart; a short address shows none of them.
_TAIL: Final = 4
_LONG_ENOUGH: Final = 24


class ChannelForm(Struct, frozen=True, kw_only=True):
    """The address of a kind of channel.

    ``field`` is its name in the API, None for a kind that has no address of its own,
    and ``guide`` says where to find it. ``check`` takes the text and the hosts that are
    allowed by name, returns the address as it is kept, and raises if nothing may be
    sent there. ``shown`` returns the address in short.
    """

    label: str
    field: Literal["url", "address"] | None
    field_label: str
    placeholder: str
    guide: str
    check: Callable[[str, Collection[str]], str]
    shown: Callable[[str], str]


def checked_url(url: str, allowed_hosts: Collection[str]) -> str:
    """Return an address to which messages may be posted.

    Raises:
        InvalidWebhookUrlError: nothing may be posted there.
    """
    url = url.strip()
    check_url(url, allowed_hosts=allowed_hosts)
    return url


def short_url(url: str) -> str:
    """Return the host of an address, and a few last characters of a long one."""
    parts = urlsplit(url)
    rest = url.partition(parts.netloc)[2].lstrip("/")
    tail = rest[-_TAIL:] if len(rest) >= _LONG_ENOUGH else ""
    return f"{parts.scheme}://{parts.netloc}/…{tail}"


def short_email(address: str) -> str:
    """Return the first character of an address, and its host."""
    name, _, host = address.rpartition("@")
    return f"{name[:1]}…@{host}"
