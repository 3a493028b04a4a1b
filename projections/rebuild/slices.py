"""Slices: the parts of a rebuild, which any number of workers can do in parallel."""

import time
from contextlib import suppress
from typing import Literal

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.database import Pool
from infra.eventstore.store import Store
from infra.structs import structs
from projections.engine.projection import Sliced
from projections.rebuild.errors import OUTAGES
from projections.rebuild.log_batch import FOREVER, BatchWriter
from projections.rebuild.shadow_tables import next_schema, use_schema, wait_for_workers

SLICE_EVENTS = 4_000
# Events differ much in size: one may have a creator's 300 videos.
SLICE_BYTES = 4_000_000
PARTITIONS = 4
LEASE_SECONDS = 60

Done = Literal["done", "more", "lost"]

# Slices are cut by events and not by positions, because failed appends left gaps.
_CUT = """
INSERT INTO projection_slice
    (name, version, stage_number, stage, number, after_position, last_position)
SELECT %(name)s, %(version)s, 0, 'gather', number,
       lag(last, 1, 0::bigint) OVER (ORDER BY number), last
FROM (
    SELECT (nth - 1) / %(events)s + ((bytes - size) / %(bytes)s)::int AS number,
           max(notification_id) AS last
    FROM (
        SELECT notification_id, octet_length(state) AS size,
               row_number() OVER in_order AS nth,
               sum(octet_length(state)) OVER in_order AS bytes
        FROM goatherd_events WHERE notification_id <= %(head)s
        WINDOW in_order AS (ORDER BY notification_id)
    ) AS numbered GROUP BY 1
) AS slices
"""
_PARTITION = """
INSERT INTO projection_slice
    (name, version, stage_number, stage, number, partitions)
SELECT %s, %s, %s, %s, partition, %s FROM generate_series(0, %s - 1) AS partition
"""
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
_LEFT = """
SELECT count(*) FROM projection_slice
WHERE name = %s AND version = %s AND state = 'waiting'
"""
_IS_ANY_LEFT = """
SELECT EXISTS (
    SELECT FROM projection_slice s JOIN projection_rebuild r USING (name, version)
    WHERE name = %s AND version = %s AND r.status = 'building'
      AND NOT r.is_cancel_requested AND s.state = 'waiting')
"""
# The gathered and merged rows are those of the log up to the fixed head.
_END = """
UPDATE projection_rebuild AS r SET position = head, updated_at = clock_timestamp(),
    events = r.events + s.events, working_seconds = r.working_seconds + s.seconds
FROM (
    SELECT coalesce(sum(events), 0) AS events,
           coalesce(sum(working_seconds), 0) AS seconds,
           count(*) AS slices, count(*) FILTER (WHERE state = 'waiting') AS waiting
    FROM projection_slice WHERE name = %(name)s AND version = %(version)s
) AS s
WHERE r.name = %(name)s AND r.version = %(version)s AND r.position = 0
  AND s.slices > 0 AND s.waiting = 0
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


def cut(
    cursor: Cursor[TupleRow], projection: Sliced, *, head: int, partitions: int
) -> None:
    """Divide the log up to ``head`` and all stages into waiting slices.

    A slice of the log ends after a number of events or of bytes.
    """
    key = {"name": projection.name, "version": projection.version}
    most = {"events": SLICE_EVENTS, "bytes": SLICE_BYTES}
    cursor.execute(_CUT, {**key, **most, "head": head})
    if head == 0:
        return
    for number, stage in enumerate(projection.stages, 1):
        cursor.execute(
            _PARTITION, (*key.values(), number, stage, partitions, partitions)
        )


def drop_slices(cursor: Cursor[TupleRow], name: str) -> None:
    """Delete the slices of a rebuild that is over, once no worker works on them."""
    wait_for_workers(cursor)
    cursor.execute("DELETE FROM projection_slice WHERE name = %s", (name,))


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


def slices_left(pool: Pool, projection: Sliced) -> int:
    """Return the number of unfinished slices, leased ones included."""
    return _first(pool, _LEFT, projection)


def is_any_left(pool: Pool, projection: Sliced) -> bool:
    """Return whether slices are left and the rebuild is not over."""
    return bool(_first(pool, _IS_ANY_LEFT, projection))


def end_slices(pool: Pool, projection: Sliced) -> None:
    """Set the rebuild's position to the end of its slices, once all are done."""
    with pool.connection() as connection:
        connection.execute(
            _END, {"name": projection.name, "version": projection.version}
        )


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
                    limit=SLICE_EVENTS,
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


def _first(pool: Pool, query: str, projection: Sliced) -> int:
    with pool.connection() as connection:
        row = connection.execute(
            query.encode(), (projection.name, projection.version), prepare=True
        ).fetchone()
    return row[0] if row else 0
