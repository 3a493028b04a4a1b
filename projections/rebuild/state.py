"""The stored state of a rebuild: the running one, or the last one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from projections.engine.projection import ReadModel

RebuildStatus = Literal[
    "building", "comparing", "ready", "refused", "swapped", "cancelled", "failed"
]
# A process works on the rebuild, or died at its work.
RUNNING: frozenset[str] = frozenset({"building", "comparing", "ready"})
# The shadow tables still exist.
UNFINISHED = RUNNING | {"refused", "failed"}

_ROWS = """
SELECT r.name, r.version, r.status, r.position, r.head, h.head, r.events,
       r.working_seconds, r.comparison, r.swap_ms, r.error, r.error_position,
       r.error_event, r.is_cancel_requested, r.is_forced, r.started_by, r.started_at,
       r.updated_at,
       (SELECT count(*) FROM projection_slice s
        WHERE (s.name, s.version) = (r.name, r.version)),
       (SELECT count(*) FROM projection_slice s
        WHERE (s.name, s.version) = (r.name, r.version) AND s.state = 'done'),
       (SELECT s.stage FROM projection_slice s
        WHERE (s.name, s.version) = (r.name, r.version) AND s.state = 'waiting'
        ORDER BY s.stage_number LIMIT 1), r.rule, r.is_dry_run
FROM projection_rebuild r CROSS JOIN (
    SELECT coalesce(max(notification_id), 0) AS head FROM goatherd_events
) h
WHERE (r.head > 0 OR r.status <> 'cancelled')
  AND (%(name)s::text IS NULL OR r.name = %(name)s) ORDER BY r.name
"""


class Rebuild(msgspec.Struct, frozen=True, kw_only=True):
    """A rebuild of a projection.

    ``position`` is that of the shadow tables, ``head`` is the end of the log at the
    beginning of the rebuild, and ``log_end`` is the present end. ``stage`` is the stage
    of the current slices, null if none are left. ``comparison`` is null before the
    comparison. ``swap_ms`` is the time for which the swap locked the tables. ``rule``
    is the rule of the shadow tables, null if there is only one. A dry run is swapped by
    a second request.
    """

    name: str
    version: int
    status: RebuildStatus
    position: int
    head: int
    log_end: int
    events: int
    working_seconds: float
    comparison: msgspec.Raw | None
    swap_ms: float | None
    error: str | None
    error_position: int | None
    error_event: str | None
    is_cancel_requested: bool
    is_forced: bool
    started_by: str
    started_at: datetime
    updated_at: datetime
    slices: int = 0
    slices_done: int = 0
    stage: str | None = None
    rule: str | None = None
    is_dry_run: bool = False

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    @property
    def is_unfinished(self) -> bool:
        """Tell whether its shadow tables still exist."""
        return self.status in UNFINISHED

    @property
    def part_done(self) -> float:
        """Return the share that is done, from 0 to 1."""
        if self.status not in UNFINISHED:
            return 1.0
        if self.slices_done < self.slices:
            return self.slices_done / self.slices
        return min(1.0, self.position / self.log_end) if self.log_end else 1.0

    @property
    def events_per_second(self) -> float | None:
        """Return the number of events that one worker passes in a second of work."""
        return self.events / self.working_seconds if self.working_seconds else None

    @property
    def seconds_left(self) -> float | None:
        """Return the seconds that are left at the average pace; None if unknown."""
        elapsed = (self.updated_at - self.started_at).total_seconds()
        if self.status not in RUNNING or self.part_done == 0:
            return None
        return elapsed * (1 - self.part_done) / self.part_done


def rebuilds(
    connection: Connection[TupleRow], *, name: str | None = None
) -> list[Rebuild]:
    """Return every projection's rebuild, by name, or only one projection's."""
    found: list[Rebuild] = []
    for row in connection.execute(_ROWS, {"name": name}):
        values = dict(zip(Rebuild.__struct_fields__, row, strict=True))
        if (compared := values["comparison"]) is not None:
            values["comparison"] = msgspec.Raw(msgspec.json.encode(compared))
        found.append(Rebuild(**values))
    return found


def rebuild_of(connection: Connection[TupleRow], name: str) -> Rebuild | None:
    """Return a projection's rebuild, None if it never had one."""
    return next(iter(rebuilds(connection, name=name)), None)


def outdated(
    connection: Connection[TupleRow], known: Sequence[ReadModel]
) -> list[ReadModel]:
    """Return the projections whose rows follow older rules than these."""
    stored = dict(connection.execute("SELECT name, version FROM projection").fetchall())
    return [
        each for each in known if stored.get(each.name, each.version) < each.version
    ]


def unfinished(
    connection: Connection[TupleRow], known: Sequence[ReadModel]
) -> list[ReadModel]:
    """Return the projections whose rebuild is running, or was left by a dead process.

    Cancelled, refused and failed rebuilds and dry runs are left out, because the user
    who began one waits for its result.
    """
    running = {
        (r.name, r.version)
        for r in rebuilds(connection)
        if r.is_running and not r.is_dry_run
    }
    return [each for each in known if (each.name, each.version) in running]
