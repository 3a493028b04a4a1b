"""Rebuilding: a read model made from nothing beside the live one, compared, swapped."""

import threading
import time
from collections.abc import Callable
from random import uniform
from typing import TypeVar

import msgspec
import structlog

from infra.eventstore.store import Store
from projections.engine.follower import FencedError
from projections.engine.projection import ReadModel
from projections.rebuild import state
from projections.rebuild.catch_up import (
    OUTAGES,
    RebuildCancelledError,
    RebuildReplacedError,
    RefusedEventError,
)
from projections.rebuild.compare import Comparison
from projections.rebuild.driver import (
    Builder,
    LookAtBoth,
    RowsDifferError,
    StoppedError,
    Watch,
    WorkerFailedError,
)
from projections.rebuild.lock import (
    LOCK_PATIENCE_SECONDS,
    AlreadyRebuildingError,
    rebuild_lock,
)
from projections.rebuild.remote_workers import REMOTE_PARTITIONS, RemoteWorkers
from projections.rebuild.rule_variants import DryRunPendingError, NoDryRunError
from projections.rebuild.shadow_tables import CannotRebuildError
from projections.rebuild.swap import Swapped

# How many connections of its store a rebuild uses at most.
CONNECTIONS = 6
# What can end one without a fault in Goatherd itself.
EXPECTED = (
    AlreadyRebuildingError,
    FencedError,
    CannotRebuildError,
    RefusedEventError,
    RowsDifferError,
    RebuildCancelledError,
    RebuildReplacedError,
    WorkerFailedError,
    DryRunPendingError,
    NoDryRunError,
)
_OUTAGE_SECONDS = 60.0
_TO_SWAP = state.RUNNING | {"failed"}
_Ended = TypeVar("_Ended")

_log = structlog.get_logger()


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """A read model that was rebuilt and swapped in."""

    name: str
    version: int
    position: int
    was_resumed: bool
    comparison: Comparison
    swap: Swapped


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """A read model that was built beside and compared, and waits to be swapped in."""

    name: str
    version: int
    was_resumed: bool
    comparison: Comparison


def rebuild(
    store: Store,
    projection: ReadModel,
    *,
    by: str,
    force: bool = False,
    even_dry_run: bool = False,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
    remote: RemoteWorkers | None = None,
    patience: float = LOCK_PATIENCE_SECONDS,
) -> Rebuilt:
    """Build the read model's tables beside, compare them, and swap them in.

    Resumes what was left unfinished. Outages of the database are waited out for a
    minute. ``watch`` is told now and then how far it is. ``force`` swaps what differs,
    ``even_dry_run`` what a dry run left as well. A ``crew`` is rung for and does the
    slices, if there are any. Another process that does it may be dying, which is
    waited for ``patience`` seconds.
    The store's pool must have ``CONNECTIONS`` to spare.

    Raises:
        AlreadyRebuildingError: another process does it.
        FencedError: a release with newer rules owns the read model.
        CannotBuildBesideError: something hangs on its tables.
        RefusedEventError: an event could not be taken in; the rebuild failed there.
        DifferentError: the same rules gave other rows than the live ones.
        CancelAskedError: somebody cancelled it; all it built is gone.
        SupersededError: a rebuild with other rules began.
        FailedElsewhereError: another worker on its slices noted a failure.
        StoppedError: ``stop`` was set.
        DryRunWaitsError: what a dry run left waits to be swapped or cancelled.
    """
    builder = Builder(store, projection, stop or threading.Event(), watch, remote)
    (comparison, swapped), was_resumed = _driven(
        builder,
        lambda: builder.run(force=force),
        by=by,
        force=force,
        dry_run=False if even_dry_run else None,
        shares=0 if remote is None else REMOTE_PARTITIONS,
        patience=patience,
    )
    return Rebuilt(
        name=projection.name,
        version=projection.version,
        position=swapped.position,
        was_resumed=was_resumed,
        comparison=comparison,
        swap=swapped,
    )


