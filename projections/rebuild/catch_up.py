"""Catching up: apply the log to tables that are not live, batch by batch."""

import time
from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.eventstore.store import Store
from projections.engine.dead_letters import without_held
from projections.engine.follower import CATCHING_UP_BATCH, LIVE_BATCH, most_at_once
from projections.engine.projection import ReadModel
from projections.rebuild.errors import RebuildCancelledError, RebuildReplacedError
from projections.rebuild.log_batch import FOREVER, BatchWriter, with_bodies
from projections.rebuild.shadow_tables import (
    next_schema,
    previous_schema,
)

# These events are also written in the transaction of their append, so the live tables
# have them before the follower's position does.
WRITTEN_WITH_APPEND = frozenset({"api_keys"})

# A batch may be slow on a busy machine; no page waits for it.
_PATIENTLY = """
SELECT set_config('statement_timeout', '5min', true),
       set_config('idle_in_transaction_session_timeout', '5min', true)
"""
_TAKE = """
SELECT version, position, is_cancel_requested FROM projection_rebuild
WHERE name = %s FOR UPDATE
"""
_REACHED = """
UPDATE projection_rebuild SET position = %s, events = events + %s,
    working_seconds = working_seconds + %s, updated_at = clock_timestamp()
WHERE name = %s
"""
_TAKE_PREVIOUS = """
SELECT version, position, false FROM projection_previous WHERE name = %s FOR UPDATE
"""
_REACHED_PREVIOUS = "UPDATE projection_previous SET position = %s WHERE name = %s"


class CatchUp:
    """Applies the log to the shadow tables of a rebuild, or to the previous tables.

    ``held`` are streams that dead letters of the previous tables hold back.
    """

    def __init__(
        self,
        store: Store,
        projection: ReadModel,
        *,
        is_previous: bool = False,
        held: Collection[UUID] = (),
    ) -> None:
        self._name = projection.name
        self._version = projection.version
        self._pool = store.pool
        self._is_previous = is_previous
        self._held = frozenset(held)
        schema = (previous_schema if is_previous else next_schema)(projection.name)
        self._batches = BatchWriter(store, projection, projection.write, schema=schema)
        self._most = min(most_at_once(projection), CATCHING_UP_BATCH)

    def step(self, *, until: int = FOREVER) -> tuple[int, int]:
        """Apply the next events, up to ``until``, and store the position with them.

        The result is the position reached, and the number of passed events of the log.

        Raises:
            RefusedEventError: one event could not be applied, so none was.
            RebuildReplacedError, RebuildCancelledError: the rebuild must not go on.
        """
        began = time.monotonic()
        rows: list[TupleRow] = []
        with (
            self._batches.refusal_named(rows),
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor(binary=True) as cursor,
        ):
            position = self._take(cursor)
            rows += without_held(
                self._batches.read(
                    cursor, after=position, until=until, limit=self._most
                ),
                self._held,
            )
            if not rows:
                return position, 0
            self._batches.write(cursor, rows)
            self._note_reached(cursor, rows, time.monotonic() - began)
            return rows[-1][0], len(rows)

    def run(self, *, until: int = FOREVER) -> int:
        """Step until the next events are few; return the position reached."""
        while True:
            position, passed = self.step(until=until)
            if passed < LIVE_BATCH:
                return position

    def is_caught_up(self, cursor: Cursor[TupleRow], *, position: int) -> bool:
        """Tell whether no event after ``position`` is left to apply.

        The check is for the events of ``WRITTEN_WITH_APPEND``, while none can be
        appended.
        """
        rows = self._batches.read(cursor, after=position, until=FOREVER, limit=FOREVER)
        return not with_bodies(rows)

    def _take(self, cursor: Cursor[TupleRow]) -> int:
        cursor.execute(_PATIENTLY)
        take = _TAKE_PREVIOUS if self._is_previous else _TAKE
        row = cursor.execute(take, (self._name,)).fetchone()
        if row is None or row[0] != self._version:
            raise RebuildReplacedError(self._name)
        if row[2]:
            raise RebuildCancelledError(self._name)
        return row[1]

    def _note_reached(
        self, cursor: Cursor[TupleRow], rows: Sequence[TupleRow], seconds: float
    ) -> None:
        reached = rows[-1][0]
        if self._is_previous:
            cursor.execute(_REACHED_PREVIOUS, (reached, self._name))
        else:
            cursor.execute(_REACHED, (reached, len(rows), seconds, self._name))
