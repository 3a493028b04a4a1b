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
from infra.embedded.data_dir import discard_if_unused

# Seconds that the reaper of a killed `goatherd up` may need to end all processes.
_REAPER_SECONDS = 150.0
_POLL_SECONDS = 0.05
_NAME = "up.lock"

_log = structlog.get_logger()


@contextmanager
def data_dir_locked(data_dir: Path, *, is_new: bool) -> Generator[int]:
    """Hold the data directory's lock; yield its file descriptor.

    The system releases the lock when no process has the descriptor open any more. If
    the holder was killed, the function waits until its reaper ends.

    At the end of the block the file is removed, and with it a data directory that
    ``is_new`` and is otherwise empty.

    Raises:
        CommandError: another `goatherd up` runs there, or the folder cannot be written
            to.
    """
    path = data_dir / _NAME
    lock = _open(path)
    is_ours = False
    try:
        deadline = time.monotonic() + _REAPER_SECONDS
        is_logged = False
        while not (_take(lock) and _is_named(lock, path)):
            if not _is_named(lock, path):
                # The earlier holder has just removed the file: another one may be there
                # now.
                stale, lock = lock, _open(path)
                os.close(stale)
                continue
            holder = _holder(lock)
            if holder is None or _is_running(holder) or time.monotonic() > deadline:
                raise CommandError(
                    f"The data directory {data_dir} is in use by another Goatherd "
                    f"(process {holder or 'unknown'}): stop it or name another "
                    "directory."
                )
            if not is_logged:
                _log.info("Waiting for the processes of an earlier Goatherd to end.")
                is_logged = True
            time.sleep(_POLL_SECONDS)
        is_ours = True
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
    finally:
        if is_ours:
            path.unlink(missing_ok=True)
            if is_new:
                discard_if_unused(data_dir)
        os.close(lock)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandError(
            f"The data directory {path.parent} cannot be written to: {error.strerror}. "
            "Give it to this account, or name another with --data-dir or "
            "GOATHERD_DATA_DIR."
        ) from error


def _is_named(lock: int, path: Path) -> bool:
    """Return whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


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
