"""A site on this machine with the answers of a test, over real HTTP."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct, field


class Answer(Struct, kw_only=True):
    """An answer; ``pieces`` come one by one, and nothing says how many they are."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    pieces: Callable[[], Iterable[bytes]] | None = None
    dripping_head: bool = False


class ReceivedRequest(Struct, kw_only=True):
    """A request, and when it came in and was answered, on time.monotonic()."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    began_at: float
    body: bytes = b""
    ended_at: float = 0.0


def json_answer(value: object, *, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status=status,
        headers={"Content-Type": "application/json; charset=utf-8", **headers},
        body=json.dumps(value).encode(),
    )


Script = Answer | Callable[[ReceivedRequest], Answer]


class ScriptedSite:
    """The server; ``answers`` maps paths to answers, and other paths are a 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Script] = {}
        self.received: list[ReceivedRequest] = []
        self.leaving = threading.Event()
        self.bugs: list[BaseException | None] = []
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.001,)
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leaving.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        assert not self.bugs, self.bugs

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.received]

    def answer_to(self, request: ReceivedRequest) -> Answer:
        script = self.answers.get(request.path, Answer(status=404))
        return script(request) if callable(script) else script

    def drip(self, *, every: float = 0.02) -> Iterable[bytes]:
        """Yield a byte now and then, until nobody is there any more."""
        while not self.leaving.wait(every):
            yield b"x"


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, site: ScriptedSite) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site
        self.connections = list[socket.socket]()

    def hang_up(self) -> None:
        """End the connections that clients keep open, which closing waits for."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        del request, client_address
        error = sys.exception()
        # Clients that hang up are what some tests are about; anything else is a bug.
        if not isinstance(error, OSError):
            self.site.bugs.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True

    @property
    def site(self) -> ScriptedSite:
        assert isinstance(self.server, _Server)
        return self.server.site

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, _Server)
        self.server.connections.append(self.connection)

    def do_GET(self, body: bytes = b"") -> None:
        address = urlsplit(self.path)
        request = ReceivedRequest(
            path=address.path,
            query=parse_qs(address.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            began_at=time.monotonic(),
            body=body,
        )
        self.site.received.append(request)
        answer = self.site.answer_to(request)
        # Before the answer is out: the next one may be asked as soon as it is in.
        request.ended_at = time.monotonic()
        with suppress(OSError):
            self._send(answer)

    def do_POST(self) -> None:
        self.do_GET(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - names of http.server

    def _send(self, answer: Answer) -> None:
        if answer.dripping_head:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            self._send_pieces(self.site.drip())
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.pieces is None and "Content-Length" not in answer.headers:
            self.send_header("Content-Length", str(len(answer.body)))
        elif answer.pieces is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        self._send_pieces(answer.pieces() if answer.pieces else [answer.body])
        self.close_connection |= (
            answer.pieces is not None or "Content-Length" in answer.headers
        )

    def _send_pieces(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args
