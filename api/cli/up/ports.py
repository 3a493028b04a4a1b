"""The address to listen on, and the readiness of the server there."""

import errno
import http.client
import socket
from ipaddress import ip_address
from typing import Any

import msgspec

from api.cli import CommandError

# The caller checks other things while it waits, and calls again.
_PATIENCE_SECONDS = 1.0


def listening_socket(host: str, port: int, *, backlog: int) -> socket.socket:
    """Return a socket that listens at ``host``; child processes inherit it.

    Raises:
        CommandError: the address is not available.
    """
    try:
        address_family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise CommandError(f"There is no address {host!r} to listen on.") from None
    listener = socket.socket(address_family, kind)
    try:
        # Connections in TIME_WAIT do not make the port busy.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise CommandError(_why_not(host, port, error)) from None
    listener.set_inheritable(True)
    return listener


def inherited_socket(descriptor: int) -> socket.socket:
    """Return the listening socket that the parent process made.

    Raises:
        CommandError: the descriptor is no socket.
    """
    try:
        return socket.socket(fileno=descriptor)
    except OSError:
        raise CommandError(f"--fd: {descriptor} is not a socket.") from None


def base_url(host: str, port: int) -> str:
    """Return the address to type into a browser on this machine."""
    return f"http://{_bracketed(_reachable(host))}:{port}"


def why_not_ready(host: str, port: int) -> str | None:
    """Return why /health/ready is not ready, None once it is."""
    connection = http.client.HTTPConnection(
        _reachable(host), port, timeout=_PATIENCE_SECONDS
    )
    try:
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return "it does not answer"
    finally:
        connection.close()
    return None if response.status == 200 else _complaint(body, response.status)


def _complaint(body: bytes, status: int) -> str:
    try:
        answer: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return f"it answers {status}"
    return str(answer.get("error") or f"it answers {status}")


def _reachable(host: str) -> str:
    """Return an address to connect to; a server on 0.0.0.0 or :: is on this machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use: choose another with --port or stop the "
            "program that listens there."
        )
    return f"Port {port} of {host} cannot be listened on: {error.strerror}."
