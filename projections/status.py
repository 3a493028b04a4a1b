"""The status of projections: position, lag, dead letters and rebuilds."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from projections.engine.projection import Projection, Ruled
from projections.rebuild.state import Rebuild, rebuilds
from projections.registry import PROJECTIONS

NEVER_STARTED = "never started"


class ProjectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one projection.

    ``lag_events`` is the number of positions that it lags, 0 when caught up; appends
    that were rolled back leave gaps, so it may be too high. ``lag_seconds`` is the age
    of the first event not yet applied, 0 when caught up. ``heartbeat_seconds`` is the
    time since its follower last reported, null if it never did.
    """

    name: str
    version: int
    position: int
    head: int
    lag_events: int
    lag_seconds: float
    status: str
    heartbeat_seconds: float | None


class ProjectionProgress(ProjectionStatus, frozen=True, kw_only=True):
    """The state of one projection, and its errors.

    ``rebuild`` is the running or the last one. ``rule`` is the current rule of a read
    model that has several.
    """

    dead_letters: int
    error: str | None = None
    rebuild: Rebuild | None = None
    rule: str | None = None


_FIELDS = ProjectionProgress.__struct_fields__[:-2]

# Caught up means that the position equals the head; both are positions of events.
_PROGRESS = """
SELECT p.name, p.version, p.position, h.head, greatest(h.head - p.position, 0),
       coalesce(greatest(extract(epoch FROM clock_timestamp() - (
           SELECT recorded_at FROM goatherd_events
           WHERE notification_id > p.position ORDER BY notification_id LIMIT 1
       )), 0), 0)::float8,
       p.status,
       greatest(extract(epoch FROM clock_timestamp() - p.heartbeat_at), 0)::float8,
       (SELECT count(*) FROM dead_letter d WHERE d.projection = p.name), p.error
FROM projection p CROSS JOIN (
    SELECT coalesce(max(notification_id), 0) AS head FROM goatherd_events
) h
"""
_UNREGISTERED = """
SELECT coalesce(max(notification_id), 0),
       coalesce(extract(epoch FROM clock_timestamp() - (
           SELECT recorded_at FROM goatherd_events ORDER BY notification_id LIMIT 1
       )), 0)::float8
FROM goatherd_events
"""


def progress(
    connection: Connection[TupleRow], known: Sequence[Projection] = PROJECTIONS
) -> list[ProjectionProgress]:
    """Return the state of every projection, by name.

    These are the projections with a checkpoint, and those of ``known`` without one.
    """
    found = {
        row[0]: ProjectionProgress(**dict(zip(_FIELDS, row, strict=True)))
        for row in connection.execute(_PROGRESS)
    }
    for each in rebuilds(connection):
        if each.name in found:
            found[each.name] = replace(found[each.name], rebuild=each)
    for projection in known:
        if projection.name in found and isinstance(projection, Ruled):
            rule = projection.rule_of(connection.cursor())
            found[projection.name] = replace(found[projection.name], rule=rule)
    missing = [projection for projection in known if projection.name not in found]
    if missing:
        row = connection.execute(_UNREGISTERED).fetchone()
        head, seconds = row or (0, 0.0)
        for projection in missing:
            found[projection.name] = ProjectionProgress(
                name=projection.name,
                version=projection.version,
                position=0,
                head=head,
                lag_events=head,
                lag_seconds=seconds,
                status=NEVER_STARTED,
                heartbeat_seconds=None,
                dead_letters=0,
            )
    return [found[name] for name in sorted(found)]
