"""Runs the policies about videos in a thread of the dispatcher."""

import threading

import structlog

from infra.eventstore.store import Store
from infra.loop import run_until_stopped
from projections.engine.follower import FencedError, Follower
from workers.policies.known_videos import KnownVideos
from workers.policies.video_policies import do_due

ROUND_SECONDS = 1.0
# One event may have 500 videos.
EVENTS_AT_ONCE = 200
# Every event wakes the policies, and several at the same time wake them once.
PAUSE_SECONDS = 0.02
_FENCED_SECONDS = 5.0

_log = structlog.get_logger()


class VideoPolicies:
    """Follows the log for known videos and does the resulting tasks.

    Any number may run. One follower works at a time, and a repeated task changes
    nothing.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.follower = Follower(KnownVideos(), pool=store.pool, codec=store.codec)
        self._wake_up = threading.Event()

    def wake(self) -> None:
        """Read the log now; called after every append."""
        self._wake_up.set()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; continue after failures of the database."""
        is_registered = False

        def step() -> float:
            nonlocal is_registered
            if not is_registered:
                self.register()
                is_registered = True
            try:
                amount = self.step()
            except FencedError as error:
                _log.warning("projection_fenced", reason=str(error))
                stop.wait(_FENCED_SECONDS)
                return 0
            if amount == 0:
                return ROUND_SECONDS
            return 0 if amount >= EVENTS_AT_ONCE else PAUSE_SECONDS

        run_until_stopped(
            step,
            stop,
            failed="video_policies_failed",
            wake_up=self._wake_up,
            pause=PAUSE_SECONDS,
            pool=self._store.pool,
        )

    def register(self) -> None:
        """Create the checkpoint row if there is none."""
        self.follower.register()

    def step(self) -> int:
        """Apply some events and do some tasks; return the number of both."""
        passed = self.follower.step(EVENTS_AT_ONCE)
        return passed + do_due(self._store)
