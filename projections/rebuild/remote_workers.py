"""The crew: workers elsewhere that do a rebuild's slices, and who rings for them."""

import threading
import time
from collections.abc import Callable
from random import uniform

import msgspec
import structlog

from infra.database import Pool
from infra.eventstore.store import Store
from projections.engine.projection import Sliced
from projections.rebuild.catch_up import OUTAGES, RefusedEventError
from projections.rebuild.slices import (
    LEASE_SECONDS,
    lease_slice,
    release_slice,
    work_on_one_slice,
)
from projections.rebuild.state import note_failure

# Enough for some machines to have one each, and the next one when they are done.
REMOTE_PARTITIONS = 32
PATIENCE_SECONDS = 10.0

_LOOK_AGAIN_SECONDS = 0.1
_OUTAGE_SECONDS = 60.0
# Who has just ended one slice is about to lease the next, or waits for the next stage.
_ATTENDANCE = """
SELECT count(*) FILTER (
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
_ANYTHING_LEFT = """
SELECT EXISTS (
    SELECT FROM projection_slice s JOIN projection_rebuild r USING (name, version)
    WHERE name = %s AND version = %s AND r.status = 'building'
      AND NOT r.is_cancel_requested AND s.state = 'waiting')
"""

# Lets somebody know of the rebuild of a projection (its name and version).
Notify = Callable[[str, int], None]

_log = structlog.get_logger()


class CannotNotifyError(Exception):
    """The bell cannot be reached just now; the message says why."""


class Attendance(msgspec.Struct, frozen=True):
    """How many slices nobody has just now, and how many workers are at the others."""

    free: int
    workers: int


class RemoteWorkers:
    """Workers of a rebuild who are rung for, and watched in the table of slices.

    Nothing depends on the bell: it is rung again while there is something to do, and
    where nobody comes the slices are done by whoever drives the rebuild.
    ``say`` is told, in a sentence, when that changes.
    """

    def __init__(
        self,
        notify: Notify,
        *,
        report: Callable[[str], None],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._ring = notify
        self._say = report
        self._patience = patience_seconds
        self._seen_at: float | None = None
        self._workers = 0
        self._is_alone = False

    def are_at_work(self, pool: Pool, projection: Sliced, *, exclude: str) -> bool:
        """Ring for what nobody has; False once it is to be worked on here as well.

        ``but`` is the name that the caller leases under.
        """
        seen = attendance(pool, projection, but=exclude)
        why = self._rung(projection) if seen.free else None
        if seen.workers != self._workers:
            self._workers = seen.workers
            are = "1 worker is" if seen.workers == 1 else f"{seen.workers} workers are"
            self._say(f"{are} at it.")
        now = time.monotonic()
        if seen.workers or self._seen_at is None:
            self._seen_at = now
        if not self._is_alone and not seen.workers:
            if why is None and now - self._seen_at >= self._patience:
                why = f"no worker came for {self._patience:g} s"
            if why is not None:
                self._is_alone = True
                self._say(f"{why}: this process works on the slices.")
        return not self._is_alone

    def _rung(self, projection: Sliced) -> str | None:
        """Ring; returns why nobody can hear it, if so."""
        try:
            self._ring(projection.name, projection.version)
        except CannotNotifyError as error:
            return str(error)
        return None


def attendance(pool: Pool, projection: Sliced, *, but: str = "") -> Attendance:
    """Return who is at a rebuild's slices, the one called ``but`` left out."""
    asked = (but, projection.name, projection.version)
    with pool.connection() as connection:
        row = connection.execute(_ATTENDANCE, asked).fetchone()
    return Attendance(*(row or (0, 0)))


def work_on_slices(
    store: Store,
    projection: Sliced,
    *,
    by: str,
    stop: threading.Event,
    seconds: float = LEASE_SECONDS,
) -> None:
    """Work on a rebuild's slices until none is left.

    Waits where others are at the last ones of a stage, and through outages of a minute.
    A failure is noted for whoever drives the rebuild. ``stop`` ends it between two
    transactions, and gives the slice back.
    """
    failing_since = None
    while not stop.is_set():
        try:
            if not _work_on_next(store, projection, by=by, stop=stop, seconds=seconds):
                if not _is_anything_left(store.pool, projection):
                    return
                stop.wait(_LOOK_AGAIN_SECONDS)
            failing_since = None
        except OUTAGES as error:
            now = time.monotonic()
            failing_since = failing_since or now
            if now - failing_since > _OUTAGE_SECONDS:
                raise
            _log.warning("slice_interrupted", error=repr(error))
            store.pool.check()
            stop.wait(uniform(0.2, 1.0))  # noqa: S311
        except Exception as error:  # noqa: BLE001 - whoever drives it has to know
            _note(store.pool, projection, error)
            return


def _work_on_next(
    store: Store,
    projection: Sliced,
    *,
    by: str,
    stop: threading.Event,
    seconds: float,
) -> bool:
    """Lease a slice and work on it to its end; False if there is none just now."""
    leased = lease_slice(store.pool, projection, by=by, seconds=seconds)
    if leased is None:
        return False
    while not stop.is_set():
        done = work_on_one_slice(
            store.pool, store.codec, projection, leased, seconds=seconds
        )
        if done == "lost":
            _log.warning("slice_lost", stage=leased.stage, number=leased.number)
        if done != "more":
            return True
    release_slice(store.pool, leased)
    return True


def _is_anything_left(pool: Pool, projection: Sliced) -> bool:
    asked = (projection.name, projection.version)
    with pool.connection() as connection:
        row = connection.execute(_ANYTHING_LEFT, asked).fetchone()
    return bool(row and row[0])


def _note(pool: Pool, projection: Sliced, error: Exception) -> None:
    if not _is_anything_left(pool, projection):
        # It was cancelled, say, and its tables are gone: that is no failure.
        return
    _log.error("slice_failed", projection=projection.name, error=str(error))
    if isinstance(error, RefusedEventError):
        note_failure(
            pool, projection, error, position=error.position, event=error.event
        )
    else:
        note_failure(pool, projection, error)
