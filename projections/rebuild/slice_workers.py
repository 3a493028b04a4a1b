"""Workers on a rebuild's slices: the loop that all run, and threads that run it."""

import gc
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import structlog

from infra.eventstore.store import Store
from projections.engine.projection import Sliced
from projections.rebuild.errors import OUTAGES
from projections.rebuild.slices import (
    LEASE_SECONDS,
    Done,
    Slice,
    is_any_left,
    lease_slice,
    release_slice,
    work_on_one_slice,
)

# With the driver, these are as many as a machine with two cores needs: some of them
# wait for PostgreSQL.
_LOCAL_WORKERS = 2
# A worker checks for the next stage this often while others finish the current one.
_IDLE_SECONDS = 0.01
# A batch makes thousands of objects and no cycle. By default Python looks for cycles
# after every few hundred objects, which took an eighth of a rebuild's time.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000

_log = structlog.get_logger()


def _go_on() -> None:
    pass


def work_on_slices(
    store: Store,
    projection: Sliced,
    *,
    by: str,
    stop: threading.Event,
    check: Callable[[], None] = _go_on,
    lease_seconds: float = LEASE_SECONDS,
    idle_seconds: float = _IDLE_SECONDS,
) -> None:
    """Work on one slice after the other until none is left or ``stop`` is set.

    The worker waits while others work on the last slices of a stage. ``check`` is
    called after each transaction, and stops the work by raising. An unfinished slice is
    released.
    """
    while not stop.is_set():
        leased = lease_slice(store.pool, projection, by=by, seconds=lease_seconds)
        if leased is not None:
            _work_on(
                store, projection, leased, stop=stop, check=check, seconds=lease_seconds
            )
        elif is_any_left(store.pool, projection):
            check()
            stop.wait(idle_seconds)
        else:
            return


def _work_on(
    store: Store,
    projection: Sliced,
    leased: Slice,
    *,
    stop: threading.Event,
    check: Callable[[], None],
    seconds: float,
) -> None:
    done: Done = "more"
    try:
        while done == "more" and not stop.is_set():
            done = work_on_one_slice(store, projection, leased, seconds=seconds)
            check()
    finally:
        # Otherwise the next worker would wait until the lease ends.
        if done == "more":
            with suppress(*OUTAGES):
                release_slice(store.pool, leased)
    if done == "lost":
        _log.warning("slice_lost", stage=leased.stage, number=leased.number)


@contextmanager
def local_workers(
    store: Store, projection: Sliced, *, by: str
) -> Generator[Callable[[], None]]:
    """Run threads of this process that work on slices until the block ends.

    Each thread needs a connection of the pool. The yielded function raises the error of
    a thread, if one failed.
    """
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            work_on_slices(store, projection, by=by, stop=stop)
        except BaseException as error:  # noqa: BLE001 - raised by whoever asks
            failures.append(error)

    def raise_failure() -> None:
        if failures:
            raise failures[0]

    threads = [
        threading.Thread(target=work, name=by, daemon=True)
        for _ in range(_LOCAL_WORKERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield raise_failure
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def collecting_rarely() -> Generator[None]:
    """Let Python look for cycles less often until the block ends."""
    before = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
