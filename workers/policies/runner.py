"""Video policies: the loop that keeps them level with the log, beside the ringing."""

import threading
from random import uniform

import psycopg
import structlog

from infra.eventstore.store import Store
from projections.engine.follower import FencedError, Follower
from workers.policies.known_videos import KnownVideos
from workers.policies.video_policies import do_due

ROUND_SECONDS = 1.0
# One of them may tell of 500 videos.
EVENTS_AT_ONCE = 200
# Every event wakes it, and so do several at once.
PAUSE_SECONDS = 0.02

_log = structlog.get_logger()


class VideoPolicies:
    """Takes in what runs saw and does what follows from it, in a thread of its own.

    Any number may run: the follower shares one checkpoint row, and what is due may be
    done twice without a change. A backlog here delays no bell.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.follower = Follower(KnownVideos(), pool=store.pool, codec=store.codec)
        self._woken = threading.Event()

    def wake(self) -> None:
        """Have a look at the log now; whoever hears of new events says so."""
        self._woken.set()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, through every outage of the database."""
        failures = 0
        registered = False
        while not stop.is_set():
            self._woken.clear()
            try:
                if not registered:
                    self.register()
                    registered = True
                amount = self.step()
                failures = 0
            except FencedError as error:
                _log.warning("projection_fenced", reason=str(error))
                stop.wait(5)
                continue
            except Exception as error:  # noqa: BLE001 - it must outlive any fault
                failures += 1
                _log.warning(
                    "video_policies_failed", error=repr(error), failures=failures
                )
                if isinstance(error, psycopg.OperationalError):
                    # As in Follower.run: the idle connections are cut as well.
                    self._store.pool.check()
                stop.wait(uniform(0.5, 1.5) * min(0.1 * 2**failures, 5))  # noqa: S311
                continue
            if amount < EVENTS_AT_ONCE:
                stop.wait(PAUSE_SECONDS)
            if amount == 0 and not stop.is_set():
                self._woken.wait(ROUND_SECONDS)

    def register(self) -> None:
        """Make the checkpoint row if there is none."""
        self.follower.register()

    def step(self) -> int:
        """Take in some events and do some of what is due; return how many in all."""
        passed = self.follower.step(EVENTS_AT_ONCE)
        return passed + do_due(self._store)
