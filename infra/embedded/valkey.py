"""The embedded Valkey, which wakes the workers up, on a Unix socket only."""

import signal
import socket
from pathlib import Path
from urllib.parse import quote

from infra.embedded.binaries import valkey_binary
from infra.embedded.data_dir import service_home, socket_folder
from infra.embedded.errors import EmbeddedServiceError
from infra.embedded.processes import launch
from infra.embedded.server import EmbeddedServer

_SOCKET = "valkey.sock"

# Reading a large append-only file after a crash takes this long.
_START_SECONDS = 60.0


class EmbeddedValkey(EmbeddedServer):
    """The Valkey in ``<data_dir>/valkey``."""

    name = "valkey"
    programs = ("valkey-server", "redis-server")
    shutdown = ((signal.SIGTERM, 30.0),)

    def run(self, data_dir: Path) -> str:
        home = service_home(data_dir, self.name, os_user=None)
        path = socket_folder(home, socket_name=_SOCKET, os_user=None) / _SOCKET
        if not self.finds_running(home, answers=lambda: _answers(path)):
            log = home / "valkey.log"
            if not self.comes_up(
                launch(_command(home, path=path), log=log, os_user=None),
                answers=lambda: _answers(path),
                seconds=_START_SECONDS,
            ):
                raise EmbeddedServiceError(_why(log))
        return _url(path)


def running_valkey_url(data_dir: Path) -> str | None:
    """Return the URL of the data directory's server, or None if it does not answer."""
    home = (data_dir.expanduser() / "valkey").resolve()
    for sockets in (home, (home / "sockets").resolve()):
        if _answers(sockets / _SOCKET):
            return _url(sockets / _SOCKET)
    return None


def _command(home: Path, *, path: Path) -> list[str | Path]:
    return [
        valkey_binary(),
        *("--port", "0"),
        *("--unixsocket", path),
        *("--unixsocketperm", "700"),
        *("--dir", home),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        # Valkey must not delete queued messages to save memory.
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
        # finds_running recognizes the server by the folder in its command line.
        *("--set-proc-title", "no"),
    ]


def _url(path: Path) -> str:
    return f"unix://{quote(str(path))}?db=0"


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
        except OSError:
            return False


def _why(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    reason = lines[-1] if lines else "no reason given"
    return f"Valkey did not start: {reason} (see {log})."
