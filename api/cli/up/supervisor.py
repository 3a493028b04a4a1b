"""The supervisor of ``goatherd up``: runs processes and servers, and restarts them."""

import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import structlog

from api.cli import CommandError
from api.cli.up.reaper import Reaper, WatchedProcess, end_group
from infra.backoff import Backoff
from infra.embedded import EmbeddedServiceError
from infra.embedded.server import EmbeddedServer

PATIENCE_SECONDS = 10.0

# The longest wait is short, because other processes wait for the dead one.
_RESTARTS = Backoff(0.2, 2.0, spread=(1, 1))
# After this long, the cause of the last crash is over.
_GOOD_LIFE_SECONDS = 10.0

_log = structlog.get_logger()


class RestartDelay:
    """The delay before a dead process is restarted, which grows each time."""

    def __init__(self) -> None:
        self._failures = 0
        self._began = 0.0
        self._due_at = 0.0

    def begin(self) -> None:
        """Record that the process was started."""
        self._began = time.monotonic()

    def died(self) -> float:
        """Record that the process has died; return the seconds until its next start."""
        if time.monotonic() - self._began > _GOOD_LIFE_SECONDS:
            self._failures = 0
        self._failures += 1
        wait = _RESTARTS.seconds(self._failures)
        self._due_at = time.monotonic() + wait
        return wait

    def is_over(self) -> bool:
        """Return whether the process may be started now."""
        return time.monotonic() >= self._due_at


class Child:
    """One of our own processes, in a process group of its own.

    Its output goes to our stderr. ``inherited`` has file descriptors that it shares.
    """

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        reaper: Reaper,
        inherited: Sequence[int] = (),
    ) -> None:
        self.name = name
        self._inherited = inherited
        self._command = command
        self._environment = environment
        self._folder = folder
        self._reaper = reaper
        self._process: subprocess.Popen[bytes] | None = None
        self._backoff = RestartDelay()

    def start(self) -> None:
        """Start the process, and let the reaper watch it."""
        self._backoff.begin()
        self._process = subprocess.Popen(  # noqa: S603
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=2,
            env=self._environment,
            cwd=self._folder,
            pass_fds=self._inherited,
            # Ctrl-C in the terminal is for the supervisor, which ends the process in
            # order.
            start_new_session=True,
        )
        self._reaper.watch(
            WatchedProcess(self._process.pid, signal.SIGTERM, PATIENCE_SECONDS)
        )

    def restart_if_dead(self) -> None:
        """Start the process again if it has died, after the back-off."""
        if self._process is not None:
            status = self._process.poll()
            if status is None:
                return
            self._forget(self._process.pid)
            _log.warning(
                "process_ended",
                process=self.name,
                status=status,
                again_in=self._backoff.died(),
            )
        if not self._backoff.is_over():
            return
        try:
            self.start()
        except OSError as error:
            _log.warning(
                "process_not_started",
                process=self.name,
                error=str(error),
                again_in=self._backoff.died(),
            )

    def ended(self) -> int | None:
        """Return the exit status of the process, None while it runs."""
        return None if self._process is None else self._process.poll()

    def cpu_seconds(self) -> float:
        """Return the processor time of the process and its own processes so far."""
        if self._process is None:
            return 0.0
        with suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            family = (process, *process.children(recursive=True))
            times = [each.cpu_times() for each in family]
            return sum(each.user + each.system for each in times)
        return 0.0

    def stop(self) -> None:
        """Terminate the process, and kill the rest of its group ten seconds later."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            _log.warning("process_killed", process=self.name)
            end_group(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._forget(self._process.pid)

    def _forget(self, pid: int) -> None:
        # Workers of a killed process would continue and keep its port.
        end_group(pid, signal.SIGKILL)
        self._reaper.forget(pid)
        self._process = None


class Service:
    """An embedded server."""

    def __init__(self, server: EmbeddedServer, *, reaper: Reaper) -> None:
        self._server = server
        self._reaper = reaper
        self._pid: int | None = None
        self._backoff = RestartDelay()

    def start(self) -> str:
        """Run the server and return its URL.

        Raises:
            EmbeddedServiceError: the server cannot run.
        """
        url = self._server.start()
        self._backoff.begin()
        self._pid = self._server.pid
        if self._pid is not None:
            sent, seconds = self._server.shutdown[0]
            self._reaper.watch(WatchedProcess(self._pid, sent, seconds))
        return url

    def restart_if_dead(self) -> None:
        """Start the server again if it has died, after the back-off."""
        if self._server.is_running():
            return
        if self._pid is not None:
            self._reaper.forget(self._pid)
            self._pid = None
            _log.warning(
                "server_ended",
                server=self._server.name,
                again_in=self._backoff.died(),
            )
        if not self._backoff.is_over():
            return
        try:
            self.start()
        except (EmbeddedServiceError, psycopg.Error) as error:
            _log.warning(
                "server_not_started",
                server=self._server.name,
                error=str(error),
                again_in=self._backoff.died(),
            )

    def stop(self) -> None:
        """Stop the server gently."""
        self._server.stop()
        if self._pid is not None:
            self._reaper.forget(self._pid)
            self._pid = None


class Supervisor:
    """Starts processes and servers, restarts dead ones, and stops them in order."""

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper
        self._running: list[Child | Service] = []

    def run(self, server: EmbeddedServer) -> str:
        """Start an embedded server and return its URL.

        Raises:
            EmbeddedServiceError: the server cannot run.
        """
        service = Service(server, reaper=self._reaper)
        url = service.start()
        self._running.append(service)
        return url

    def start(self, child: Child) -> None:
        self._running.append(child)
        child.start()

    def check(self) -> None:
        """Check that every process runs.

        Raises:
            CommandError: a process has ended.
        """
        for each in self._running:
            if isinstance(each, Child) and (status := each.ended()) is not None:
                raise CommandError(
                    f"`goatherd {each.name}` ended with status {status} while starting."
                )

    def cpu_seconds(self) -> float:
        """Return the processor time that all processes have used so far."""
        return sum(
            each.cpu_seconds() for each in self._running if isinstance(each, Child)
        )

    def restart(self, names: Collection[str]) -> None:
        """Stop the processes with these names, the last one first, and start them."""
        chosen = [
            each
            for each in self._running
            if isinstance(each, Child) and each.name in names
        ]
        for child in reversed(chosen):
            child.stop()
        for child in chosen:
            child.start()

    def restart_dead(self) -> None:
        """Start dead processes and servers again."""
        with suppress(OSError):
            self._reaper.ensure_running()
        for each in self._running:
            each.restart_if_dead()

    def stop(self) -> None:
        """Stop everything, the last started first."""
        while self._running:
            with suppress(ProcessLookupError):
                self._running.pop().stop()
