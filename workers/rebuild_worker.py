"""Works on slices of a rebuild, in one thread of a worker process."""

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import closing

import redis
import structlog
from dramatiq import Broker, Middleware, actor
from dramatiq.errors import BrokerConnectionError

from infra.eventstore.store import open_store
from infra.settings import Settings
from projections.engine.projection import ReadModel, Sliced
from projections.rebuild.errors import CannotNotifyError
from projections.rebuild.remote_workers import Notify, help_rebuild
from projections.registry import PROJECTIONS
from workers.broker import (
    REBUILD_ACTOR,
    REBUILDS_QUEUE,
    SENDING_PATIENCE_SECONDS,
    connect_broker,
    enqueue_rebuild,
)
from workers.scraping import jobs

# If a transaction of a slice takes longer, another worker does it again.
_SHUTDOWN_SECONDS = 5.0
# This message precedes the scrapes that the process has fetched. It takes no time, and
# a process that is never idle could not be notified otherwise.
_PRIORITY = -1

_log = structlog.get_logger()


class SliceWorker:
    """Works on slices in a thread with its own connections.

    A scrape therefore waits neither for a thread nor for a connection, and a process
    has at most one slice at a time.
    """

    def __init__(
        self,
        url: str,
        settings: Settings,
        *,
        lease_seconds: float = jobs.LEASE_SECONDS,
        known: Sequence[ReadModel] = PROJECTIONS,
    ) -> None:
        self._url = url
        self._settings = settings
        self._seconds = lease_seconds
        self._known = {
            (each.name, each.version): each
            for each in known
            if isinstance(each, Sliced)
        }
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self, name: str, version: int) -> None:
        """Start the thread unless it is working already.

        Rules that this release does not have are left to other workers.
        """
        projection = self._known.get((name, version))
        if projection is None:
            _log.info("slices_of_other_rules", projection=name, version=version)
            return
        with self._lock:
            is_at_it = self._thread is not None and self._thread.is_alive()
            if is_at_it or self._stop.is_set():
                return
            self._thread = threading.Thread(
                target=self._work, args=(projection,), name="slices", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop after the current transaction, and release its slice."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is not None:
            thread.join(_SHUTDOWN_SECONDS)

    def _work(self, projection: Sliced) -> None:
        by = f"{socket.gethostname()} {os.getpid()}"
        log = _log.bind(projection=projection.name, by=by)
        log.info("slices_begun")
        try:
            store = open_store(self._url, pool_size=1, settings=self._settings)
            with closing(store.pool):
                help_rebuild(
                    store,
                    projection,
                    by=by,
                    stop=self._stop,
                    lease_seconds=self._seconds,
                )
        except Exception as error:  # noqa: BLE001 - the next message tries again
            log.warning("slices_left", error=repr(error))
        else:
            log.info("slices_ended")


def declare_rebuild_actor(broker: Broker, slice_worker: SliceWorker) -> None:
    """Wake the slice worker for each message, and stop it with the process."""
    broker.add_middleware(_EndWithWorker(slice_worker))

    @actor(
        broker=broker,
        actor_name=REBUILD_ACTOR,
        queue_name=REBUILDS_QUEUE,
        priority=_PRIORITY,
    )
    def _(name: str, version: int) -> None:
        slice_worker.wake(name, version)


def rebuild_notifier(url: str) -> Notify:
    """Return a notifier over the Redis at ``url``; it sends nothing yet."""
    broker = connect_broker(url, patience_seconds=SENDING_PATIENCE_SECONDS)

    def notify(name: str, version: int) -> None:
        try:
            enqueue_rebuild(broker, name, version)
        except (redis.RedisError, BrokerConnectionError) as error:
            msg = f"Redis cannot be reached ({error})"
            raise CannotNotifyError(msg) from error

    return notify


class _EndWithWorker(Middleware):
    def __init__(self, slice_worker: SliceWorker) -> None:
        self._slice_worker = slice_worker

    def before_worker_shutdown(self, broker: Broker, worker: object) -> None:
        del broker, worker
        self._slice_worker.stop()
