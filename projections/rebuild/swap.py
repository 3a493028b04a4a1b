"""Swapping: what was built takes the live tables' place while people read them."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from random import uniform

import msgspec
import psycopg
from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow

from infra.database import Pool
from infra.eventstore.store import Store
from projections.engine.follower import FencedError
from projections.engine.projection import ReadModel
from projections.rebuild.catch_up import CatchUp
from projections.rebuild.shadow_tables import (
    exchange_tables,
    live_schema,
    next_schema,
    previous_schema,
    tables_in,
)

# Who asks for a table waits behind us for as long as we wait for it.
LOCK_MS = 50
_OLDER_READS_SECONDS = 0.1
_TAKE = "SELECT version, position FROM projection WHERE name = %s FOR UPDATE"
# Each in a transaction that sees what was there when it began. One that begins now is
# another matter: it sees all that was built.
_READING = """
SELECT pid, xact_start FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
"""
_LETTERS = """
SELECT coalesce(json_agg(json_build_array(position, name, error)), '[]')::text
FROM dead_letter WHERE projection = %s
"""
_KEEP = """
INSERT INTO projection_previous (name, version, position, dead_letters)
VALUES (%s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE SET version = excluded.version,
    position = excluded.position, dead_letters = excluded.dead_letters,
    swapped_out_at = clock_timestamp()
"""
_FORGET_LETTERS = "DELETE FROM dead_letter WHERE projection = %s"
_RESTORE_LETTERS = """
INSERT INTO dead_letter (projection, position, name, error)
SELECT %s, (letter ->> 0)::bigint, letter ->> 1, letter ->> 2
FROM json_array_elements(%s::json) AS letter
"""
_ARRIVE = """
UPDATE projection SET version = %s, position = %s, status = 'following', error = NULL,
    heartbeat_at = clock_timestamp()
WHERE name = %s
"""

# Events that are written alongside their appends as well, whoever follows the log:
# their live tables are ahead of their position.
WRITTEN_ALONGSIDE = frozenset({"api_keys"})


class TryAgainError(Exception):
    """Somebody is in the way just now."""


class Swapped(msgspec.Struct, frozen=True):
    """The live tables are others now: at which position, and after which wait.

    ``locked_ms`` is how long nobody could read them, ``held_ms`` how long their
    follower had to wait.
    """

    position: int
    locked_ms: float
    held_ms: float


@contextmanager
def holding(pool: Pool, name: str) -> Generator[tuple[Connection[TupleRow], int, int]]:
    """Hold a projection's follower between two batches; gives its version and position.

    Raises:
        TryAgainError: its batch takes longer than half a second.
    """
    with pool.connection() as connection, connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '500ms'")
        try:
            row = connection.execute(_TAKE, (name,)).fetchone()
        except psycopg.errors.LockNotAvailable:
            raise TryAgainError(name) from None
        assert row is not None, "registered"
        yield connection, row[0], row[1]


def swap(
    store: Store,
    projection: ReadModel,
    filler: CatchUp,
    *,
    finish: Callable[[Cursor[TupleRow]], None],
) -> Swapped:
    """Fill up what is beside and let it change places with the live tables.

    What was live is kept, as ``old_schema`` says. ``finish`` writes what else belongs
    to the same transaction.

    Raises:
        TryAgainError: somebody reads the tables or the log's end is too far away;
            nothing was changed, and nobody had to wait for longer than ``LOCK_MS``.
        FencedError: a release with newer rules owns the read model.
    """
    name = projection.name
    with holding(store.pool, name) as (connection, version, position):
        held = time.monotonic()
        if version > projection.version:
            msg = f"{name} is at version {version}, newer than this release."
            raise FencedError(msg)
        # In transactions of their own: what is committed before the swap is seen by
        # whoever looks at the new tables, however early its snapshot is.
        reached = filler.run()
        if reached < position and version == projection.version:
            raise TryAgainError(name)
        wait_for_older_reads(connection)
        with connection.cursor() as cursor:
            locked = time.monotonic()
            incoming = next_schema(name)
            _lock(cursor, projection.tables, schema=incoming)
            if name in WRITTEN_ALONGSIDE:
                reached = filler.finish(cursor, position=reached)
            exchange_tables(
                cursor,
                projection.tables,
                incoming=incoming,
                outgoing=previous_schema(name),
            )
            _arrive(
                cursor,
                name,
                left=(version, position),
                arrived=(projection.version, max(reached, position)),
            )
            finish(cursor)
    ended = time.monotonic()
    return Swapped(
        max(reached, position), 1000 * (ended - locked), 1000 * (ended - held)
    )


def swap_back(
    store: Store, projection: ReadModel, filler: CatchUp | None
) -> tuple[int, Swapped]:
    """Let the kept tables change places with the live ones; returns their version.

    ``filler`` fills them up first; without one they come back as they are.

    Raises:
        TryAgainError: as ``swap``.
    """
    name = projection.name
    with holding(store.pool, name) as (connection, version, position):
        held = time.monotonic()
        reached = filler.run() if filler else 0
        if filler and reached < position:
            raise TryAgainError(name)
        wait_for_older_reads(connection)
        with connection.cursor() as cursor:
            row = cursor.execute(
                "SELECT version, position, dead_letters::text FROM projection_previous "
                "WHERE name = %s FOR UPDATE",
                (name,),
            ).fetchone()
            assert row is not None, "asked before"
            kept_version, kept_position, letters = row
            locked = time.monotonic()
            incoming = previous_schema(name)
            _lock(cursor, projection.tables, schema=incoming)
            if filler and name in WRITTEN_ALONGSIDE:
                kept_position = filler.finish(cursor, position=kept_position)
            exchange_tables(
                cursor,
                projection.tables,
                incoming=incoming,
                outgoing=next_schema(name),
            )
            cursor.execute(
                sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                    sql.Identifier(next_schema(name)), sql.Identifier(incoming)
                )
            )
            _arrive(
                cursor,
                name,
                left=(version, position),
                arrived=(kept_version, kept_position),
            )
            cursor.execute(_RESTORE_LETTERS, (name, letters))
    ended = time.monotonic()
    return kept_version, Swapped(
        kept_position, 1000 * (ended - locked), 1000 * (ended - held)
    )


def pause() -> None:
    """Wait a little, so that those who read come to an end."""
    time.sleep(uniform(0.05, 0.3))  # noqa: S311


def _arrive(
    cursor: Cursor[TupleRow],
    name: str,
    *,
    left: tuple[int, int],
    arrived: tuple[int, int],
) -> None:
    letters = cursor.execute(_LETTERS, (name,)).fetchone()
    assert letters is not None
    cursor.execute(_KEEP, (name, *left, letters[0]))
    cursor.execute(_FORGET_LETTERS, (name,))
    cursor.execute(_ARRIVE, (*arrived, name))


def wait_for_older_reads(connection: Connection[TupleRow]) -> None:
    """Return once nobody reads who began before what was built was committed.

    Whoever did would find the new tables as they were then, behind the live ones.

    Raises:
        TryAgainError: somebody reads for longer.
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
    # Of the whole statement, since a lock's own limit holds for each table anew.
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
