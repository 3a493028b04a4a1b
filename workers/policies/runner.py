"""Does the tasks of the policies about videos, in a thread of the dispatcher."""

import threading

from infra.eventstore.store import Store
from infra.loop import rest_until, run_until_stopped
from workers.policies import work_queue
from workers.policies.video_policies import do_due

ROUND_SECONDS = 1.0
# Every event wakes the policies, and several at the same time wake them once.
PAUSE_SECONDS = 0.02


class VideoPolicies:
    """Does the tasks that follow from events of known videos.

    Any number may run. A repeated task changes nothing.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake_up = threading.Event()

    def wake(self) -> None:
        """Look for tasks now; called after events were applied."""
        self._wake_up.set()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; continue after failures of the database."""

        def step() -> float:
            if do_due(self._store):
                return PAUSE_SECONDS
            due_in = work_queue.next_due(self._store.pool)
            return rest_until(due_in, least=ROUND_SECONDS)

        run_until_stopped(
            step,
            stop,
            failed="video_policies_failed",
            wake_up=self._wake_up,
            pause=PAUSE_SECONDS,
            pool=self._store.pool,
        )
