"""Slices: a rebuild cut up, so that any number can work on it at once."""

import time
from contextlib import suppress
from typing import Literal

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.database import Pool
from infra.eventstore.codec import Codec
from projections.engine.projection import Sliced, codec_for
from projections.rebuild.catch_up import (
    NOT_ITS_FAULT,
    OUTAGES,
    READ,
    find_refused,
    take_in,
)
from projections.rebuild.shadow_tables import next_schema, use_schema, wait_for_workers

SLICE_EVENTS = 4_000
# Events are of very different sizes: one may hold a creator's 300 videos.
SLICE_BYTES = 4_000_000
PARTITIONS = 4
LEASE_SECONDS = 60
GATHER = "gather"

Done = Literal["done", "more", "lost"]

# By events and not by positions: appends that failed have left gaps.
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
# Only of the first stage that has any left. Materialized, or each row it is joined to
# would choose another. A lease that a crash of the server takes back does no harm: what
# is done with it is kept whole or not at all, and the slice says how far it is. Whoever
# waited for the disk would wait for all that other slices have written meanwhile.
_LEASE = """
WITH free AS MATERIALIZED (
    SELECT name, version, stage_number, number FROM projection_slice
    WHERE name = %(name)s AND version = %(version)s AND state = 'waiting'
      AND stage_number = (
          SELECT min(stage_number) FROM projection_slice
          WHERE name = %(name)s AND version = %(version)s AND state = 'waiting')
      AND (leased_until IS NULL OR leased_until < clock_timestamp())
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
# Slices may tell of the same things, and then wait for each other's transactions. What
# a crash of the server takes back of one, it takes back with the slice's position.
_SETTLE_IN = """
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
# What was gathered and merged is what the log says up to the fixed head.
_LEVEL = """
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
    """A leased part of a rebuild: some of the log to gather, or a partition to merge.

    ``fence`` grows with every lease: only the newest one's work is kept.
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
    cursor: Cursor[TupleRow],
    projection: Sliced,
    *,
    head: int,
    events: int = 0,
    partitions: int = 0,
) -> None:
    """Cut the log up to ``head`` and all stages into slices that wait.

    A slice of the log ends after so many events, or so many bytes of them.
    """
    key = {"name": projection.name, "version": projection.version}
    most = {"events": events or SLICE_EVENTS, "bytes": SLICE_BYTES}
    cursor.execute(_CUT, {**key, **most, "head": head})
    if head == 0:
        return
    partitions = partitions or PARTITIONS
    for number, stage in enumerate(projection.stages, 1):
        cursor.execute(
            _PARTITION, (*key.values(), number, stage, partitions, partitions)
        )


def drop_slices(cursor: Cursor[TupleRow], name: str) -> None:
    """Forget the slices of a rebuild that is over, once nobody works on them."""
    wait_for_workers(cursor)
    cursor.execute("DELETE FROM projection_slice WHERE name = %s", (name,))


def lease_slice(
    pool: Pool, projection: Sliced, *, by: str, seconds: float = LEASE_SECONDS
) -> Slice | None:
    """Take the next slice that nobody works on; None if there is none just now.

    Others may still be at the stage's last ones, or the rebuild may be over.
    """
    key = {"name": projection.name, "version": projection.version}
    with pool.connection() as connection:
        row = connection.execute(
            _LEASE, {**key, "by": by, "seconds": seconds}, prepare=True
        ).fetchone()
    if row is None:
        return None
    return Slice(**dict(zip(Slice.__struct_fields__, row, strict=True)))


def release_slice(pool: Pool, leased: Slice) -> None:
    """Give a slice back, for the next who asks."""
    with pool.connection() as connection:
        connection.execute(_RELEASE, (*leased.key, leased.fence))


def slices_left(pool: Pool, projection: Sliced) -> int:
    """Return how many slices are not done yet, whoever works on them."""
    asked = (projection.name, projection.version)
    with pool.connection() as connection:
        row = connection.execute(_LEFT, asked, prepare=True).fetchone()
    return row[0] if row else 0


def level_with_slices(pool: Pool, projection: Sliced) -> None:
    """Put the build's position where its slices end, once all of them are done."""
    with pool.connection() as connection:
        connection.execute(
            _LEVEL, {"name": projection.name, "version": projection.version}
        )


def work_on_one_slice(
    pool: Pool,
    codec: Codec,
    projection: Sliced,
    leased: Slice,
    *,
    seconds: float = LEASE_SECONDS,
) -> Done:
    """Do one transaction of a leased slice, which says in itself how far it is.

    It may answer ``more``: the lease is good for another ``seconds``, and this is to be
    called again. ``lost`` says that another has the lease now, or that the rebuild is
    over: nothing of this was kept.

    Raises:
        RefusedEventError: an event of the slice could not be gathered.
    """
    assert leased.version == projection.version, "leased for these rules"
    codec = codec_for(projection, codec)
    passed_over = codec.names_except(projection.events)
    began = time.monotonic()
    rows: list[TupleRow] = []
    try:
        with (
            pool.connection() as connection,
            connection.transaction(),
            connection.cursor(binary=True) as cursor,
        ):
            cursor.execute(_SETTLE_IN, prepare=True)
            asked = (*leased.key, leased.fence)
            held = cursor.execute(_HOLD, asked, prepare=True).fetchone()
            if held is None:
                return "lost"
            events, amount, reached = 0, 0, None
            if leased.stage_number == 0:
                rows = _read(cursor, passed_over, held[0], leased.last_position)
                use_schema(cursor, next_schema(projection.name))
                take_in(projection.gather, cursor, rows, codec)
                events, reached = len(rows), rows[-1][0] if rows else None
                is_done = reached in {None, leased.last_position}
            else:
                use_schema(cursor, next_schema(projection.name))
                amount, is_done = projection.merge(
                    cursor,
                    leased.stage,
                    partition=leased.number,
                    partitions=leased.partitions or 1,
                )
            spent = time.monotonic() - began
            told = (reached, is_done, seconds, is_done)
            state = "done" if is_done else "waiting"
            done = (state, events, amount, spent, *told, *leased.key)
            cursor.execute(_DONE, done, prepare=True)
            return "done" if is_done else "more"
    except OUTAGES:
        with suppress(*OUTAGES):
            release_slice(pool, leased)
        raise
    except NOT_ITS_FAULT:
        raise
    except Exception as error:
        refused = find_refused(
            projection.name,
            projection.gather,
            rows,
            error,
            pool=pool,
            codec=codec,
            schema=next_schema(projection.name),
        )
        if refused is None:
            raise
        raise refused from error


def _read(
    cursor: Cursor[TupleRow], passed_over: list[str], after: int, last: int | None
) -> list[TupleRow]:
    asked = (passed_over, after, last, SLICE_EVENTS)
    return cursor.execute(READ, asked, prepare=True).fetchall()
