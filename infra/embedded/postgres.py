"""The embedded PostgreSQL: one cluster in the data directory, on a Unix socket only."""

import signal
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from infra.embedded.binaries import postgres_binaries
from infra.embedded.cluster import (
    SUPERUSER,
    configured_connections,
    ensure_cluster,
)
from infra.embedded.data_dir import service_home, socket_folder
from infra.embedded.errors import EmbeddedServiceError
from infra.embedded.os_user import server_os_user
from infra.embedded.processes import launch
from infra.embedded.server import EmbeddedServer
from infra.outage import is_out_of_connections

_DATABASE = "goatherd"
_SOCKET = ".s.PGSQL.5432"
_NOT_DURABLE = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")

# Long enough to recover after a crash, when the write-ahead log is read again.
_START_SECONDS = 120.0
# When a postmaster was killed, its child processes need a moment to notice and end.
_ORPHANS_SECONDS = 15.0


class EmbeddedPostgres(EmbeddedServer):
    """The PostgreSQL in ``<data_dir>/postgres``.

    It accepts at least ``connections`` connections, more if postgresql.conf allows it.
    ``durable=False`` loses data when the machine fails, and is for tests only.
    """

    name = "postgres"
    programs = ("postgres",)
    shutdown = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))

    def __init__(
        self, data_dir: Path, *, connections: int = 0, durable: bool = True
    ) -> None:
        super().__init__(data_dir)
        self._connections = connections
        self._durable = durable

    def run(self, data_dir: Path) -> str:
        account = server_os_user(data_dir / self.name)
        home = service_home(data_dir, self.name, os_user=account)
        sockets = socket_folder(home, socket_name=_SOCKET, os_user=account)
        cluster = home / "data"
        if not self.finds_running(cluster, answers=lambda: _answers(sockets)):
            binaries = postgres_binaries(account=account)
            ensure_cluster(
                cluster, binaries=binaries, account=account, durable=self._durable
            )
            command = _command(
                binaries.postgres, cluster, sockets=sockets, durable=self._durable
            )
            configured = configured_connections(cluster, binaries, account=account)
            if configured is not None and configured < self._connections:
                command += ["-c", f"max_connections={self._connections}"]
            log = home / "start.log"
            give_up = time.monotonic() + _ORPHANS_SECONDS
            while not self.comes_up(
                launch(command, log=log, os_user=account),
                answers=lambda: _answers(sockets),
                seconds=_START_SECONDS,
            ):
                orphaned = "pre-existing shared memory block" in log.read_text()
                if not orphaned or time.monotonic() > give_up:
                    raise EmbeddedServiceError(_why(log))
        _ensure_database(sockets)
        return _url(sockets, database=_DATABASE)


def running_postgres_url(data_dir: Path) -> str | None:
    """Return the URL of the data directory's server, or None if it does not answer."""
    home = (data_dir.expanduser() / "postgres").resolve()
    for sockets in (home, (home / "sockets").resolve()):
        if _answers(sockets):
            return _url(sockets, database=_DATABASE)
    return None


def _command(
    postgres: Path, cluster: Path, *, sockets: Path, durable: bool
) -> list[str | Path]:
    quoted = str(sockets).replace('"', '""')
    held = [
        "listen_addresses=",
        "port=5432",
        f'unix_socket_directories="{quoted}"',
        "unix_socket_permissions=0700",
        "logging_collector=on",
        # Values of rows and statements may name persons, and logs are never erased.
        "log_parameter_max_length=0",
        "log_error_verbosity=terse",
        *(() if durable else _NOT_DURABLE),
    ]
    command: list[str | Path] = [postgres, "-D", cluster]
    for setting in held:
        command += ["-c", setting]
    return command


def _url(sockets: Path, *, database: str) -> str:
    # The port is only a part of the socket's name; without it PGPORT would apply.
    host = quote(str(sockets), safe="")
    return f"postgresql://{SUPERUSER}@/{database}?host={host}&port=5432"


def _answers(sockets: Path) -> bool:
    try:
        psycopg.connect(_url(sockets, database=SUPERUSER), connect_timeout=5).close()
    except psycopg.OperationalError as error:
        return is_out_of_connections(error)
    return True


def _ensure_database(sockets: Path) -> None:
    url = _url(sockets, database=SUPERUSER)
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT FROM pg_database WHERE datname = %s", (_DATABASE,)
        )
        if found.fetchone() is None:
            connection.execute("CREATE DATABASE goatherd")


def _why(log: Path) -> str:
    fatal = [line for line in log.read_text().splitlines() if "FATAL:" in line]
    reason = fatal[-1].partition("FATAL:")[2].strip() if fatal else "no reason given"
    return f"PostgreSQL did not start: {reason} (see {log.parent})."
