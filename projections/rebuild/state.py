"""Rebuilds: the row that says how far each has come, begun, resumed and given up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from infra.database import Pool
from projections.engine.follower import FencedError
from projections.engine.projection import ReadModel, Sliced
from projections.rebuild.rule_variants import DryRunPendingError, begin_under, can_go_on
from projections.rebuild.shadow_tables import (
    create_shadow_tables,
    drop_schema,
    next_schema,
)
from projections.rebuild.slices import cut, drop_slices

Status = Literal[
    "building", "comparing", "ready", "refused", "swapped", "cancelled", "failed"
]
# Which of them somebody works on, or would if it were alive.
RUNNING: frozenset[str] = frozenset({"building", "comparing", "ready"})
# Whose tables beside are still there.
_UNFINISHED = RUNNING | {"refused", "failed"}

_REGISTER = """
INSERT INTO projection (name, version) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
# An insert first, so that there is a row to lock and two cannot begin at once.
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
_ASK_TO_CANCEL = """
UPDATE projection_rebuild SET is_cancel_requested = true, updated_at = clock_timestamp()
WHERE name = %s AND status = ANY(%s)
"""
_CANCELLED = """
UPDATE projection_rebuild SET status = 'cancelled', is_cancel_requested = false,
    updated_at = clock_timestamp()
WHERE name = %s
"""


class Rebuild(msgspec.Struct, frozen=True, kw_only=True):
    """A rebuild of a projection: one that runs, or the last there was.

    ``position`` is how far the tables beside are, ``head`` where the log ended when it
    began, ``log_end`` where it ends now. ``stage`` is what its slices are at, null if
    there are none left. ``comparison`` is null before it was compared. ``swap_ms`` is
    how long the tables were locked and changed places in. ``rule`` is the one it works
    under, null where there is but one. A dry run is not swapped until somebody says so.
    """

    name: str
    version: int
    status: Status
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
        """Whether its tables beside are still there."""
        return self.status in _UNFINISHED

    @property
    def part_done(self) -> float:
        """How much of it is done, from 0 to 1."""
        if self.status not in _UNFINISHED:
            return 1.0
        if self.slices_done < self.slices:
            return self.slices_done / self.slices
        return min(1.0, self.position / self.log_end) if self.log_end else 1.0

    @property
    def events_per_second(self) -> float | None:
        """How many events of the log one builder passed in a second of work."""
        return self.events / self.working_seconds if self.working_seconds else None

    @property
    def seconds_left(self) -> float | None:
        """How long it will take yet at the pace so far; null if that is unknown."""
        elapsed = (self.updated_at - self.started_at).total_seconds()
        if self.status not in RUNNING or self.part_done == 0:
            return None
        return elapsed * (1 - self.part_done) / self.part_done


