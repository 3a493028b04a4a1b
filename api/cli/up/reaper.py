"""The leash: ends what ``goatherd up`` started when ``goatherd up`` itself was killed.

``goatherd up`` tells it on its standard input, a line each: "+ pid signal seconds" for
what runs now and how to end it, "- pid" for what ended. The input ends with up, however
that went, and whatever still runs then is ended, the last started first. Until that is
done the leash holds up's lock on the data directory, which it inherited.
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


class Hold(NamedTuple):
    """How to end a process that leads a process group of its own.

    It gets the signal, and ``seconds`` later what is left of the group is killed.
    """

    pid: int
    signal: signal.Signals
    seconds: float


class Leash:
    """The near end: starts the process that waits for our death, and keeps it told."""

    def __init__(self, *, lock: int) -> None:
        self._lock = lock
        self._holds: dict[int, Hold] = {}
        self._process: subprocess.Popen[str] | None = None

    def watch(self) -> None:
        """Start the process, or start it again if it has died."""
        if self._process is not None and self._process.poll() is None:
            return
        self._let_go()
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
        for hold in self._holds.values():
            self._tell(_line(hold))

    def hold(self, hold: Hold) -> None:
        """End this process, too, should we die."""
        self._holds[hold.pid] = hold
        self._tell(_line(hold))

    def release(self, pid: int) -> None:
        """Forget a process that has ended."""
        if self._holds.pop(pid, None):
            self._tell(f"- {pid}")

    def close(self) -> None:
        """End the leash with everything that it still holds."""
        if self._process is not None:
            self._let_go()
            self._process.wait()
            self._process = None

    def _tell(self, line: str) -> None:
        # A leash that has just died learns everything when it is started again.
        with suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(f"{line}\n")

    def _let_go(self) -> None:
        with suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()


def import_path() -> str:
    """Return the PYTHONPATH with which other processes find this very Goatherd."""
    root = str(Path(__file__).parent.parent.parent.parent)
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


def end_group(pid: int, sent: signal.Signals) -> None:
    """Send a signal to whatever is left of the process group that ``pid`` led."""
    # PermissionError is how macOS speaks of a group that is all zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sent)


def _line(hold: Hold) -> str:
    return f"+ {hold.pid} {hold.signal.value} {hold.seconds}"


def _listen(lines: Iterable[str]) -> list[tuple[psutil.Process, Hold]]:
    held: dict[int, tuple[psutil.Process, Hold]] = {}
    for line in lines:
        match line.split():
            case ["+", pid, sent, seconds]:
                hold = Hold(int(pid), signal.Signals(int(sent)), float(seconds))
                with suppress(psutil.NoSuchProcess):
                    held[hold.pid] = psutil.Process(hold.pid), hold
            case ["-", pid]:
                held.pop(int(pid), None)
            case _:
                continue
    return list(held.values())


def _end(process: psutil.Process, hold: Hold) -> None:
    deadline = time.monotonic() + hold.seconds
    with suppress(psutil.NoSuchProcess):
        process.send_signal(hold.signal)
        while time.monotonic() < deadline and process.is_running():
            if process.status() == psutil.STATUS_ZOMBIE:
                break
            time.sleep(_POLL_SECONDS)
    end_group(hold.pid, signal.SIGKILL)


def _main(standard_input: IO[str]) -> None:
    # It ends when up ends, whoever else is told to.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    for process, hold in reversed(_listen(standard_input)):
        _end(process, hold)


if __name__ == "__main__":
    _main(sys.stdin)
