"""The life of an embedded server: its directory is locked, it starts, and it stops."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import Signals
from typing import ClassVar

import structlog

from infra.embedded.data_dir import DataDirLock, open_data_dir
from infra.embedded.errors import EmbeddedServiceError
from infra.embedded.processes import ServerProcess, find_server, wait_until

# A server that was left running gets this much time to answer.
_TAKE_OVER_SECONDS = 15.0

_log = structlog.get_logger()


class EmbeddedServer(ABC):
    """A server in a data directory, controlled by this process."""

    name: ClassVar[str]
    # The names that its process may have.
    programs: ClassVar[Sequence[str]]
    # The signals that stop it, each with the seconds until the next.
    shutdown: ClassVar[Sequence[tuple[Signals, float]]]

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock: DataDirLock | None = None
        self._process: ServerProcess | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the server, or None if it is not running."""
        return self._process.pid if self._process and self.is_running() else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running()

    def start(self) -> str:
        """Start the server and return its URL.

        A server that an earlier process left running in the data directory is adopted.
        A server that has died is started again by the next call.

        Raises:
            EmbeddedServiceError: the directory is in use or too new, or the
                server cannot run.
        """
        data_dir = open_data_dir(self._data_dir)
        self._lock = self._lock or DataDirLock(data_dir / f"{self.name}.lock")
        self._lock.take()
        try:
            return self.run(data_dir)
        except OSError as error:
            self.stop()
            msg = f"The data directory {data_dir} cannot be used: {error}."
            raise EmbeddedServiceError(msg) from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, gently at first, and release the directory's lock."""
        if self._process is not None:
            self._process.stop(self.shutdown)
            self._process = None
        if self._lock is not None:
            self._lock.release()

    @abstractmethod
    def run(self, data_dir: Path) -> str:
        """Start or adopt the server and return its URL, while the lock is held."""

    def finds_running(self, folder: Path, *, answers: Callable[[], bool]) -> bool:
        """Tell whether an earlier process left the folder's server running."""
        if self.is_running():
            return True
        found = find_server(self.programs, folder=folder)
        if found is None:
            return False
        if self.comes_up(found, answers=answers, seconds=_TAKE_OVER_SECONDS):
            _log.info("Took over a server that was left running.", server=self.name)
            return True
        # The server lives but does not answer: its socket is gone, or it is stopping.
        found.stop(self.shutdown)
        return False

    def comes_up(
        self, process: ServerProcess, *, answers: Callable[[], bool], seconds: float
    ) -> bool:
        """Adopt the process, and tell whether the server answers in time."""
        self._process = process
        wait_until(lambda: answers() or not process.is_running(), seconds=seconds)
        return process.is_running() and answers()
