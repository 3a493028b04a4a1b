"""Addresses of clients: which of them count as one sender."""

from ipaddress import IPv6Address, ip_address, ip_network


def source_of(address: str) -> str:
    """Return the text under which all addresses of one sender are counted.

    A sender with one IPv6 address of a /64 has all of them.
    """
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket has no address
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))
