"""The HTTP server: granian, with our socket, logs, limits and handling of signals."""

import asyncio
import gc
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait
from typing import Any

import structlog
import uvloop
from granian import loops
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess
from litestar import Litestar

from api.http.access.connections import ConnectionGuard, ConnectionLimits
from api.http.shutdown import SHUTDOWN
from infra.settings import Settings

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# The backlog is long enough for requests that arrive while a worker is restarted.
BACKLOG = 1_024
# The number of connections may exceed the limit by this many before the guard counts
# them.
_NOT_COUNTED = 100
# A worker has open files other than connections of clients: the database, logs,
# modules.
_OTHER_FILES = 400
_MAX_HEAD_BYTES = 65_536
# A worker that dies earlier than this has probably not been killed.
_YOUNG_SECONDS = 2.0
# Supervisors wait longer than this before they kill.
_KILL_AFTER_SECONDS = 8
# granian's loggers pass their lines to ours instead of writing them to stdout.
_LOGS: dict[str, Any] = {
    "handlers": {},
    "formatters": {},
    "loggers": {"_granian": {"propagate": True}},
}

_log = structlog.get_logger()


class _SignalSafeLoop(uvloop.Loop):
    """uvloop, with signals that arrive while the loop does not run.

    uvloop drops these signals. A worker does not run its loop before it starts the
    application, nor between that and its first request, and would wait until it is
    killed.
    """

    def add_signal_handler(
        self, sig: int, callback: Callable[..., object], *args: object
    ) -> None:
        def on_signal(*_: object) -> None:
            SHUTDOWN.begin()
            self.call_soon_threadsafe(callback, *args)

        signal.signal(sig, on_signal)


@loops.register(Loops.uvloop.value)
def _signal_safe_loop() -> uvloop.Loop:
    """Return the loop of a worker, in place of granian's own function of that name."""
    loop = _SignalSafeLoop()
    asyncio.set_event_loop(loop)
    return loop


def _is_alive(self: Any) -> bool:  # noqa: ANN401 - granian does not type its process
    """Return whether a worker's process runs, by its sentinel.

    granian calls waitpid from a thread for each worker and from its main thread. The
    second call gets no child, and granian concludes that the process does not end.
    """
    return not wait([self.inner.sentinel], timeout=0)


class _Server(MPServer):
    """granian on a socket that outlives the workers.

    granian's own sockets are opened by each worker, and all clients that wait there are
    lost with the worker. granian also gives up once a worker dies twice in six seconds;
    this server gives up only if that worker never answered.
    """

    _listener: socket.socket

    @classmethod
    def on(cls, listener: socket.socket, **options: Any) -> "_Server":  # noqa: ANN401
        """Return the server that answers on a listening socket."""
        server = cls("api.main:create", **options)
        server._listener = listener
        return server

    def _init_shared_socket(self) -> None:
        descriptor = self._listener.fileno()
        # granian does not declare this parameter, which says whether the socket is a
        # Unix socket.
        holder: Any = SocketHolder
        self._shd = holder(descriptor, False, BACKLOG)  # noqa: FBT003
        self._sfd, self._ssp, self._sso = descriptor, None, self._listener

    def _respawn_workers(
        self,
        workers: list[int],
        spawn_target: Any,  # noqa: ANN401
        target_loader: Any,  # noqa: ANN401
        delay: float = 0,
    ) -> None:
        now = time.monotonic()
        grown = [i for i in workers if now - self.wrks[i].birth > _YOUNG_SECONDS]
        super()._respawn_workers(workers, spawn_target, target_loader, delay)  # pyright: ignore[reportUnknownMemberType]
        deaths: dict[int, float] = self.respawned_wrks  # pyright: ignore[reportUnknownMemberType]
        for index in grown:
            del deaths[index]


def serve_http(settings: Settings, listener: socket.socket) -> None:
    """Answer HTTP on a listening socket until SIGINT or SIGTERM."""
    WorkerProcess.is_alive = _is_alive
    limits = _limits(settings)
    address, port = listener.getsockname()[:2]
    server = _Server.on(
        listener,
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=_MAX_HEAD_BYTES),
        workers=settings.http_workers,
        backlog=BACKLOG,
        backpressure=limits.in_all + _NOT_COUNTED,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_KILL_AFTER_SECONDS,
        log_dictconfig=_LOGS,
        log_level=LogLevels.warning,
    )
    os.register_at_fork(
        before=_block_signals,
        after_in_parent=_unblock_signals,
        after_in_child=_reset_handlers,
    )
    server.serve(target_loader=partial(_load, port, limits), wrap_loader=False)


def _load(port: int, limits: ConnectionLimits) -> Litestar:
    """Return the application, in each of granian's workers."""
    # All objects of the start stay until the end, so the garbage collector finds none.
    gc.disable()
    from api.main import create

    app = create()
    gc.enable()
    ConnectionGuard(port, limits).start()
    return app


def _limits(settings: Settings) -> ConnectionLimits:
    """Return the limits of each worker, and check that it may open enough files."""
    in_all = -(-settings.max_connections // settings.http_workers)
    by_address = -(-settings.max_connections_per_address // settings.http_workers)
    needed = in_all + _NOT_COUNTED + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < needed:
            in_all = max(allowed - _NOT_COUNTED - _OTHER_FILES, 16)
            _log.warning("fewer_connections", open_files=allowed, connections=in_all)
    return ConnectionLimits(in_all=in_all, by_address=min(by_address, in_all))


def _block_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


def _unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


def _reset_handlers() -> None:
    """Let signals end a worker that does not have granian's handlers yet.

    With its parent's handlers it would continue until it is killed.
    """
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _unblock_signals()
