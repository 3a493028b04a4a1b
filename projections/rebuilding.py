"""Rebuilding: a read model made from nothing beside the live one, compared, swapped."""

import threading
import time
from random import uniform

import msgspec
import structlog

from infra.store import Store
from projections import rebuilds
from projections.beside import CannotBuildBesideError
from projections.building import (
    Builder,
    DifferentError,
    FailedElsewhereError,
    StoppedError,
    Watch,
)
from projections.comparing import Comparison
from projections.crew import CREW_SHARES, Crew
from projections.filling import (
    OUTAGES,
    CancelAskedError,
    RefusedFactError,
    SupersededError,
)
from projections.follower import FencedError
from projections.projection import ReadModel
from projections.sole_builder import (
    DYING_BUILDER_SECONDS,
    AlreadyRebuildingError,
    sole_builder,
)
from projections.swapping import Swapped

# How many connections of its store a rebuild uses at most.
CONNECTIONS = 6
# What can end one without a fault in Goatherd itself.
EXPECTED = (
    AlreadyRebuildingError,
    FencedError,
    CannotBuildBesideError,
    RefusedFactError,
    DifferentError,
    CancelAskedError,
    SupersededError,
    FailedElsewhereError,
)
_OUTAGE_SECONDS = 60.0

_log = structlog.get_logger()


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """A read model that was rebuilt and swapped in."""

    name: str
    version: int
    position: int
    was_resumed: bool
    comparison: Comparison
    swap: Swapped


def rebuild(
    store: Store,
    projection: ReadModel,
    *,
    by: str,
    force: bool = False,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
    crew: Crew | None = None,
    patience: float = DYING_BUILDER_SECONDS,
) -> Rebuilt:
    """Build the read model's tables beside, compare them, and swap them in.

    Resumes what was left unfinished. Outages of the database are waited out for a
    minute. ``watch`` is told now and then how far it is. ``force`` swaps what differs.
    A ``crew`` is rung for and does the slices, if there are any. Another process that
    does it may be dying, which is waited for ``patience`` seconds.
    The store's pool must have ``CONNECTIONS`` to spare.

    Raises:
        AlreadyRebuildingError: another process does it.
        FencedError: a release with newer rules owns the read model.
        CannotBuildBesideError: something hangs on its tables.
        RefusedFactError: a fact could not be taken in; the rebuild failed there.
        DifferentError: the same rules gave other rows than the live ones.
        CancelAskedError: somebody cancelled it; all it built is gone.
        SupersededError: a rebuild with other rules began.
        FailedElsewhereError: another worker on its slices noted a failure.
        StoppedError: ``stop`` was set.
    """
    builder = Builder(store, projection, stop or threading.Event(), watch, crew)
    resumed = False
    shares = 0 if crew is None else CREW_SHARES
    reached, failing_since = builder.reached, None
    while True:
        try:
            with sole_builder(store.pool, projection.name, patience=patience):
                was_there = rebuilds.begin(
                    store.pool, projection, by=by, force=force, shares=shares
                )
                resumed = resumed or was_there
                return _concluded(builder, was_resumed=resumed, force=force)
        except OUTAGES as error:
            now = time.monotonic()
            if builder.reached != reached or failing_since is None:
                reached, failing_since = builder.reached, now
            if now - failing_since > _OUTAGE_SECONDS:
                raise
            _log.warning(
                "rebuild_interrupted", projection=projection.name, error=repr(error)
            )
            store.pool.check()
            builder.pause(uniform(0.2, 1.0))  # noqa: S311


def cancel(store: Store, projection: ReadModel) -> bool:
    """Give up a rebuild; the live tables know nothing of it. False if there is none.

    Whoever works on it does so within a batch; where nobody does, it is done here.
    """
    if not rebuilds.ask_to_cancel(store.pool, projection.name):
        return False
    try:
        with sole_builder(store.pool, projection.name, patience=0):
            rebuilds.give_up(store.pool, projection)
    except AlreadyRebuildingError:
        pass
    return True


def _concluded(builder: Builder, *, was_resumed: bool, force: bool) -> Rebuilt:
    """Work until it is swapped, and note whatever ends it otherwise."""
    pool, projection = builder.store.pool, builder.projection
    try:
        comparison, swapped = builder.run(force=force)
    except CancelAskedError:
        rebuilds.give_up(pool, projection)
        raise
    except (
        *OUTAGES,
        StoppedError,
        SupersededError,
        DifferentError,
        FailedElsewhereError,
    ):
        raise
    except RefusedFactError as error:
        rebuilds.note_failure(
            pool, projection, error, position=error.position, fact=error.fact
        )
        raise
    except Exception as error:
        rebuilds.note_failure(pool, projection, error)
        raise
    return Rebuilt(
        name=projection.name,
        version=projection.version,
        position=swapped.position,
        was_resumed=was_resumed,
        comparison=comparison,
        swap=swapped,
    )
