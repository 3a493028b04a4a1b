"""The guard against addresses inside: all addresses of a name are checked first."""

import socket
from collections.abc import Callable
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Thread
from typing import Any

import httpcore

from domain.scrape.verdicts import Blocked
from infra.http_out.refusals import RefusedError

Address = IPv4Address | IPv6Address
MayReach = Callable[[Address], bool]

# Gateways translate these addresses to the IPv4 address in their last 32 bits.
_TRANSLATED = IPv6Network("64:ff9b::/96")
# Networks that some versions of Python take for public ones. The addresses of the last
# two have an IPv4 address inside, in forms that nobody uses any more.
_INSIDE = tuple(
    ip_network(text)
    for text in (
        *("192.0.0.0/24", "100.64.0.0/10", "198.18.0.0/15", "168.63.129.16/32"),
        *("64:ff9b:1::/48", "100::/64", "2001::/23", "3fff::/20", "5f00::/16"),
        *("fec0::/10", "2001:db8::/32", "fd00::/8", "::/96", "::ffff:0:0:0/96"),
    )
)


class AddressRefusedError(RefusedError):
    """The host has an address that the client must not reach; nothing was sent."""

    def __init__(self) -> None:
        detail = "The host has an address that is not public."
        super().__init__(Blocked(detail), was_sent=False)


def is_public(address: Address) -> bool:
    """Return whether an address is on the Internet, and not inside a network."""
    reached = _translated(address)
    return (
        reached.is_global
        and not reached.is_multicast
        and not any(reached in network for network in _INSIDE)
    )


def is_literal(host: str) -> bool:
    """Tell whether the system takes a host for an address, without any name server.

    It does so for forms such as ``127.1`` and ``0x7f000001`` as well.
    """
    return bool(_literal(host))


def is_literal_inside(host: str) -> bool:
    """Tell whether a host is an address in one of those forms that is not public."""
    return not all(is_public(address) for address in _literal(host))


def _literal(host: str) -> list[Address]:
    try:
        found = socket.getaddrinfo(
            host, 0, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        return []
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def checked_address(
    host: str, port: int, *, may_reach: MayReach, seconds: float
) -> Address:
    """Return an address of a host whose addresses may all be reached.

    The caller connects to this address, because resolving the name again might give
    another one.

    Raises:
        AddressRefusedError: the host has an address that ``may_reach`` refuses.
        httpcore.ConnectError: the name has no address.
        httpcore.ConnectTimeout: the name was not resolved in so many seconds.
    """
    found = [_translated(ip_address(text)) for text in _resolved(host, port, seconds)]
    if not found or not all(may_reach(address) for address in found):
        raise AddressRefusedError
    return found[0]


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a host as texts."""
    answer = resolving(host, port, type=socket.SOCK_STREAM)
    try:
        return [str(entry[4][0]).partition("%")[0] for entry in answer.result(seconds)]
    except TimeoutError:
        raise httpcore.ConnectTimeout from None
    except OSError as error:
        raise httpcore.ConnectError(type(error).__name__) from None


def resolving(
    host: bytes | str | None, port: bytes | str | int | None, **options: int
) -> Future[list[Any]]:
    """Return the answer that ``socket.getaddrinfo`` is going to give.

    The system's resolver has no limit in time, so it runs in a thread that the caller
    may leave behind. A name that can't be written fails as an unknown one does.
    """
    answer: Future[list[Any]] = Future()

    def resolve() -> None:
        answer.set_running_or_notify_cancel()
        try:
            answer.set_result(socket.getaddrinfo(host, port, **options))
        except OSError as error:
            answer.set_exception(error)
        except UnicodeError as error:
            answer.set_exception(socket.gaierror(socket.EAI_NONAME, str(error)))

    Thread(target=resolve, name="resolver", daemon=True).start()
    return answer


def _translated(address: Address) -> Address:
    """Return the address that a connection reaches in the end."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _TRANSLATED:
        inner = IPv4Address(int(address) % 2**32)
    return inner or address
