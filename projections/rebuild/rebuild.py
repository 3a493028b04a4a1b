"""A rebuild, from its beginning to the swap or to any other end."""

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.eventstore.store import Store
from projections.engine.follower import LIVE_BATCH, Follower
from projections.engine.projection import ReadModel, Sliced
from projections.rebuild import transitions
from projections.rebuild.catch_up import CatchUp
from projections.rebuild.compare import Comparison, Inspect, compare
from projections.rebuild.errors import (
    OUTAGES,
    AlreadyRebuildingError,
    NoDryRunError,
    RebuildCancelledError,
    RebuildReplacedError,
    RowsDifferError,
    StoppedError,
    TryAgainError,
    WorkerFailedError,
)
from projections.rebuild.lock import rebuild_lock
from projections.rebuild.outages import OutagePatience
from projections.rebuild.remote_workers import REMOTE_PARTITIONS, RemoteWorkers
from projections.rebuild.slice_workers import (
    collecting_rarely,
    local_workers,
    work_on_slices,
)
from projections.rebuild.slices import PARTITIONS, end_slices, slices_left
from projections.rebuild.state import RUNNING, Rebuild, rebuild_of
from projections.rebuild.swap import Incoming, Swapped, drop_previous, pause, swap
from projections.rebuild.transitions import DEFAULT_OPTIONS, RebuildOptions

# The largest number of connections of its store that a rebuild uses.
CONNECTIONS = 6

# Called with the state of a rebuild after each of its transactions.
Watch = Callable[[Rebuild], None]


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """A read model that was rebuilt; ``swap`` is null after a dry run."""

    name: str
    version: int
    position: int
    was_resumed: bool
    comparison: Comparison
    swap: Swapped | None


def rebuild(
    store: Store,
    projection: ReadModel,
    *,
    by: str,
    options: RebuildOptions = DEFAULT_OPTIONS,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
    inspect: Inspect | None = None,
    remote: RemoteWorkers | None = None,
) -> Rebuilt:
    """Build shadow tables from the log, compare them with the live ones, and swap.

    It resumes an unfinished rebuild, and waits up to a minute in an outage of the
    database. ``inspect`` may read live and shadow tables while both are at one
    position. ``remote`` workers are notified, and work on the slices if any exist. The
    pool of the store must have ``CONNECTIONS`` to spare.

    Raises:
        RebuildError: a subclass names the cause of the stop.
        FencedError: a release with newer rules owns the read model.
        StoppedError: ``stop`` was set.
    """
    driver = _Driver(store, projection, options, stop, watch, inspect, remote)
    partitions = PARTITIONS if remote is None else REMOTE_PARTITIONS
    was_resumed = False
    while True:
        try:
            with rebuild_lock(
                store.pool, projection.name, patience=options.patience_seconds
            ) as lock:
                was_resumed |= transitions.begin(
                    store.pool,
                    projection,
                    by=by,
                    options=options,
                    partitions=partitions,
                )
                comparison, swapped = driver.run(lock)
        except OUTAGES as error:
            driver.outages.wait(error)
        else:
            break
    return Rebuilt(
        name=projection.name,
        version=projection.version,
        position=swapped.position if swapped else comparison.shadow_position,
        was_resumed=was_resumed,
        comparison=comparison,
        swap=swapped,
    )


def swap_dry_run(
    store: Store, projection: ReadModel, *, by: str, watch: Watch | None = None
) -> Rebuilt:
    """Catch up the tables of a dry run, compare them once more, and swap them in.

    Raises:
        NoDryRunError: there is no dry run, or one of another release.
        Exception: the errors of ``rebuild``.
    """
    with store.pool.connection() as connection:
        found = rebuild_of(connection, projection.name)
    can_be_swapped = (
        found is not None
        and found.is_dry_run
        and found.status in RUNNING | {"failed"}
        and found.version == projection.version
    )
    if not can_be_swapped:
        raise NoDryRunError(projection.name)
    options = RebuildOptions(may_swap_dry_run=True)
    return rebuild(store, projection, by=by, options=options, watch=watch)


def cancel(store: Store, projection: ReadModel) -> bool:
    """Cancel a rebuild; return False if there is none.

    The live tables stay as they are. The process that drives the rebuild ends it after
    the current batch. Without such a process, this one ends it.
    """
    if not transitions.request_cancel(store.pool, projection.name):
        return False
    try:
        with rebuild_lock(store.pool, projection.name, patience=0):
            transitions.end_cancelled(store.pool, projection)
    except AlreadyRebuildingError:
        pass
    return True


