"""The reaper: ends the processes of ``goatherd up`` if that itself is killed.

Its standard input has a line for each process: "+ pid signal seconds" when a process
starts, with the way to end it, and "- pid" when the process has ended. When ``goatherd
up`` ends, however that happens, the input ends; the reaper then ends all processes that
still run, the last started first. Until then it holds the lock on the data directory,
which it inherited.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

import psutil

_POLL_SECONDS = 0.05


class WatchedProcess(NamedTuple):
    """A process that leads a process group, and the way to end it.

    The process gets the signal, and ``seconds`` later the rest of the group is killed.
    """

    pid: int
    signal: signal.Signals
    seconds: float


class Reaper:
    """Starts the reaper's process, and reports the running processes to it."""

    def __init__(self, *, lock: int) -> None:
        self._lock = lock
        self._watched: dict[int, WatchedProcess] = {}
        self._process: subprocess.Popen[str] | None = None

    def ensure_running(self) -> None:
        """Start the reaper, or start it again if it has died."""
        if self._process is not None and self._process.poll() is None:
            return
        self._close_input()
        command = [sys.executable, "-m", "api.cli.up.reaper"]
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            text=True,
            bufsize=1,
            env={**os.environ, "PYTHONPATH": import_path()},
            cwd="/",
            start_new_session=True,
            pass_fds=(self._lock,),
        )
        for watched in self._watched.values():
            self._send(_line(watched))

    def watch(self, watched: WatchedProcess) -> None:
        """Let the reaper end this process, too, if we are killed."""
        self._watched[watched.pid] = watched
        self._send(_line(watched))

    def forget(self, pid: int) -> None:
        """Forget a process that has ended."""
        if self._watched.pop(pid, None):
            self._send(f"- {pid}")

    def close(self) -> None:
        """Let the reaper end everything that still runs, and then itself."""
        if self._process is not None:
            self._close_input()
            self._process.wait()
            self._process = None

    def _send(self, line: str) -> None:
        # A reaper that has just died gets all processes when it is started again.
        with suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(f"{line}\n")

    def _close_input(self) -> None:
        with suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()


def import_path() -> str:
    """Return the PYTHONPATH with which other processes find the same Goatherd."""
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join(filter(None, (str(import_root()), given)))


def import_root() -> Path:
    """Return the folder that has Goatherd's packages."""
    return Path(__file__).parent.parent.parent.parent


def end_group(pid: int, sent: signal.Signals) -> None:
    """Send a signal to the rest of the process group that ``pid`` led."""
    # macOS raises PermissionError for a group with only zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sent)


def _line(watched: WatchedProcess) -> str:
    return f"+ {watched.pid} {watched.signal.value} {watched.seconds}"


def _read_watched(lines: Iterable[str]) -> list[tuple[psutil.Process, WatchedProcess]]:
    found: dict[int, tuple[psutil.Process, WatchedProcess]] = {}
    for line in lines:
        match line.split():
            case ["+", pid, sent, seconds]:
                watched = WatchedProcess(
                    int(pid), signal.Signals(int(sent)), float(seconds)
                )
                with suppress(psutil.NoSuchProcess):
                    found[watched.pid] = psutil.Process(watched.pid), watched
            case ["-", pid]:
                found.pop(int(pid), None)
            case _:
                continue
    return list(found.values())


def _end(process: psutil.Process, watched: WatchedProcess) -> None:
    deadline = time.monotonic() + watched.seconds
    with suppress(psutil.NoSuchProcess):
        process.send_signal(watched.signal)
        while time.monotonic() < deadline and process.is_running():
            if process.status() == psutil.STATUS_ZOMBIE:
                break
            time.sleep(_POLL_SECONDS)
    end_group(watched.pid, signal.SIGKILL)


def _main(standard_input: IO[str]) -> None:
    # The reaper ends only when `goatherd up` does.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    for process, watched in reversed(_read_watched(standard_input)):
        _end(process, watched)


if __name__ == "__main__":
    _main(sys.stdin)
