"""The comparison of a rebuild: shadow tables and live tables, at one position."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import msgspec
import psycopg
from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow

from domain.phrases import counted_are
from infra.database import Pool
from infra.eventstore.store import Store
from projections.engine.projection import ReadModel
from projections.rebuild.catch_up import WRITTEN_WITH_APPEND, CatchUp
from projections.rebuild.compare_tables import (
    TableComparison,
    compare_tables,
    in_snapshot_of,
)
from projections.rebuild.errors import TryAgainError
from projections.rebuild.lock import follower_held
from projections.rebuild.shadow_tables import analyze, next_schema, same_rule

# Reads live and shadow tables in the snapshot of the comparison.
Inspect = Callable[[Cursor[TupleRow]], None]

_DEAD_LETTERS = "SELECT count(*) FROM dead_letter WHERE projection = %s"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All tables of a projection, compared in one snapshot.

    ``is_strict`` says that the rows had to be equal: the same rules, at one position.
    """

    is_strict: bool
    position: int
    shadow_position: int
    tables: list[TableComparison]
    dead_letters: int = 0

    @property
    def is_equal(self) -> bool:
        return not any(table.differences for table in self.tables)

    def summary(self) -> str:
        """Return one line that names the differences, or says that there are none."""
        different = [table for table in self.tables if table.differences]
        if not different:
            rows = sum(table.shadow_rows for table in self.tables)
            return f"All {counted_are(rows, 'row')} equal."
        said = "; ".join(
            f"{table.table}: {', '.join(table.differences)}, {table.different_rows:,} "
            f"rows differ (such as {', '.join(table.keys) or 'none by key'})"
            for table in different
        )
        if self.dead_letters:
            said += (
                f"; {self.dead_letters:,} events are dead letters of the live follower"
            )
        return said


def compare(
    store: Store, projection: ReadModel, catch_up: CatchUp, inspect: Inspect | None
) -> Comparison:
    """Compare the shadow tables with the live ones, while both are written further.

    Raises:
        TryAgainError: a lock is taken, or the follower lags.
    """
    name, tables = projection.name, projection.tables
    schema = next_schema(name)

    def analyze_tables() -> None:
        with store.pool.connection() as connection:
            analyze(connection, tables, schema=schema)

    with _snapshot(store.pool) as reading:
        is_strict, position, reached = _at_one_position(
            store, projection, catch_up, reading
        )
        with (
            reading.cursor() as cursor,
            in_snapshot_of(cursor, store.pool) as other,
            _in_thread(analyze_tables),
        ):
            (dead_letters,) = cursor.execute(_DEAD_LETTERS, (name,)).fetchone() or (0,)
            comparison = Comparison(
                is_strict=is_strict,
                position=position,
                shadow_position=reached,
                tables=compare_tables(cursor, tables, schema=schema, other=other),
                dead_letters=dead_letters,
            )
            if inspect is not None:
                inspect(cursor)
            return comparison


@contextmanager
def _snapshot(pool: Pool) -> Generator[Connection[TupleRow]]:
    """Open a connection whose first query takes the snapshot that all others share."""
    with pool.connection() as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield connection
        except psycopg.errors.LockNotAvailable as error:
            raise TryAgainError from error
        finally:
            if not connection.broken:
                connection.execute("ROLLBACK")


def _at_one_position(
    store: Store,
    projection: ReadModel,
    catch_up: CatchUp,
    reading: Connection[TupleRow],
) -> tuple[bool, int, int]:
    """Take the snapshot of ``reading`` while both tables are at the same position.

    The result says whether the comparison is strict, and has both positions.
    """
    name = projection.name
    with follower_held(store.pool, name) as (live, version, position):
        is_same_version = version == projection.version
        with live.cursor() as cursor:
            is_strict = is_same_version and same_rule(cursor, projection)
        if name in WRITTEN_WITH_APPEND:
            live.execute(
                sql.SQL("LOCK TABLE {} IN SHARE MODE").format(
                    sql.SQL(", ").join(map(sql.Identifier, projection.tables))
                )
            )
            reached = catch_up.run()
            is_strict = is_strict and reached >= position
        else:
            reached = catch_up.run(until=position)
            if is_same_version and reached != position:
                raise TryAgainError(name)
        # This takes the snapshot: from here on both may be written again.
        reading.execute("SELECT FROM projection LIMIT 1")
    return is_strict, position, reached


@contextmanager
def _in_thread(work: Callable[[], object]) -> Generator[None]:
    """Run ``work`` in a thread while the block runs, and raise its error."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        done = thread.submit(work)
        yield
        done.result()