class _Driver:
    """Drives one rebuild from its stored state to its end."""

    def __init__(
        self,
        store: Store,
        projection: ReadModel,
        options: RebuildOptions,
        stop: threading.Event | None,
        watch: Watch | None,
        inspect: Inspect | None,
        remote: RemoteWorkers | None,
    ) -> None:
        self._store = store
        self._projection = projection
        self._options = options
        self._stop = stop or threading.Event()
        self._watch = watch
        self._inspect = inspect
        self._remote = remote
        self._catch_up = CatchUp(store, projection)
        self._lock: Connection[TupleRow]
        self._reached = (0, 0)
        self.outages = OutagePatience(store.pool, projection.name, self._stop)

    def run(self, lock: Connection[TupleRow]) -> tuple[Comparison, Swapped | None]:
        """Run from the stored state to the swap; a dry run ends before it."""
        self._lock = lock
        with self._failures_noted():
            if isinstance(self._projection, Sliced):
                self._work_on_slices(self._projection)
            self._follow_log()
            comparison = self._compare()
            return comparison, None if self._options.is_dry_run else self._swap()

    @contextmanager
    def _failures_noted(self) -> Generator[None]:
        """Store the error that ends the rebuild, unless the rebuild can continue."""
        try:
            yield
        except RebuildCancelledError:
            transitions.end_cancelled(self._store.pool, self._projection)
            raise
        except (
            *OUTAGES,
            StoppedError,
            RebuildReplacedError,
            RowsDifferError,
            WorkerFailedError,
        ):
            raise
        except Exception as error:
            transitions.note_failure(self._store.pool, self._projection, error)
            raise

    def _work_on_slices(self, projection: Sliced) -> None:
        """Wait until remote workers have done all slices, or do them if none comes."""
        pool, by = self._store.pool, f"rebuild {os.getpid()}"
        while self._remote and self._remote.are_at_work(pool, projection, exclude=by):
            self._check()
            self._stop.wait(0.1)
        with (
            collecting_rarely(),
            local_workers(self._store, projection, by=by) as raise_failure,
        ):

            def check() -> None:
                raise_failure()
                # Remote workers that come later help.
                if self._remote is not None:
                    self._remote.are_at_work(pool, projection, exclude=by)
                self._check()

            check()
            while slices_left(pool, projection):
                work_on_slices(
                    self._store, projection, by=by, stop=self._stop, check=check
                )
                check()
        end_slices(pool, projection)

    def _follow_log(self) -> None:
        """Apply the log until little of it is left."""
        while True:
            _, passed = self._catch_up.step()
            self._check()
            if passed < LIVE_BATCH:
                return

    def _compare(self) -> Comparison:
        store, projection = self._store, self._projection
        transitions.set_status(store.pool, projection, "comparing")
        self._follow_log()
        while True:
            try:
                comparison = compare(store, projection, self._catch_up, self._inspect)
                break
            except TryAgainError:
                # This makes it possible to compare both at one position.
                Follower(projection, pool=store.pool, codec=store.codec).step()
                self._check()
                pause()
        # The rebuild may have been forced meanwhile.
        is_forced = self._options.force or self._check().is_forced
        is_refused = comparison.is_strict and not comparison.is_equal and not is_forced
        status = "refused" if is_refused else "ready"
        transitions.note_comparison(store.pool, projection, comparison, status=status)
        if is_refused:
            msg = f"{projection.name} was not swapped: {comparison.summary()}."
            raise RowsDifferError(msg)
        return comparison

    def _swap(self) -> Swapped:
        store, projection = self._store, self._projection
        drop_previous(store.pool, projection.name)
        swapped = swap(
            store,
            projection,
            Incoming(version=projection.version, catch_up=self._catch_up),
            prepare=self._follow_log,
            finish=lambda cursor: transitions.note_swapped(cursor, projection),
        )
        transitions.note_swap_ms(store.pool, projection, swapped.locked_ms)
        self._state()
        return swapped

    def _check(self) -> Rebuild:
        """Return the state; raise if the rebuild must not continue."""
        state = self._state()
        if state.is_cancel_requested:
            raise RebuildCancelledError(self._projection.name)
        if state.status == "failed":
            raise WorkerFailedError(state.error)
        if self._stop.is_set():
            raise StoppedError(self._projection.name)
        return state

    def _state(self) -> Rebuild:
        """Return the state, and pass it to ``watch``."""
        # An outage ended the lock, even if the pool has new connections since.
        state = rebuild_of(self._lock, self._projection.name)
        if state is None or state.version != self._projection.version:
            raise RebuildReplacedError(self._projection.name)
        if self._reached != (state.position, state.slices_done):
            self._reached = (state.position, state.slices_done)
            self.outages.progressed()
        if self._watch is not None:
            self._watch(state)
        return state
