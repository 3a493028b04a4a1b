"""Server processes: started, found again after our own crash, and stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from infra.embedded.os_user import OsUser, acting_as

_POLL_SECONDS = 0.02
_LONGEST_POLL_SECONDS = 0.2
# A question that is dear to ask takes at most a fifth of the time from the processes
# that it waits for.
_PAUSES_PER_QUESTION = 4


class ServerProcess:
    """The main process of a server that we started or found."""

    def __init__(
        self, process: psutil.Process, *, child: subprocess.Popen[bytes] | None = None
    ) -> None:
        self._process = process
        self._child = child

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        try:
            # If another process has the number by now, ours has ended.
            return (
                self._process.is_running()
                and self._process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False

    def stop(self, steps: Sequence[tuple[signal.Signals, float]]) -> None:
        """Send each signal in turn, and wait its seconds for the process to end.

        SIGKILL comes last.
        """
        for sent, seconds in (*steps, (signal.SIGKILL, 30.0)):
            if not self.is_running():
                return
            try:
                self._process.send_signal(sent)
            except psutil.NoSuchProcess:
                return
            if wait_until(lambda: not self.is_running(), seconds=seconds):
                return


def launch(
    command: Sequence[str | Path], *, log: Path, os_user: OsUser | None
) -> ServerProcess:
    """Start a server with a new log file; the log before it is kept as ``.1``.

    The server gets its own session, so that Ctrl-C in the terminal reaches only us.
    """
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=server_environment(),
            start_new_session=True,
            umask=0o077,
            **acting_as(os_user),
        )
    return ServerProcess(psutil.Process(child.pid), child=child)


def find_server(names: Sequence[str], *, folder: Path) -> ServerProcess | None:
    """Return the running server with one of these names that was started on the folder.

    The server's command line contains the folder. A child that the server has just
    forked has the same command line.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["name", "cmdline", "status"]):
        known = process.info
        if known["status"] == psutil.STATUS_ZOMBIE or known["name"] not in names:
            continue
        if str(folder) in (known["cmdline"] or ()):
            found[process.pid] = process
    for process in found.values():
        if process.ppid() not in found:
            return ServerProcess(process)
    return None


def wait_until(true: Callable[[], bool], *, seconds: float) -> bool:
    """Call ``true`` until it returns true or time is up; return its result."""
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if true():
            return True
        now = time.monotonic()
        if now > deadline:
            return False
        pause = _PAUSES_PER_QUESTION * (now - began)
        time.sleep(min(max(_POLL_SECONDS, pause), _LONGEST_POLL_SECONDS))


def server_environment() -> dict[str, str]:
    """Return our environment with a language and time zone that every machine has."""
    return {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
