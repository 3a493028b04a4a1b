"""Renews leases for as long as a run may take, in one thread for each process."""

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from uuid import UUID

import msgspec
import structlog
from dramatiq.middleware import (
    raise_thread_exception,  # pyright: ignore[reportUnknownVariableType]
)
from dramatiq.middleware.time_limit import TimeLimitExceeded

from domain.events import JobType
from infra.database import Pool
from infra.loop import run_until_stopped
from workers.scraping import jobs
from workers.scraping.jobs import JobLease

# A lease is renewed this many times before it would end.
_RENEWALS = 4
# Seconds that a run may take with one provider, including the wait for its turn at a
# host.
RUN_SECONDS: Mapping[JobType, float] = {
    "creator_profiles": 180,
    "discover_videos": 900,
    "video_stats": 900,
}

_log = structlog.get_logger()


class _HeldLease(msgspec.Struct, frozen=True):
    fence: int
    thread: int
    ends_at: float


class LeaseRenewer:
    """Renews the leases of this process's runs, and interrupts runs that take too long.

    A process that is killed or paused renews nothing, so other workers take over when
    its leases end, even if its runs could take much longer. A run that may ask several
    providers has as many times the time.
    """

    def __init__(self, pool: Pool, *, seconds: int, providers: int = 1) -> None:
        self._pool = pool
        self._providers = providers
        self._seconds = seconds
        self._held: dict[UUID, _HeldLease] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def keeping(self, leased: JobLease) -> Generator[None]:
        """Renew the lease until the block ends; call it in the thread of the run.

        Raises:
            TimeLimitExceeded: the run took too long; it is raised wherever the thread
                is at the time.
        """
        held = _HeldLease(
            fence=leased.fence,
            thread=threading.get_ident(),
            ends_at=time.monotonic() + RUN_SECONDS[leased.job_type] * self._providers,
        )
        with self._lock:
            self._held[leased.scrape_id] = held
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._keep, name="leases", daemon=True
                )
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(leased.scrape_id, None)

    def _keep(self) -> None:
        is_idle = threading.Event()

        def step() -> float:
            time.sleep(self._seconds / _RENEWALS)
            with self._lock:
                if not self._held:
                    # The next run starts a thread again.
                    self._thread = None
                    is_idle.set()
                    return 0
                self._interrupt_overdue()
                fences = {run: held.fence for run, held in self._held.items()}
            self._renew(fences)
            return 0

        run_until_stopped(
            step, is_idle, failed="leases_not_renewed", longest_backoff=0.5
        )

    def _interrupt_overdue(self) -> None:
        now = time.monotonic()
        for run, held in [*self._held.items()]:
            if held.ends_at <= now:
                # Under the lock, so that the thread still works on this run.
                del self._held[run]
                _log.warning("scrape_took_too_long", scrape_id=str(run))
                raise_thread_exception(held.thread, TimeLimitExceeded)

    def _renew(self, fences: dict[UUID, int]) -> None:
        if not fences:
            return
        renewed = jobs.renew(self._pool, fences, seconds=self._seconds)
        with self._lock:
            for run in fences.keys() - renewed:
                # The run has just ended, or another worker has it, with a higher fence.
                lost = self._held.get(run)
                if lost is not None and lost.fence == fences[run]:
                    del self._held[run]
