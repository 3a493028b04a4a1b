"""The swap: shadow or previous tables become the live ones while they are read."""

import time
from collections.abc import Callable, Sequence
from random import uniform

import msgspec
import psycopg
from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow

from infra.database import Pool
from infra.eventstore.store import Store
from projections.engine.follower import FencedError
from projections.engine.projection import ReadModel
from projections.rebuild.catch_up import WRITTEN_WITH_APPEND, CatchUp
from projections.rebuild.errors import TryAgainError
from projections.rebuild.lock import follower_held
from projections.rebuild.shadow_tables import (
    drop_schema,
    exchange_tables,
    live_schema,
    next_schema,
    previous_schema,
    tables_in,
)

# Every query of a table waits behind this transaction for as long as it waits for the
# lock.
LOCK_MS = 50
_OLDER_READS_SECONDS = 0.1
# Each of these reads runs in a transaction whose snapshot is from its beginning. A
# transaction that begins now sees all rows that were built.
_READING = """
SELECT pid, xact_start FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
"""
_NOTE_PREVIOUS = """
INSERT INTO projection_previous (name, version, position, dead_letters)
SELECT %s, %s, %s,
       coalesce(json_agg(json_build_array(d.position, d.name, d.error, d.stream)), '[]')
FROM dead_letter d WHERE projection = %s
ON CONFLICT (name) DO UPDATE SET version = excluded.version,
    position = excluded.position, dead_letters = excluded.dead_letters,
    swapped_out_at = clock_timestamp()
"""
_PREVIOUS = """
SELECT name FROM projection_previous WHERE name = ANY(%s::text[]) OR %s::text[] = '{}'
"""
_FORGET_PREVIOUS = "DELETE FROM projection_previous WHERE name = %s"
# Lagging live tables still have the names of people who were erased since.
_IS_ERASURE_AHEAD = """
SELECT EXISTS (SELECT FROM goatherd_events
               WHERE notification_id > %s AND topic = 'subject_erased')
"""
_DELETE_DEAD_LETTERS = "DELETE FROM dead_letter WHERE projection = %s"
_RESTORE_DEAD_LETTERS = """
INSERT INTO dead_letter (projection, position, name, error, stream)
SELECT %s, (letter ->> 0)::bigint, letter ->> 1, letter ->> 2, (letter ->> 3)::uuid
FROM json_array_elements(%s::json) AS letter
"""
_NOTE_LIVE = """
UPDATE projection SET version = %s, position = %s, status = 'following', error = NULL,
    heartbeat_at = clock_timestamp()
WHERE name = %s
"""


class Swapped(msgspec.Struct, frozen=True):
    """The result of a swap: its position and its waiting times.

    ``locked_ms`` is the time in which nobody could read the tables, and ``held_ms`` the
    time for which their follower had to wait.
    """

    position: int
    locked_ms: float
    held_ms: float


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """Tables that will become the live ones.

    In a rebuild they are its shadow tables. In a rollback (``is_previous``) they are
    the tables that the last swap replaced, with the ``dead_letters`` of their follower
    as JSON. Without ``catch_up`` they are swapped as they are, at ``position``.
    """

    version: int
    catch_up: CatchUp | None
    is_previous: bool = False
    position: int = 0
    dead_letters: str = "[]"


def swap(
    store: Store,
    projection: ReadModel,
    incoming: Incoming,
    *,
    prepare: Callable[[], object],
    finish: Callable[[Cursor[TupleRow]], object],
) -> Swapped:
    """Swap the incoming tables and the live ones, which are kept.

    The swap is tried again until no lock is in the way; ``prepare`` is called before
    each try. ``finish`` writes other changes of the same transaction.

    Raises:
        FencedError: a release with newer rules owns the read model.
    """
    while True:
        prepare()
        try:
            return _try_swap(store, projection, incoming, finish)
        except TryAgainError:
            pause()


