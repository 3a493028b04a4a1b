"""The life of an embedded server: claimed, taken over or started, and stopped."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import Signals
from typing import ClassVar

import structlog

from infra.embedded.data_dir import DataDirLock, open_data_dir
from infra.embedded.errors import EmbeddedServiceError
from infra.embedded.processes import ServerProcess, find_server, wait_until

# What a server that was left behind gets to answer before it counts as out of reach.
_TAKE_OVER_SECONDS = 15.0

_log = structlog.get_logger()


class EmbeddedServer(ABC):
    """A server in a data directory, looked after by whoever holds this."""

    name: ClassVar[str]
    # What its process may be called.
    programs: ClassVar[Sequence[str]]
    # The signals that stop it, each with the seconds it gets before the next.
    shutdown: ClassVar[Sequence[tuple[Signals, float]]]

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock: DataDirLock | None = None
        self._process: ServerProcess | None = None

    @property
    def pid(self) -> int | None:
        """The server's main process, or None while there is none."""
        return self._process.pid if self._process and self.is_running() else None

    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running()

    def start(self) -> str:
        """Run the server and return its URL.

        A server that an earlier holder of the data directory left behind is taken over.
        Calling it again starts a server that has died since.

        Raises:
            EmbeddedServiceError: the directory is in use or too new, or the server
                cannot run.
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
        """Shut the server down, as gently as it lets us, and free the directory."""
        if self._process is not None:
            self._process.stop(self.shutdown)
            self._process = None
        if self._lock is not None:
            self._lock.release()

    @abstractmethod
    def run(self, data_dir: Path) -> str:
        """Have the server running and return its URL; the directory is claimed."""

    def finds_running(self, folder: Path, *, answers: Callable[[], bool]) -> bool:
        """Say whether the folder's server runs already, as our own or left behind."""
        if self.is_running():
            return True
        found = find_server(self.programs, folder=folder)
        if found is None:
            return False
        if self.comes_up(found, answers=answers, seconds=_TAKE_OVER_SECONDS):
            _log.info("Took over a server that was left running.", server=self.name)
            return True
        # Alive and out of reach: its socket is gone, or it is on its way out.
        found.stop(self.shutdown)
        return False

    def comes_up(
        self, process: ServerProcess, *, answers: Callable[[], bool], seconds: float
    ) -> bool:
        """Make the process ours and say whether it answers in time."""
        self._process = process
        wait_until(lambda: answers() or not process.is_running(), seconds=seconds)
        return process.is_running() and answers()
