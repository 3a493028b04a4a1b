"""Writes batches of the log into shadow tables, and finds the event that fails."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from infra.eventstore.envelope import ENVELOPE
from infra.eventstore.store import RecordedEvent, Store, open_envelopes
from infra.logs import masked
from projections.engine.projection import ReadModel, codec_for
from projections.rebuild.errors import (
    OUTAGES,
    RebuildCancelledError,
    RebuildReplacedError,
    RefusedEventError,
)
from projections.rebuild.shadow_tables import use_schema

FOREVER = 2**63 - 1
# The bodies of known events that are not read here are not fetched.
_READ = f"""
SELECT {ENVELOPE}, CASE WHEN topic <> ALL(%s) THEN state END
FROM goatherd_events WHERE notification_id > %s AND notification_id <= %s
ORDER BY notification_id LIMIT %s
"""
# These errors do not say that an event is bad.
_NO_EVENTS_FAULT = (
    *OUTAGES,
    psycopg.ProgrammingError,
    RebuildCancelledError,
    RebuildReplacedError,
)

Write = Callable[[Cursor[TupleRow], Sequence[RecordedEvent]], None]


class BatchWriter:
    """Reads batches of the log for a projection and writes them into a schema.

    ``write`` is the method of the projection that applies the events.
    """

    def __init__(
        self, store: Store, projection: ReadModel, write: Write, *, schema: str
    ) -> None:
        self._pool = store.pool
        self._name = projection.name
        self._codec = codec_for(projection, store.codec)
        self._passed_over = self._codec.names_except(projection.events)
        self._write = write
        self._schema = schema

    def read(
        self, cursor: Cursor[TupleRow], *, after: int, until: int, limit: int
    ) -> list[TupleRow]:
        values = (self._passed_over, after, until, limit)
        return cursor.execute(_READ, values, prepare=True).fetchall()

    def write(self, cursor: Cursor[TupleRow], rows: Sequence[TupleRow]) -> None:
        """Write the events of ``rows``; the transaction uses the schema from now on."""
        use_schema(cursor, self._schema)
        self._write_events(cursor, rows)

    def _write_events(self, cursor: Cursor[TupleRow], rows: Sequence[TupleRow]) -> None:
        events = open_envelopes(with_bodies(rows), self._codec, cursor.connection)
        if events:
            self._write(cursor, events)

    @contextmanager
    def refusal_named(self, rows: Sequence[TupleRow]) -> Generator[None]:
        """If the block fails, find the one of ``rows`` that cannot be applied.

        Raises:
            RefusedEventError: a row cannot be applied.
        """
        try:
            yield
        except _NO_EVENTS_FAULT:
            raise
        except Exception as error:
            refused = self._refused(with_bodies(rows), error)
            if refused is None:
                raise
            raise refused from error

    def _refused(
        self, rows: Sequence[TupleRow], error: Exception
    ) -> RefusedEventError | None:
        """Apply one event after the other until one fails; then undo all of them."""
        if not rows:
            return None
        with (
            self._pool.connection() as connection,
            connection.transaction(force_rollback=True),
            connection.cursor(binary=True) as cursor,
        ):
            use_schema(cursor, self._schema)
            for row in rows:
                try:
                    with connection.transaction():
                        self._write_events(cursor, [row])
                except _NO_EVENTS_FAULT:
                    raise
                except Exception as refused:  # noqa: BLE001 - this is the one
                    return self._named(row, str(refused))
        # Each event can be applied alone; only all of them together fail.
        return self._named(rows[0], f"with those after it: {error}")

    def _named(self, row: TupleRow, why: str) -> RefusedEventError:
        # PostgreSQL's details have values of rows, which may name persons.
        return RefusedEventError(
            self._name, position=row[0], event=row[7], why=masked(why)
        )


def with_bodies(rows: Sequence[TupleRow]) -> list[TupleRow]:
    """Return the rows of events that the projection reads."""
    return [row for row in rows if row[8] is not None]