def rehearse(
    store: Store,
    projection: ReadModel,
    *,
    by: str,
    look_at_both: LookAtBoth | None = None,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
) -> Rehearsed:
    """Build and compare as ``rebuild`` does, and leave it to be swapped later.

    ``look_at_both`` may read the live tables and those beside while both are at one
    position. Nothing of the live tables changes.

    Raises:
        Exception: as ``rebuild``.
    """
    builder = Builder(store, projection, stop or threading.Event(), watch, None)
    builder.look_at_both = look_at_both
    comparison, was_resumed = _driven(
        builder, lambda: builder.make_ready(force=False), by=by, dry_run=True
    )
    return Rehearsed(
        name=projection.name,
        version=projection.version,
        was_resumed=was_resumed,
        comparison=comparison,
    )


def swap_dry_run(
    store: Store,
    projection: ReadModel,
    *,
    by: str,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
) -> Rebuilt:
    """Fill up what a dry run left, compare it once more, and swap it in.

    Raises:
        NoDryRunError: there is none, or one of another release.
        Exception: as ``rebuild``.
    """
    with store.pool.connection() as connection:
        left = state.rebuild_of(connection, projection.name)
    if left is None or not left.is_dry_run or left.status not in _TO_SWAP:
        raise NoDryRunError(projection.name)
    if left.version != projection.version:
        raise NoDryRunError(projection.name)
    return rebuild(store, projection, by=by, even_dry_run=True, stop=stop, watch=watch)


def _driven(
    builder: Builder,
    act: Callable[[], _Ended],
    *,
    by: str,
    force: bool = False,
    dry_run: bool | None,
    shares: int = 0,
    patience: float = LOCK_PATIENCE_SECONDS,
) -> tuple[_Ended, bool]:
    """Begin or resume it and act, through outages; also tells whether it resumed."""
    pool, projection = builder.store.pool, builder.projection
    resumed = False
    reached, failing_since = builder.reached, None
    while True:
        try:
            with rebuild_lock(pool, projection.name, patience=patience):
                was_there = state.begin(
                    pool,
                    projection,
                    by=by,
                    force=force,
                    dry_run=dry_run,
                    shares=shares,
                )
                resumed = resumed or was_there
                return _concluded(builder, act), resumed
        except OUTAGES as error:
            now = time.monotonic()
            if builder.reached != reached or failing_since is None:
                reached, failing_since = builder.reached, now
            if now - failing_since > _OUTAGE_SECONDS:
                raise
            _log.warning(
                "rebuild_interrupted", projection=projection.name, error=repr(error)
            )
            pool.check()
            builder.pause(uniform(0.2, 1.0))  # noqa: S311


def cancel(store: Store, projection: ReadModel) -> bool:
    """Give up a rebuild; the live tables know nothing of it. False if there is none.

    Whoever works on it does so within a batch; where nobody does, it is done here.
    """
    if not state.request_cancel(store.pool, projection.name):
        return False
    try:
        with rebuild_lock(store.pool, projection.name, patience=0):
            state.give_up(store.pool, projection)
    except AlreadyRebuildingError:
        pass
    return True


def _concluded(builder: Builder, act: Callable[[], _Ended]) -> _Ended:
    """Work until it is done, and note whatever ends it otherwise."""
    pool, projection = builder.store.pool, builder.projection
    try:
        return act()
    except RebuildCancelledError:
        state.give_up(pool, projection)
        raise
    except (
        *OUTAGES,
        StoppedError,
        RebuildReplacedError,
        RowsDifferError,
        WorkerFailedError,
    ):
        raise
    except RefusedEventError as error:
        state.note_failure(
            pool, projection, error, position=error.position, event=error.event
        )
        raise
    except Exception as error:
        state.note_failure(pool, projection, error)
        raise
