"""A proxy to PostgreSQL that can cut connections at the worst moment."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

from psycopg.conninfo import conninfo_to_dict

# ReadyForQuery ends every answer; the byte after it is the state of the transaction.
_READY = b"Z\0\0\0\5"

Damage = Literal["cut request", "cut answer", "silence"]


class Proxy:
    """Passes everything between clients and the server at ``url``, until told not to.

    The server may listen on a Unix socket or on TCP; clients come in at ``self.url``.
    """

    def __init__(self, url: str) -> None:
        self._server = conninfo_to_dict(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port: int = self._listener.getsockname()[1]
        self._links: list[_Link] = []
        self._lock = threading.Lock()
        self._strike: _Strike | None = None
        self._strikes = threading.Condition(self._lock)
        self.struck = 0
        """How often damage was done."""

    @property
    def url(self) -> str:
        user = self._server.get("user", "postgres")
        password = f":{word}" if (word := self._server.get("password")) else ""
        place = f"127.0.0.1:{self._port}/{self._server['dbname']}"
        return (
            f"postgresql://{user}{password}@{place}?sslmode=disable&gssencmode=disable"
        )

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def strike(
        self,
        damage: Damage,
        *,
        at: bytes,
        times: int = 1,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Do ``damage`` to the next requests that hold the bytes ``at``.

        * "cut request": half of it gets through, then the connection is gone.
        * "cut answer": it is carried out, but the connection goes with the answer.
        * "silence": nothing gets through any more, and nobody is told; see ``cut``.

        ``meanwhile`` is called when the damage is done, before the client knows.
        """
        with self._lock:
            self._strike = _Strike(damage, at, times, meanwhile)

    def wait_for_strike(self, *, seconds: float = 10) -> None:
        """Return once damage was done."""
        with self._strikes:
            assert self._strikes.wait_for(lambda: self.struck, timeout=seconds)

    def cut(self) -> None:
        """Cut every connection that is open now."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.close()

    def close(self) -> None:
        """Cut every connection, and let no new one in."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def struck_by(self, request: bytes) -> "_Strike | None":
        with self._lock:
            strike = self._strike
            if strike is None or strike.times == 0 or strike.at not in request:
                return None
            strike.times -= 1
            return strike

    def carry_out(self, strike: "_Strike") -> None:
        strike.meanwhile()
        with self._strikes:
            self.struck += 1
            self._strikes.notify_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            link = _Link(self, client, server)
            with self._lock:
                self._links.append(link)
            for pump in (link.pass_requests, link.pass_answers):
                threading.Thread(target=pump, daemon=True).start()

    def _connect(self) -> socket.socket:
        host = str(self._server.get("host") or "localhost")
        port = self._server.get("port") or 5432
        if not host.startswith("/"):
            return socket.create_connection((host, int(port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server


class _Strike:
    def __init__(
        self, damage: Damage, at: bytes, times: int, meanwhile: Callable[[], object]
    ) -> None:
        self.damage = damage
        self.at = at
        self.times = times
        self.meanwhile = meanwhile


class _Link:
    """One client's connection and the one to the server behind it."""

    def __init__(
        self, proxy: Proxy, client: socket.socket, server: socket.socket
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._silent = False
        self._doomed: _Strike | None = None

    def pass_requests(self) -> None:
        with suppress(OSError):
            while request := self._client.recv(1 << 20):
                strike = self._proxy.struck_by(request)
                if strike and strike.damage == "cut request":
                    self._server.sendall(request[: len(request) // 2])
                    self._proxy.carry_out(strike)
                    break
                if strike and strike.damage == "cut answer":
                    self._doomed = strike
                if strike and strike.damage == "silence":
                    self._silent = True
                    self._proxy.carry_out(strike)
                if not self._silent:
                    self._server.sendall(request)
        self.close()

    def pass_answers(self) -> None:
        answer = b""
        with suppress(OSError):
            while part := self._server.recv(1 << 20):
                if self._doomed is None and not self._silent:
                    self._client.sendall(part)
                    continue
                answer += part
                if self._doomed and answer[-6:-1] == _READY:
                    self._proxy.carry_out(self._doomed)
                    break
        self.close()

    def close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