def drop_previous(pool: Pool, name: str) -> None:
    """Drop the tables that the last swap replaced."""
    with (
        pool.connection() as connection,
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        drop_schema(cursor, previous_schema(name))
        cursor.execute("DELETE FROM projection_previous WHERE name = %s", (name,))


def forget_previous(cursor: Cursor[TupleRow], *names: str) -> None:
    """Drop the tables that swaps replaced, of these read models or of all."""
    found = cursor.execute(_PREVIOUS, (list(names), list(names))).fetchall()
    for (name,) in found:
        schema = sql.Identifier(previous_schema(name))
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
        cursor.execute(_FORGET_PREVIOUS, (name,))


def pause() -> None:
    """Wait a little, so that reads can end."""
    time.sleep(uniform(0.05, 0.3))  # noqa: S311


def _try_swap(
    store: Store,
    projection: ReadModel,
    incoming: Incoming,
    finish: Callable[[Cursor[TupleRow]], object],
) -> Swapped:
    """Swap now, or change nothing; no query waits longer than ``LOCK_MS`` for a table.

    Raises:
        TryAgainError: a query reads the tables, or they are not at the position of
            the live ones.
    """
    name = projection.name
    schema = previous_schema(name) if incoming.is_previous else next_schema(name)
    with follower_held(store.pool, name) as (connection, version, position):
        held = time.monotonic()
        if version > incoming.version and not incoming.is_previous:
            msg = f"{name} is at version {version}, newer than this release."
            raise FencedError(msg)
        reached = incoming.position
        if incoming.catch_up is not None:
            # These commit before the swap, so that every reader of the new tables sees
            # their rows, however old its snapshot is. Nothing is written after that.
            reached = incoming.catch_up.run()
            if reached < position:
                raise TryAgainError(name)
        wait_for_older_reads(connection)
        with connection.cursor() as cursor:
            locked = time.monotonic()
            _lock(cursor, projection.tables, schema=schema)
            if (
                incoming.catch_up is not None
                and name in WRITTEN_WITH_APPEND
                and not incoming.catch_up.is_caught_up(cursor, position=reached)
            ):
                raise TryAgainError(name)
            exchange_tables(
                cursor,
                projection.tables,
                incoming=schema,
                outgoing=previous_schema(name),
            )
            cursor.execute(_NOTE_PREVIOUS, (name, version, position, name))
            cursor.execute(_DELETE_DEAD_LETTERS, (name,))
            cursor.execute(_RESTORE_DEAD_LETTERS, (name, incoming.dead_letters))
            cursor.execute(_NOTE_LIVE, (incoming.version, reached, name))
            row = cursor.execute(_IS_ERASURE_AHEAD, (position,)).fetchone()
            if row is not None and row[0]:
                forget_previous(cursor, name)
            finish(cursor)
    ended = time.monotonic()
    return Swapped(reached, 1000 * (ended - locked), 1000 * (ended - held))


def wait_for_older_reads(connection: Connection[TupleRow]) -> None:
    """Return once all reads have ended that began before the new rows were committed.

    An older read would find the new tables as of its beginning, behind the live ones.

    Raises:
        TryAgainError: a read takes longer.
    """
    deadline = time.monotonic() + _OLDER_READS_SECONDS
    older = set(connection.execute(_READING).fetchall())
    while older:
        if time.monotonic() > deadline:
            raise TryAgainError
        time.sleep(0.002)
        older &= set(connection.execute(_READING).fetchall())


def _lock(cursor: Cursor[TupleRow], tables: Sequence[str], *, schema: str) -> None:
    live = live_schema(cursor)
    paths = [sql.Identifier(live, table) for table in tables]
    paths += [sql.Identifier(schema, table) for table in tables_in(cursor, schema)]
    # The limit is for the whole statement, because a limit of locks applies to each
    # table anew.
    cursor.execute(f"SET LOCAL statement_timeout = '{LOCK_MS}ms'".encode())
    try:
        cursor.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
                sql.SQL(", ").join(paths)
            )
        )
    except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
        raise TryAgainError from None
    cursor.execute("SET LOCAL statement_timeout = '15s'")