def begin(
    pool: Pool, projection: ReadModel, *,
    by: str, force: bool = False, dry_run: bool | None = None, is_builder: bool = True,
    shares: int = 0,
) -> bool:  # fmt: skip
    """Begin a rebuild, or resume the one that was left unfinished.

    What was refused is begun anew unless ``force`` lets it be swapped, and what works
    under another rule than the one asked for. A dry run is to wait when it is ready;
    with False what waits is to be swapped. Who is not its builder leaves one that runs
    to whoever is. Returns whether there was one to resume.

    Raises:
        DryRunWaitsError: a dry run waits, and ``dry_run`` does not say what is to be.
        FencedError: a release with newer rules owns the read model.
        CannotBuildBesideError: its tables have what would not be copied.
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
        check_fence(cursor, projection)
        assert row is not None, "just put there"
        their_version, status, rule, is_dry = row
        resumable = _UNFINISHED if force else _UNFINISHED - {"refused"}
        is_same = their_version == version and can_go_on(projection, rule)
        if is_same and status in resumable:
            if is_dry and dry_run is None:
                raise DryRunPendingError(name)
            if is_builder or status not in RUNNING:
                resumed = (force, sorted(RUNNING), bool(dry_run), name)
                cursor.execute(_RESUME, resumed)
            elif force:
                cursor.execute(_FORCE, (name,))
            return True
        create_shadow_tables(cursor, projection.tables, schema=next_schema(name))
        drop_slices(cursor, name)
        cursor.execute("DELETE FROM projection_rebuild WHERE name = %s", (name,))
        rule = begin_under(cursor, projection)
        begun = (name, version, force, by, rule, bool(dry_run))
        row = cursor.execute(_BEGIN, begun).fetchone()
        assert row is not None
        if isinstance(projection, Sliced):
            cut(cursor, projection, head=row[0], partitions=shares)
        return False


def check_fence(cursor: Cursor[TupleRow], projection: ReadModel) -> None:
    """Return if no newer rules than these are in use.

    Raises:
        FencedError: there are.
    """
    row = cursor.execute(
        "SELECT version FROM projection WHERE name = %s", (projection.name,)
    ).fetchone()
    if row is not None and row[0] > projection.version:
        msg = (
            f"{projection.name} is at version {row[0]}, this release has "
            f"{projection.version}."
        )
        raise FencedError(msg)


def rebuilds(
    connection: Connection[TupleRow], *, name: str | None = None
) -> list[Rebuild]:
    """Return the rebuild of every projection that ever had one, or of one, by name."""
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


def request_cancel(pool: Pool, name: str) -> bool:
    """Tell the builder to give up; False if there is nothing to give up."""
    with pool.connection() as connection:
        cursor = connection.execute(_ASK_TO_CANCEL, (name, sorted(_UNFINISHED)))
        return cursor.rowcount > 0


def give_up(pool: Pool, projection: ReadModel) -> None:
    """Remove the tables beside and the slices; the live tables know nothing of it."""
    name = projection.name
    with (
        pool.connection() as connection,
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        row = cursor.execute(_LOCK, (name,)).fetchone()
        if row is None or row[1] not in _UNFINISHED:
            return
        # Slices first: who works on one holds its row, and some of the tables.
        drop_slices(cursor, name)
        drop_schema(cursor, next_schema(name))
        cursor.execute(_CANCELLED, (name,))


def set_status(pool: Pool, projection: ReadModel, status: Status) -> None:
    with pool.connection() as connection:
        connection.execute(_SET_STATUS, (status, projection.name, projection.version))


def note_failure(
    pool: Pool,
    projection: ReadModel,
    error: Exception,
    *,
    position: int | None = None,
    event: str | None = None,
) -> None:
    """Note what stopped it; the same release may resume it, from where it was."""
    noted = (str(error) or repr(error), position, event)
    with pool.connection() as connection:
        connection.execute(_FAIL, (*noted, projection.name, projection.version))


def note_comparison(
    pool: Pool, projection: ReadModel, comparison: msgspec.Struct, *, status: Status
) -> None:
    """Note what was compared, and what comes of it."""
    document = msgspec.json.encode(comparison).decode()
    with pool.connection() as connection:
        connection.execute(
            _COMPARED, (status, document, projection.name, projection.version)
        )


def outdated(
    connection: Connection[TupleRow], known: Sequence[ReadModel]
) -> list[ReadModel]:
    """Return those whose rows are of older rules than these."""
    stored = dict(connection.execute("SELECT name, version FROM projection").fetchall())
    return [
        each for each in known if stored.get(each.name, each.version) < each.version
    ]


def unfinished(
    connection: Connection[TupleRow], known: Sequence[ReadModel]
) -> list[ReadModel]:
    """Return those whose rebuild runs, or would if its builder had not died.

    What was cancelled or refused, and what failed, is not among them, nor are dry runs:
    somebody waits for what they say.
    """
    running = {
        (r.name, r.version)
        for r in rebuilds(connection)
        if r.is_running and not r.is_dry_run
    }
    return [each for each in known if (each.name, each.version) in running]
