"""The HTTP server: granian, with our logs and our manners."""

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

_ENDING = (signal.SIGINT, signal.SIGTERM)
_BACKLOG = 1_024
# Below any supervisor's own patience.
_KILL_AFTER_SECONDS = 8
# granian's loggers hand their lines up to ours instead of writing them to stdout.
_LOGS: dict[str, Any] = {
    "handlers": {},
    "formatters": {},
    "loggers": {"_granian": {"propagate": True}},
}


class _HearingLoop(uvloop.Loop):
    """uvloop, which also hears the signals that come while it does not run.

    uvloop drops these. A worker does not run its loop before it starts the application
    nor between that and its first request, and would wait to be killed instead.
    """

    def add_signal_handler(
        self, sig: int, callback: Callable[..., object], *args: object
    ) -> None:
        def hear(*_: object) -> None:
            SHUTDOWN.begin()
            self.call_soon_threadsafe(callback, *args)

        signal.signal(sig, hear)


@loops.register(Loops.uvloop.value)
def _hearing_loop() -> uvloop.Loop:
    """Return the loop of a worker, in place of granian's own of that name."""
    loop = _HearingLoop()
    asyncio.set_event_loop(loop)
    return loop


def _is_alive(self: Any) -> bool:  # noqa: ANN401 - granian does not type its process
    """Say whether a worker's process has not ended, by its sentinel.

    granian asks waitpid, from a thread for each worker and from its main thread. Who of
    them comes second is told of no child, and takes that for one that will not end.
    """
    return not wait([self.inner.sentinel], timeout=0)


def serve_http(settings: Settings) -> None:
    """Answer HTTP until SIGINT or SIGTERM.

    Raises:
        CommandError: the address cannot be had.
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
        before=_hold_signals,
        after_in_parent=_hear_signals,
        after_in_child=_forget_handlers,
    )
    server.serve(target_loader=_load, wrap_loader=False)


def _load() -> Litestar:
    """Return the application, in each of granian's workers."""
    from api.main import create

    return create()


def _hold_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def _hear_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def _forget_handlers() -> None:
    """Let signals end a worker that granian has not yet made listen to them.

    It would have its parent's handlers, and wait to be killed instead.
    """
    for ending in _ENDING:
        signal.signal(ending, signal.SIG_DFL)
    _hear_signals()
