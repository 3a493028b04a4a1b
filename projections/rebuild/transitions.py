"""The transitions of a rebuild's state.

A rebuild that succeeds goes from building to comparing, ready and swapped. A comparison
may end as refused, and an error ends as failed. Both can be resumed, which makes them
building again. Until it is swapped, a rebuild can be cancelled.
"""

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.database import Pool
from projections.engine.follower import FencedError
from projections.engine.projection import ReadModel, Sliced
from projections.rebuild.errors import (
    DryRunPendingError,
    RebuildCancelledError,
    RebuildReplacedError,
    RefusedEventError,
)
from projections.rebuild.lock import LOCK_PATIENCE_SECONDS
from projections.rebuild.shadow_tables import (
    begin_under,
    can_go_on,
    create_shadow_tables,
    drop_schema,
    next_schema,
)
from projections.rebuild.slices import PARTITIONS, cut, drop_slices
from projections.rebuild.state import RUNNING, UNFINISHED, RebuildStatus

_REGISTER = """
INSERT INTO projection (name, version) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
# An insert comes first, so that there is a row to lock and two cannot begin at once.
_TOUCH = """
INSERT INTO projection_rebuild (name, version, status, head, started_by)
VALUES (%s, %s, 'cancelled', 0, %s) ON CONFLICT (name) DO NOTHING
"""
_LOCK = """
SELECT version, status, rule, is_dry_run FROM projection_rebuild
WHERE name = %s FOR UPDATE
"""
_RESUME = """
UPDATE projection_rebuild SET status = 'building', error = NULL, error_event = NULL,
    is_forced = is_forced OR %s, error_position = NULL, updated_at = clock_timestamp(),
    is_cancel_requested = is_cancel_requested AND status = ANY(%s),
    is_dry_run = %s
WHERE name = %s
"""
_FORCE = "UPDATE projection_rebuild SET is_forced = true WHERE name = %s"
_BEGIN = """
INSERT INTO projection_rebuild
    (name, version, status, head, is_forced, started_by, rule, is_dry_run)
VALUES (%s, %s, 'building',
        (SELECT coalesce(max(notification_id), 0) FROM goatherd_events), %s, %s, %s, %s)
RETURNING head
"""
_SET_STATUS = """
UPDATE projection_rebuild SET status = %s, updated_at = clock_timestamp()
WHERE name = %s AND version = %s
"""
_FAIL = """
UPDATE projection_rebuild SET status = 'failed', error = %s, error_position = %s,
    error_event = %s, updated_at = clock_timestamp()
WHERE name = %s AND version = %s
"""
_COMPARED = """
UPDATE projection_rebuild SET status = %s, comparison = %s,
    updated_at = clock_timestamp()
WHERE name = %s AND version = %s
"""
_REQUEST_CANCEL = """
UPDATE projection_rebuild SET is_cancel_requested = true, updated_at = clock_timestamp()
WHERE name = %s AND status = ANY(%s)
"""
_CANCELLED = """
UPDATE projection_rebuild SET status = 'cancelled', is_cancel_requested = false,
    updated_at = clock_timestamp()
WHERE name = %s
"""
_LOCK_READY = """
SELECT version, status, is_cancel_requested FROM projection_rebuild
WHERE name = %s FOR UPDATE
"""
_SWAPPED = """
UPDATE projection_rebuild SET status = 'swapped', updated_at = clock_timestamp()
WHERE name = %s AND version = %s
"""
_SWAP_MS = "UPDATE projection_rebuild SET swap_ms = %s WHERE name = %s AND version = %s"


class RebuildOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a rebuild.

    ``force`` swaps even if the same rules gave other rows than the live ones.
    ``is_dry_run`` builds and compares only. ``may_swap_dry_run`` continues the tables
    of a dry run, for which a rebuild is refused otherwise. ``patience_seconds`` is the
    time to wait for another process that drives the rebuild and may be dying.
    """

    force: bool = False
    is_dry_run: bool = False
    may_swap_dry_run: bool = False
    patience_seconds: float = LOCK_PATIENCE_SECONDS


DEFAULT_OPTIONS = RebuildOptions()


