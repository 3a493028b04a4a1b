"""Workers on a rebuild's slices: leases, the loop that all run, and local threads."""

import gc
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Literal

import msgspec
import structlog
from psycopg.rows import TupleRow

from infra.database import Pool
from infra.eventstore.store import Store
from infra.structs import structs
from projections.engine.projection import Sliced
from projections.rebuild import slices
from projections.rebuild.errors import OUTAGES
from projections.rebuild.log_batch import FOREVER, BatchWriter
from projections.rebuild.shadow_tables import next_schema, use_schema
from projections.rebuild.slices import is_any_left

LEASE_SECONDS = 60
# With the driver, these are as many as a machine with two cores needs: some of them
# wait for PostgreSQL.
_LOCAL_WORKERS = 2
# A worker checks for the next stage this often while others finish the current one.
_IDLE_SECONDS = 0.01
# A batch makes thousands of objects and no cycle. By default Python looks for cycles
# after every few hundred objects, which took an eighth of a rebuild's time.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000

_log = structlog.get_logger()

Done = Literal["done", "more", "lost"]

# Only slices of the first unfinished stage are leased. The query is materialized,
# because each joined row would choose another slice otherwise. The commit does not wait
# for the disk, which would take as long as writing the data of all other slices. If a
# crash undoes the lease, nothing is lost: the slice stores its own progress.
_LEASE = """
WITH free AS MATERIALIZED (
    SELECT name, version, stage_number, number FROM projection_slice
    WHERE name = %(name)s AND version = %(version)s AND state = 'waiting'
      AND stage_number = (
          SELECT min(stage_number) FROM projection_slice
          WHERE name = %(name)s AND version = %(version)s AND state = 'waiting')
      AND (leased_until IS NULL OR leased_until < clock_timestamp()
           -- A lease that ends so late is from before the clock was set back.
           OR leased_until > clock_timestamp() + make_interval(secs => %(seconds)s + 5))
      AND EXISTS (
          SELECT FROM projection_rebuild
          WHERE name = %(name)s AND version = %(version)s AND status = 'building'
            AND NOT is_cancel_requested)
    ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE projection_slice AS s
SET fence = nextval('projection_slice_fence'), attempts = attempts + 1,
    leased_by = %(by)s,
    leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM free, set_config('synchronous_commit', 'off', true)
WHERE (s.name, s.version, s.stage_number, s.number)
    = (free.name, free.version, free.stage_number, free.number)
RETURNING s.name, s.version, s.stage_number, s.stage, s.number, s.after_position,
          s.last_position, s.partitions, s.fence
"""
# Slices may write the same rows, and then wait for each other's transactions. If a
# crash undoes work on a slice, it undoes the slice's position as well.
_PATIENTLY = """
SELECT set_config('statement_timeout', '5min', true),
       set_config('lock_timeout', '1min', true),
       set_config('synchronous_commit', 'off', true)
"""
_HOLD = """
SELECT after_position FROM projection_slice
WHERE (name, version, stage_number, number, fence) = (%s, %s, %s, %s, %s)
  AND state = 'waiting' FOR UPDATE
"""
_DONE = """
UPDATE projection_slice SET state = %s, events = events + %s, merged = merged + %s,
    working_seconds = working_seconds + %s,
    after_position = coalesce(%s, after_position), leased_until = CASE WHEN %s THEN NULL
        ELSE clock_timestamp() + make_interval(secs => %s) END,
    finished_at = CASE WHEN %s THEN clock_timestamp() END
WHERE (name, version, stage_number, number) = (%s, %s, %s, %s)
"""
_RELEASE = """
UPDATE projection_slice SET leased_until = NULL
WHERE (name, version, stage_number, number, fence) = (%s, %s, %s, %s, %s)
"""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A leased part of a rebuild: a part of the log to gather, or a partition to merge.

    ``fence`` grows with every lease: only the work of the newest lease is stored.
    """

    name: str
    version: int
    stage_number: int
    stage: str
    number: int
    after_position: int | None
    last_position: int | None
    partitions: int | None
    fence: int

    @property
    def key(self) -> tuple[str, int, int, int]:
        return self.name, self.version, self.stage_number, self.number


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


def lease_slice(
    pool: Pool, projection: Sliced, *, by: str, seconds: float = LEASE_SECONDS
) -> Slice | None:
    """Lease the next free slice; return None if there is none now.

    Others may still work on the last slices of the stage, or the rebuild may be over.
    """
    key = {"name": projection.name, "version": projection.version}
    with pool.connection() as connection:
        row = connection.execute(
            _LEASE, {**key, "by": by, "seconds": seconds}, prepare=True
        ).fetchone()
    return None if row is None else structs(Slice, [row])[0]


def release_slice(pool: Pool, leased: Slice) -> None:
    """Release a slice, so that the next worker can lease it at once."""
    with pool.connection() as connection:
        connection.execute(_RELEASE, (*leased.key, leased.fence))


def work_on_one_slice(
    store: Store, projection: Sliced, leased: Slice, *, seconds: float = LEASE_SECONDS
) -> Done:
    """Do one transaction of a leased slice, which stores its own progress.

    After ``more``, the lease lasts another ``seconds``, and the caller calls again.
    ``lost`` means that another worker has the lease now, or that the rebuild is over;
    then nothing was stored.

    Raises:
        RefusedEventError: an event of the slice could not be gathered.
    """
    assert leased.version == projection.version, "leased for these rules"
    schema = next_schema(projection.name)
    batches = BatchWriter(store, projection, projection.gather, schema=schema)
    began = time.monotonic()
    rows: list[TupleRow] = []
    try:
        with (
            batches.refusal_named(rows),
            store.pool.connection() as connection,
            connection.transaction(),
            connection.cursor(binary=True) as cursor,
        ):
            cursor.execute(_PATIENTLY, prepare=True)
            held = cursor.execute(
                _HOLD, (*leased.key, leased.fence), prepare=True
            ).fetchone()
            if held is None:
                return "lost"
            merged, reached = 0, None
            if leased.stage_number == 0:
                rows += batches.read(
                    cursor,
                    after=held[0],
                    until=leased.last_position or FOREVER,
                    limit=slices.SLICE_EVENTS,
                )
                batches.write(cursor, rows)
                reached = rows[-1][0] if rows else None
                is_done = reached in {None, leased.last_position}
            else:
                use_schema(cursor, schema)
                merged, is_done = projection.merge(
                    cursor,
                    leased.stage,
                    partition=leased.number,
                    partitions=leased.partitions or 1,
                )
            state = "done" if is_done else "waiting"
            spent = time.monotonic() - began
            done = (state, len(rows), merged, spent, reached, is_done, seconds, is_done)
            cursor.execute(_DONE, (*done, *leased.key), prepare=True)
            return "done" if is_done else "more"
    except OUTAGES:
        with suppress(*OUTAGES):
            release_slice(store.pool, leased)
        raise


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
