"""Folds streams into empty copies of a read model's tables, and drops the copies."""

from collections.abc import Generator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

from infra.eventstore.envelope import ENVELOPES
from infra.eventstore.store import Store, open_envelope
from infra.logs import masked
from projections.engine.projection import ReadModel, Ruled, codec_for

TableRows = dict[str, list[dict[str, Any]]]

_READ = f"""
{ENVELOPES} WHERE originator_id = ANY(%s) ORDER BY notification_id
"""
# The search path begins with temporary tables, and SQL names tables without a schema.
_COPY = "CREATE TEMPORARY TABLE {table} (LIKE {live} INCLUDING ALL) ON COMMIT DROP"
_LIVE = """
SELECT nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE c.oid = to_regclass(%s)
"""
_ROWS = "SELECT to_jsonb(t) FROM {table} AS t ORDER BY to_jsonb(t)::text"


class TriedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the streams, and the rows that it added or changed.

    ``is_read`` is false if the projection does not read the event. ``removed`` counts
    the rows that are gone after it. ``error`` is why it could not be applied; the rest
    of its stream is then held back.
    """

    position: int
    stream: UUID
    version: int
    name: str
    is_read: bool
    rows: TableRows = {}
    removed: int = 0
    error: str | None = None


def try_streams(
    store: Store, projection: ReadModel, streams: Sequence[UUID]
) -> Generator[TriedEvent]:
    """Apply the events of streams in the order of the log, into empty tables.

    The tables are dropped at the end, and the live ones stay as they are. Tables of
    other projections are read as they are now.
    """
    codec = codec_for(projection, store.codec)
    held: set[UUID] = set()
    with (
        store.pool.connection() as connection,
        connection.transaction(force_rollback=True),
        connection.cursor(binary=True) as cursor,
    ):
        rows = cursor.execute(_READ, ([*streams],)).fetchall()
        _make_empty_copies(cursor, projection)
        before = _rows_of(cursor, projection)
        for row in rows:
            tried = TriedEvent(
                position=row[0],
                stream=row[1],
                version=row[2],
                name=row[7],
                is_read=row[7] in projection.events or not codec.knows(row[7]),
            )
            if row[1] in held:
                error = "It is held back: an earlier event of its stream failed."
                yield msgspec.structs.replace(tried, error=error)
                continue
            if not tried.is_read:
                yield tried
                continue
            try:
                with connection.transaction():
                    keys = codec.keys_for([row[8]], connection)
                    projection.write(cursor, [open_envelope(row, codec, keys)])
            except Exception as error:  # noqa: BLE001 - it is the result
                held.add(row[1])
                yield msgspec.structs.replace(tried, error=masked(repr(error)))
                continue
            after = _rows_of(cursor, projection)
            yield _with_changes(tried, before, after)
            before = after


def _make_empty_copies(cursor: Cursor[TupleRow], projection: ReadModel) -> None:
    rule = projection.rule_of(cursor) if isinstance(projection, Ruled) else None
    for table in projection.tables:
        ((schema,),) = cursor.execute(_LIVE, (table,)).fetchall()
        cursor.execute(
            sql.SQL(_COPY).format(
                table=sql.Identifier(table), live=sql.Identifier(schema, table)
            )
        )
    if isinstance(projection, Ruled) and rule is not None:
        projection.begin_under(cursor, rule)


def _rows_of(cursor: Cursor[TupleRow], projection: ReadModel) -> TableRows:
    return {
        table: [
            row
            for (row,) in cursor.execute(
                sql.SQL(_ROWS).format(table=sql.Identifier(table))
            )
        ]
        for table in projection.tables
    }


def _with_changes(tried: TriedEvent, before: TableRows, after: TableRows) -> TriedEvent:
    changed: TableRows = {}
    removed = 0
    for table, rows in after.items():
        if fresh := [row for row in rows if row not in before[table]]:
            changed[table] = fresh
        removed += max(0, len(before[table]) - len(rows))
    return msgspec.structs.replace(tried, rows=changed, removed=removed)
