"""The address of a client, and the group of addresses that counts as one sender."""

from ipaddress import IPv6Address, ip_address, ip_network


def source_of(address: str) -> str:
    """Return the text under which all addresses of one sender are counted.

    All IPv6 addresses of a /64 network belong to one sender.
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
