"""The HTTP server: granian, with our logs and our handling of signals."""

import asyncio
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

import uvloop
from granian import loops
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server
from granian.server.mp import WorkerProcess
from litestar import Litestar

from api.cli.up.ports import free_address
from api.http.shutdown import SHUTDOWN
from infra.settings import Settings

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BACKLOG = 1_024
# Less than supervisors wait before they kill.
_KILL_AFTER_SECONDS = 8
# granian's loggers pass their lines to ours instead of writing them to stdout.
_LOGS: dict[str, Any] = {
    "handlers": {},
    "formatters": {},
    "loggers": {"_granian": {"propagate": True}},
}


class _SignalSafeLoop(uvloop.Loop):
    """uvloop, with signals that come while it does not run.

    uvloop drops these. A worker does not run its loop before it starts the application,
    nor between that and its first request, and would wait until it is killed.
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
    """Return the loop of a worker, in place of granian's own of that name."""
    loop = _SignalSafeLoop()
    asyncio.set_event_loop(loop)
    return loop


def _is_alive(self: Any) -> bool:  # noqa: ANN401 - granian does not type its process
    """Return whether a worker's process runs, by its sentinel.

    granian calls waitpid from a thread for each worker and from its main thread. The
    second call gets no child, and granian takes that for a process that does not end.
    """
    return not wait([self.inner.sentinel], timeout=0)


def serve_http(settings: Settings) -> None:
    """Answer HTTP until SIGINT or SIGTERM.

    Raises:
        CommandError: the address cannot be used.
    """
    WorkerProcess.is_alive = _is_alive
    server = Server(
        "api.main:create",
        address=free_address(settings.host, settings.port),
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.http_workers,
        backlog=_BACKLOG,
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
    server.serve(target_loader=_load, wrap_loader=False)


def _load() -> Litestar:
    """Return the application, in each of granian's workers."""
    from api.main import create

    return create()


def _block_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)


def _unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)


def _reset_handlers() -> None:
    """Let signals end a worker that does not have granian's handlers yet.

    With its parent's handlers it would go on until it is killed.
    """
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _unblock_signals()