def begin(
    pool: Pool,
    projection: ReadModel,
    *,
    by: str,
    options: RebuildOptions = DEFAULT_OPTIONS,
    partitions: int = PARTITIONS,
    is_driver: bool = True,
) -> bool:
    """Begin a rebuild, or resume an unfinished one; return whether it resumed one.

    A refused rebuild begins anew unless it is forced, and so does one with another rule
    than the requested one. With ``is_driver=False``, a running rebuild stays as it is.
    A stage is divided into ``partitions`` parts.

    Raises:
        DryRunPendingError: a dry run waits, and the options do not say what to do.
        FencedError: a release with newer rules owns the read model.
        CannotRebuildError: its tables have something that would not be copied.
    """
    name, version = projection.name, projection.version
    with (
        pool.connection() as connection,
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        cursor.execute(_REGISTER, (name, version))
        cursor.execute(_TOUCH, (name, version, by))
        row = cursor.execute(_LOCK, (name,)).fetchone()
        _check_fence(cursor, projection)
        assert row is not None, "just put there"
        stored_version, status, rule, was_dry_run = row
        resumable = UNFINISHED if options.force else UNFINISHED - {"refused"}
        is_same = stored_version == version and can_go_on(projection, rule)
        if is_same and status in resumable:
            if was_dry_run and not (options.is_dry_run or options.may_swap_dry_run):
                raise DryRunPendingError(name)
            if is_driver or status not in RUNNING:
                resumed = (options.force, sorted(RUNNING), options.is_dry_run, name)
                cursor.execute(_RESUME, resumed)
            elif options.force:
                cursor.execute(_FORCE, (name,))
            return True
        create_shadow_tables(cursor, projection.tables, schema=next_schema(name))
        drop_slices(cursor, name)
        cursor.execute("DELETE FROM projection_rebuild WHERE name = %s", (name,))
        rule = begin_under(cursor, projection)
        begun = (name, version, options.force, by, rule, options.is_dry_run)
        row = cursor.execute(_BEGIN, begun).fetchone()
        assert row is not None
        if isinstance(projection, Sliced):
            cut(cursor, projection, head=row[0], partitions=partitions)
        return False


def _check_fence(cursor: Cursor[TupleRow], projection: ReadModel) -> None:
    row = cursor.execute(
        "SELECT version FROM projection WHERE name = %s", (projection.name,)
    ).fetchone()
    if row is not None and row[0] > projection.version:
        msg = (
            f"{projection.name} is at version {row[0]}, this release has "
            f"{projection.version}."
        )
        raise FencedError(msg)


def set_status(pool: Pool, projection: ReadModel, status: RebuildStatus) -> None:
    with pool.connection() as connection:
        connection.execute(_SET_STATUS, (status, projection.name, projection.version))


def note_comparison(
    pool: Pool,
    projection: ReadModel,
    comparison: msgspec.Struct,
    *,
    status: RebuildStatus,
) -> None:
    document = msgspec.json.encode(comparison).decode()
    with pool.connection() as connection:
        connection.execute(
            _COMPARED, (status, document, projection.name, projection.version)
        )


def note_swapped(cursor: Cursor[TupleRow], projection: ReadModel) -> None:
    """Mark the rebuild as swapped, in the transaction of its swap.

    Raises:
        RebuildReplacedError, RebuildCancelledError: it must not be swapped any more.
    """
    name, version = projection.name, projection.version
    row = cursor.execute(_LOCK_READY, (name,)).fetchone()
    if row is None or row[:2] != (version, "ready"):
        raise RebuildReplacedError(name)
    if row[2]:
        raise RebuildCancelledError(name)
    cursor.execute(_SWAPPED, (name, version))
    cursor.execute("DELETE FROM projection_slice WHERE name = %s", (name,))


def note_swap_ms(pool: Pool, projection: ReadModel, milliseconds: float) -> None:
    with pool.connection() as connection:
        connection.execute(
            _SWAP_MS, (milliseconds, projection.name, projection.version)
        )


def note_failure(pool: Pool, projection: ReadModel, error: Exception) -> None:
    """Store the error that stopped the rebuild, which the same release may resume."""
    position = event = None
    if isinstance(error, RefusedEventError):
        position, event = error.position, error.event
    noted = (str(error) or repr(error), position, event)
    with pool.connection() as connection:
        connection.execute(_FAIL, (*noted, projection.name, projection.version))


def request_cancel(pool: Pool, name: str) -> bool:
    """Request the end of the rebuild from its driver; return False if there is none."""
    with pool.connection() as connection:
        cursor = connection.execute(_REQUEST_CANCEL, (name, sorted(UNFINISHED)))
        return cursor.rowcount > 0


def end_cancelled(pool: Pool, projection: ReadModel) -> None:
    """Drop the shadow tables and the slices of a rebuild that is to be cancelled."""
    name = projection.name
    with (
        pool.connection() as connection,
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        row = cursor.execute(_LOCK, (name,)).fetchone()
        if row is None or row[1] not in UNFINISHED:
            return
        # Slices come first, because a worker has locks on its slice's row and on some
        # tables.
        drop_slices(cursor, name)
        drop_schema(cursor, next_schema(name))
        cursor.execute(_CANCELLED, (name,))
