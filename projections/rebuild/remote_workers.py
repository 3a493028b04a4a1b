"""Remote workers: other processes that work on a rebuild's slices when notified."""

import threading
import time
from collections.abc import Callable

import msgspec
import structlog

from infra.database import Pool
from infra.eventstore.store import Store
from projections.engine.projection import Sliced
from projections.rebuild.errors import OUTAGES, CannotNotifyError
from projections.rebuild.outages import OutagePatience
from projections.rebuild.slice_workers import LEASE_SECONDS, work_on_slices
from projections.rebuild.slices import is_any_left
from projections.rebuild.transitions import note_failure

# With this many, each of some machines has a slice, and another one after it.
REMOTE_PARTITIONS = 32
PATIENCE_SECONDS = 10.0

_IDLE_SECONDS = 0.1
# A worker that has just finished a slice leases the next one soon, or waits for the
# next stage.
_PRESENCE = """
SELECT count(*) FILTER (WHERE state = 'waiting'),
       count(*) FILTER (
           WHERE stage_number = first AND state = 'waiting'
             AND (leased_until IS NULL OR leased_until < clock_timestamp())),
       count(DISTINCT leased_by) FILTER (
           WHERE leased_by <> %s AND (
               leased_until > clock_timestamp()
               OR finished_at > clock_timestamp() - interval '5 s'))
FROM (
    SELECT *, min(stage_number) FILTER (WHERE state = 'waiting') OVER () AS first
    FROM projection_slice WHERE name = %s AND version = %s
) AS slices
"""

# Notifies workers of the rebuild of a projection (its name and version).
Notify = Callable[[str, int], None]

_log = structlog.get_logger()


class Presence(msgspec.Struct, frozen=True):
    """The number of unfinished and of free slices, and of workers on the others."""

    left: int
    free: int
    workers: int


class RemoteWorkers:
    """Remote workers of a rebuild, notified and then watched in the table of slices.

    Nothing depends on a single notification: another is sent as long as slices are
    free. If no worker comes, the driver of the rebuild does the slices itself.
    ``report`` is called with a sentence whenever that changes.
    """

    def __init__(
        self,
        notify: Notify,
        *,
        report: Callable[[str], None],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._notify = notify
        self._report = report
        self._patience = patience_seconds
        self._present_at: float | None = None
        self._workers = 0
        self._is_alone = False

    def are_at_work(self, pool: Pool, projection: Sliced, *, exclude: str) -> bool:
        """Notify workers of free slices.

        The result is False if the caller has to work on slices as well. ``exclude`` is
        the name under which the caller leases slices.
        """
        found = presence(pool, projection, exclude=exclude)
        if not found.left:
            return False
        why = self._why_not_notified(projection) if found.free else None
        if found.workers != self._workers:
            self._workers = found.workers
            are = (
                "1 worker is" if found.workers == 1 else f"{found.workers} workers are"
            )
            self._report(f"{are} at it.")
        now = time.monotonic()
        if found.workers or self._present_at is None:
            self._present_at = now
        if not self._is_alone and not found.workers:
            if why is None and now - self._present_at >= self._patience:
                why = f"no worker came for {self._patience:g} s"
            if why is not None:
                self._is_alone = True
                self._report(f"{why}: this process works on the slices.")
        return not self._is_alone

    def _why_not_notified(self, projection: Sliced) -> str | None:
        """Notify; return the reason if that is not possible."""
        try:
            self._notify(projection.name, projection.version)
        except CannotNotifyError as error:
            return str(error)
        return None


def presence(pool: Pool, projection: Sliced, *, exclude: str) -> Presence:
    """Return the workers on a rebuild's slices, without the one called ``exclude``."""
    values = (exclude, projection.name, projection.version)
    with pool.connection() as connection:
        row = connection.execute(_PRESENCE, values).fetchone()
    return Presence(*(row or (0, 0, 0)))


def help_rebuild(
    store: Store,
    projection: Sliced,
    *,
    by: str,
    stop: threading.Event,
    lease_seconds: float = LEASE_SECONDS,
) -> None:
    """Work on a rebuild's slices until none is left; survive outages up to a minute.

    An error is stored for the driver of the rebuild. ``stop`` ends the work between two
    transactions, and releases the slice.
    """
    outages = OutagePatience(store.pool, projection.name, stop)
    while not stop.is_set():
        try:
            work_on_slices(
                store,
                projection,
                by=by,
                stop=stop,
                check=outages.progressed,
                lease_seconds=lease_seconds,
                idle_seconds=_IDLE_SECONDS,
            )
        except OUTAGES as error:
            outages.wait(error)
            continue
        except Exception as error:  # noqa: BLE001 - the driver has to know
            # If the rebuild was cancelled, for example, its tables are gone; that is no
            # error.
            if is_any_left(store.pool, projection):
                _log.error("slice_failed", projection=projection.name, error=str(error))
                note_failure(store.pool, projection, error)
        return
