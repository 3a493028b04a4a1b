"""Slices: the parts of a rebuild, from the cut of the log until none is left."""

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.database import Pool
from projections.engine.projection import Sliced
from projections.rebuild.shadow_tables import wait_for_workers

SLICE_EVENTS = 4_000
# Events differ much in size: one may have a creator's 300 videos.
SLICE_BYTES = 4_000_000
PARTITIONS = 4


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


def _first(pool: Pool, query: str, projection: Sliced) -> int:
    with pool.connection() as connection:
        row = connection.execute(
            query.encode(), (projection.name, projection.version), prepare=True
        ).fetchone()
    return row[0] if row else 0
