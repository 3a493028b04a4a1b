"""The address to listen on, and the readiness of the server there."""

import errno
import http.client
import socket
from typing import Any

import msgspec

from api.cli import CommandError, UsageError
from infra.settings import reachable

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
        raise UsageError(f"--fd: {descriptor} is not a socket.") from None


def why_not_ready(host: str, port: int) -> str | None:
    """Return why /health/ready is not ready, None once it is."""
    connection = http.client.HTTPConnection(
        reachable(host), port, timeout=_PATIENCE_SECONDS
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


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use: choose another with --port or stop the "
            "program that listens there."
        )
    return f"Port {port} of {host} cannot be listened on: {error.strerror}."
