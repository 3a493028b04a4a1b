"""The addresses of visitors behind proxies that the operators trust."""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

_Network = IPv4Network | IPv6Network
_HostAddress = IPv4Address | IPv6Address
_Peer = tuple[str, int]

_FORWARDED_FOR = b"x-forwarded-for"


class TrustedProxies:
    """The proxies whose word about the address of a visitor is taken.

    Each proxy adds the address that it was called from at the right end of
    ``X-Forwarded-For``. Everything to the left of the first address that is no trusted
    proxy may be the invention of that visitor.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: Sequence[_Network] = [
            ip_network(network, strict=False) for network in networks
        ]

    def visitor(
        self, client: _Peer | None, headers: Iterable[tuple[bytes, bytes]]
    ) -> _Peer | None:
        """Return the address of the visitor; of the connection without such a proxy."""
        if client is None or not self._networks:
            return client
        nearest = _address(client[0])
        if nearest is None or not self._trusts(nearest):
            return client
        lines = [value for name, value in headers if name == _FORWARDED_FOR]
        for text in reversed(b",".join(lines).split(b",")):
            named = _address(text.decode("latin-1").strip())
            if named is None:
                # The proxy did not write it, so no address further left is known.
                break
            nearest = named
            if not self._trusts(nearest):
                break
        return str(nearest), client[1]

    def _trusts(self, address: _HostAddress) -> bool:
        return any(address in network for network in self._networks)


def _address(text: str) -> _HostAddress | None:
    """Return the address in a text, perhaps with a port; None if there is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        # A socket for both families gives IPv4 addresses in this form.
        return address.ipv4_mapped or address
    return address
