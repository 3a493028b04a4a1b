"""The loop of every background process, which survives failures until it is stopped."""

import threading
from collections.abc import Callable

import psycopg
import structlog

from infra.backoff import Backoff
from infra.database import Pool
from infra.outage import OUTAGE

LONGEST_BACKOFF_SECONDS = 5.0
# The look of a loop that neither a notice nor a due time causes.
SAFETY_SECONDS = 60.0
_FIRST_BACKOFF_SECONDS = 0.2

_log = structlog.get_logger()


class Failures:
    """Failures in a row of work that is tried again, each with a longer pause after it.

    ``failed`` is the log's name of a failure, which has ``details`` too. An outage that
    explains a failure is logged in its place. If the database connection was lost, the
    connections of ``pool`` are checked, because its idle ones are lost as well.
    """

    def __init__(
        self,
        failed: str,
        *,
        longest_backoff: float = LONGEST_BACKOFF_SECONDS,
        pool: Pool | None = None,
        **details: object,
    ) -> None:
        self._failed = failed
        self._backoff = Backoff(_FIRST_BACKOFF_SECONDS, longest_backoff)
        self._pool = pool
        self._details = details
        self._in_a_row = 0

    def note(self, error: Exception) -> float:
        """Note a failure, and return how many seconds to wait before the next try."""
        self._in_a_row += 1
        if not OUTAGE.explains(error, failures=self._in_a_row):
            _log.warning(
                self._failed,
                **self._details,
                error=repr(error),
                failures=self._in_a_row,
            )
        if self._pool is not None and isinstance(error, psycopg.OperationalError):
            self._pool.check()
        return self._backoff.seconds(self._in_a_row)

    def end(self) -> None:
        """Note that the work succeeded."""
        self._in_a_row = 0


def rest_until(due_in: float | None, *, least: float) -> float:
    """Return the seconds to wait for work that falls due in ``due_in`` seconds.

    ``due_in`` is None if no work is planned, and notices end a wait early. Work that is
    due and could not be done is tried again after ``least`` seconds.
    """
    if due_in is None:
        return SAFETY_SECONDS
    return min(max(due_in, least), SAFETY_SECONDS)


def run_until_stopped(
    step: Callable[[], float],
    stop: threading.Event,
    *,
    failed: str,
    wake_up: threading.Event | None = None,
    pause: float = 0.0,
    longest_backoff: float = LONGEST_BACKOFF_SECONDS,
    pool: Pool | None = None,
    **details: object,
) -> None:
    """Call ``step`` again and again until ``stop`` is set.

    ``step`` returns how many seconds to wait before the next call. ``wake_up`` is
    cleared before each call. Setting it ends the wait early, but not within its first
    ``pause`` seconds, so that several wake-ups in a row cost one call. The code that
    sets ``stop`` also sets ``wake_up``, or waits for the end of the current wait.

    An exception is logged as ``failed`` with ``details``, and the next call comes after
    a back-off, as ``Failures`` describes.
    """
    failures = Failures(failed, longest_backoff=longest_backoff, pool=pool, **details)
    while not stop.is_set():
        if wake_up is not None:
            wake_up.clear()
        try:
            rest = step()
        except Exception as error:  # noqa: BLE001 - the loop must outlive any fault
            stop.wait(failures.note(error))
            continue
        failures.end()
        if rest > 0 and not stop.wait(min(pause, rest)):
            (wake_up or stop).wait(max(rest - pause, 0))
