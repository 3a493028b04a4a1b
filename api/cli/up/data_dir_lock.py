"""The lock that lets one ``goatherd up`` at a time use a data directory."""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import structlog

from api.cli import CommandError

# How long the reaper of a killed `goatherd up` may need to end everything.
_REAPER_SECONDS = 150.0
_POLL_SECONDS = 0.05

_log = structlog.get_logger()


@contextmanager
def data_dir_locked(data_dir: Path) -> Generator[int]:
    """Hold the data directory's lock; yields its file descriptor.

    The system releases the lock when no process has the descriptor open any more. If
    the holder was killed, this waits until its reaper ends.

    Raises:
        CommandError: another `goatherd up` runs there.
    """
    lock = os.open(data_dir / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _REAPER_SECONDS
        is_logged = False
        while not _take(lock):
            holder = _holder(lock)
            if holder is None or _is_running(holder) or time.monotonic() > deadline:
                raise CommandError(
                    f"The data directory {data_dir} is in use by another Goatherd "
                    f"(process {holder or 'unknown'}): stop that one or name another "
                    "directory."
                )
            if not is_logged:
                _log.info("Waiting for what an earlier Goatherd left to end.")
                is_logged = True
            time.sleep(_POLL_SECONDS)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
    finally:
        os.close(lock)


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: int) -> int | None:
    text = os.pread(lock, 20, 0).decode(errors="replace").strip()
    return int(text) if text.isdecimal() else None


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
