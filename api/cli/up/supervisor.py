"""The supervisor: keeps ``goatherd up``'s processes and servers running."""

from contextlib import suppress

from api.cli import CommandError
from api.cli.up.children import Child, Service
from api.cli.up.reaper import Leash
from infra.embedded.server import EmbeddedServer


class Supervisor:
    """Everything that runs, in the order it was started."""

    def __init__(self, leash: Leash) -> None:
        self._leash = leash
        self._running: list[Child | Service] = []

    def run(self, server: EmbeddedServer) -> str:
        """Run an embedded server from now on and return its URL.

        Raises:
            EmbeddedServiceError: it cannot run.
        """
        service = Service(server, leash=self._leash)
        url = service.start()
        self._running.append(service)
        return url

    def start(self, child: Child) -> None:
        """Run a process from now on."""
        self._running.append(child)
        child.start()

    def check(self) -> None:
        """Return if every process lives.

        Raises:
            CommandError: one has ended.
        """
        for each in self._running:
            if isinstance(each, Child) and (status := each.ended()) is not None:
                raise CommandError(
                    f"`goatherd {each.name}` ended with status {status} while starting."
                )

    def look(self) -> None:
        """Start again whatever is dead."""
        with suppress(OSError):
            self._leash.watch()
        for each in self._running:
            each.look()

    def stop(self) -> None:
        """End everything, the last started first."""
        while self._running:
            with suppress(ProcessLookupError):
                self._running.pop().stop()
