"""The loop of every background process, which survives failures until it is stopped."""

import threading
from collections.abc import Callable

import psycopg
import structlog

from infra.backoff import Backoff
from infra.database import Pool
from infra.outage import OUTAGE

LONGEST_BACKOFF_SECONDS = 5.0
_FIRST_BACKOFF_SECONDS = 0.2

_log = structlog.get_logger()


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

    An exception is logged as ``failed`` with ``details``, unless an outage explains it,
    and the next call comes after a back-off. If the database connection was lost, the
    connections of ``pool`` are checked, because its idle ones are lost as well.
    """
    failures = 0
    backoff = Backoff(_FIRST_BACKOFF_SECONDS, longest_backoff)
    while not stop.is_set():
        if wake_up is not None:
            wake_up.clear()
        try:
            rest = step()
        except Exception as error:  # noqa: BLE001 - the loop must outlive any fault
            failures += 1
            if not OUTAGE.explains(error, failures=failures):
                _log.warning(failed, **details, error=repr(error), failures=failures)
            if pool is not None and isinstance(error, psycopg.OperationalError):
                pool.check()
            stop.wait(backoff.seconds(failures))
            continue
        failures = 0
        if rest > 0 and not stop.wait(min(pause, rest)):
            (wake_up or stop).wait(max(rest - pause, 0))
