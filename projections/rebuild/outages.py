"""Outages of the database, which a rebuild survives for a while."""

import threading
import time
from random import uniform

import structlog

from infra.database import Pool
from infra.outage import OUTAGE

_PATIENCE_SECONDS = 60.0

_log = structlog.get_logger()


class OutagePatience:
    """Waits until an outage is over, up to a minute without progress."""

    def __init__(self, pool: Pool, projection: str, stop: threading.Event) -> None:
        self._pool = pool
        self._projection = projection
        self._stop = stop
        self._failing_since: float | None = None

    def progressed(self) -> None:
        self._failing_since = None

    def wait(self, error: Exception) -> None:
        """Pause after an outage; raise ``error`` if outages have lasted too long."""
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - self._failing_since > _PATIENCE_SECONDS:
            raise error
        if not OUTAGE.explains(error):
            _log.warning(
                "rebuild_interrupted", projection=self._projection, error=repr(error)
            )
        self._pool.check()
        self._stop.wait(uniform(0.2, 1.0))  # noqa: S311
