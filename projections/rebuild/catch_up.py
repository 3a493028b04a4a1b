"""Filling: the log folded into the tables beside, batch by batch."""

import time
from collections.abc import Callable, Sequence

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.database import Pool
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent, open_envelope
from projections.engine.follower import CATCHING_UP_BATCH, LIVE_BATCH, most_at_once
from projections.engine.projection import ReadModel, codec_for
from projections.rebuild.shadow_tables import use_schema

# A batch may be slow where the machine is; a rebuild is nobody's page.
PATIENTLY = "SET LOCAL statement_timeout = '5min'"
_IDLE = "SET LOCAL idle_in_transaction_session_timeout = '5min'"
READ = """
SELECT notification_id, originator_id, originator_version, recorded_at, actor,
       correlation_id, causation_id, topic,
       CASE WHEN topic <> ALL(%s) THEN state END
FROM goatherd_events WHERE notification_id > %s AND notification_id <= %s
ORDER BY notification_id LIMIT %s
"""
_STEP = """
UPDATE projection_rebuild SET position = %s, events = events + %s,
    working_seconds = working_seconds + %s, updated_at = clock_timestamp()
WHERE name = %s
"""
_TAKE = """
SELECT version, position, is_cancel_requested FROM projection_rebuild
WHERE name = %s FOR UPDATE
"""
_TAKE_KEPT = """
SELECT version, position, false FROM projection_previous WHERE name = %s FOR UPDATE
"""
_STEP_KEPT = "UPDATE projection_previous SET position = %s WHERE name = %s"
FOREVER = 2**63 - 1
# What says that the database is in trouble, not that an event is bad.
OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError)


class RefusedEventError(Exception):
    """An event that cannot be taken in: nobody knows it, or the fold fails on it."""

    def __init__(self, projection: str, *, position: int, event: str, why: str) -> None:
        super().__init__(
            f"{projection} cannot take in the event {event} at position {position}: "
            f"{why}"
        )
        self.position = position
        self.event = event


class RebuildReplacedError(Exception):
    """Another rebuild of the projection began meanwhile."""


class RebuildCancelledError(Exception):
    """Somebody asked for the rebuild to be given up."""


# These say nothing of the events.
NOT_ITS_FAULT = (
    *OUTAGES,
    psycopg.ProgrammingError,
    RebuildReplacedError,
    RebuildCancelledError,
)


class CatchUp:
    """Fills one read model's tables in a schema beside the live ones.

    ``is_kept`` says that these are the old ones, whose position stands elsewhere.
    """

    def __init__(
        self,
        projection: ReadModel,
        *,
        pool: Pool,
        codec: Codec,
        schema: str,
        is_kept: bool = False,
    ) -> None:
        self.projection = projection
        self._pool = pool
        self._codec = codec_for(projection, codec)
        self._schema = schema
        self._is_kept = is_kept
        self._passed_over = codec.names_except(projection.events)
        self._most = min(most_at_once(projection), CATCHING_UP_BATCH)

    def step(self, *, until: int = FOREVER) -> tuple[int, int]:
        """Take in the next events, none after ``until``, and the position with them.

        Returns the position it reached and how many events of the log it passed.

        Raises:
            RefusedEventError: one could not be taken in; none of them was.
            SupersededError, CancelAskedError: it is not to go on.
        """
        began = time.monotonic()
        rows: list[TupleRow] = []
        try:
            with (
                self._pool.connection() as connection,
                connection.transaction(),
                connection.cursor(binary=True) as cursor,
            ):
                position = self._take(cursor)
                asked = (self._passed_over, position, until, self._most)
                rows = cursor.execute(READ, asked, prepare=True).fetchall()
                if not rows:
                    return position, 0
                use_schema(cursor, self._schema)
                take_in(self.projection.write, cursor, rows, self._codec)
                self._keep(cursor, rows, time.monotonic() - began)
                return rows[-1][0], len(rows)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:
            refused = find_refused(
                self.projection.name,
                self.projection.write,
                rows,
                error,
                pool=self._pool,
                codec=self._codec,
                schema=self._schema,
            )
            if refused is None:
                raise
            raise refused from error

    def run(self, *, until: int = FOREVER) -> int:
        """Step until the next events are few; returns the position it reached."""
        while True:
            position, passed = self.step(until=until)
            if passed < LIVE_BATCH:
                return position

    def finish(self, cursor: Cursor[TupleRow], *, position: int) -> int:
        """Take in all that is left in the caller's transaction; returns the position.

        Of events that are written alongside their appends, once nobody can write.
        """
        asked = (self._passed_over, position, FOREVER, FOREVER)
        rows = cursor.execute(READ, asked).fetchall()
        if not rows:
            return position
        path = cursor.execute("SELECT current_setting('search_path')").fetchone()
        assert path is not None
        use_schema(cursor, self._schema)
        take_in(self.projection.write, cursor, rows, self._codec)
        cursor.execute("SELECT set_config('search_path', %s, true)", path)
        return rows[-1][0]

    def _take(self, cursor: Cursor[TupleRow]) -> int:
        cursor.execute(PATIENTLY)
        cursor.execute(_IDLE)
        name = self.projection.name
        take = _TAKE_KEPT if self._is_kept else _TAKE
        row = cursor.execute(take, (name,)).fetchone()
        if row is None or row[0] != self.projection.version:
            msg = f"Another rebuild of {name} began meanwhile."
            raise RebuildReplacedError(msg)
        if row[2]:
            msg = f"The rebuild of {name} was cancelled."
            raise RebuildCancelledError(msg)
        return row[1]

    def _keep(
        self, cursor: Cursor[TupleRow], rows: Sequence[TupleRow], seconds: float
    ) -> None:
        reached, name = rows[-1][0], self.projection.name
        if self._is_kept:
            cursor.execute(_STEP_KEPT, (reached, name))
        else:
            cursor.execute(_STEP, (reached, len(rows), seconds, name))


TakeIn = Callable[[Cursor[TupleRow], Sequence[RecordedEvent]], None]


def take_in(
    write: TakeIn, cursor: Cursor[TupleRow], rows: Sequence[TupleRow], codec: Codec
) -> int:
    """Give ``write`` the events among rows of the log; returns how many these were.

    Those whose bodies were not fetched are known, and of no interest to it.
    """
    events = [open_envelope(row, codec) for row in rows if row[8] is not None]
    if events:
        write(cursor, events)
    return len(events)


def find_refused(
    name: str,
    write: TakeIn,
    rows: Sequence[TupleRow],
    error: Exception,
    *,
    pool: Pool,
    codec: Codec,
    schema: str,
) -> RefusedEventError | None:
    """Return which of the events it was; all that finding out does is undone."""
    read = [row for row in rows if row[8] is not None]
    if not read:
        return None
    with (
        pool.connection() as connection,
        connection.transaction(force_rollback=True),
        connection.cursor(binary=True) as cursor,
    ):
        use_schema(cursor, schema)
        for row in read:
            try:
                with connection.transaction():
                    take_in(write, cursor, [row], codec)
            except NOT_ITS_FAULT:
                raise
            except Exception as refused:  # noqa: BLE001 - this is the one
                return RefusedEventError(
                    name, position=row[0], event=row[7], why=str(refused)
                )
    # Each alone can be taken in: it is all of them together that cannot.
    why = f"with those after it: {error}"
    return RefusedEventError(name, position=read[0][0], event=read[0][7], why=why)
