"""Building: one rebuild driven from wherever it is to the swap."""

import os
import threading
from collections.abc import Callable

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from infra.eventstore.store import Store
from projections.engine.follower import LIVE_BATCH, Follower
from projections.engine.projection import ReadModel, Sliced
from projections.rebuild import state
from projections.rebuild.catch_up import (
    CatchUp,
    RebuildCancelledError,
    RebuildReplacedError,
)
from projections.rebuild.compare import Comparison, compare_tables, in_snapshot_of
from projections.rebuild.local_workers import (
    PAUSE_SECONDS,
    collecting_rarely,
    companions,
    meanwhile,
    see_done,
)
from projections.rebuild.remote_workers import RemoteWorkers
from projections.rebuild.rule_variants import same_rule
from projections.rebuild.shadow_tables import (
    analyze,
    drop_schema,
    next_schema,
    previous_schema,
)
from projections.rebuild.slices import lease_slice, level_with_slices, slices_left
from projections.rebuild.swap import (
    WRITTEN_ALONGSIDE,
    Swapped,
    TryAgainError,
    holding,
    pause,
    swap,
)

_FINISHED = """
UPDATE projection_rebuild SET status = 'swapped', position = %s,
    updated_at = clock_timestamp() WHERE name = %s AND version = %s
"""
_SWAP_MS = "UPDATE projection_rebuild SET swap_ms = %s WHERE name = %s AND version = %s"

Watch = Callable[[state.Rebuild], None]
# Looks at the live tables and those beside, in the snapshot that they are compared in.
LookAtBoth = Callable[[psycopg.Cursor[TupleRow]], None]


class StoppedError(Exception):
    """It was told to stop; what was built stays and is resumed."""


class WorkerFailedError(Exception):
    """Somebody who works on its slices could not; the message says why."""


class RowsDifferError(Exception):
    """What was built is not what the live tables hold; it was not swapped."""

    def __init__(self, name: str, comparison: Comparison) -> None:
        super().__init__(f"{name} was not swapped: {comparison.summary()}.")
        self.comparison = comparison


class Builder:
    """Drives one rebuild from wherever it is to its end."""

    def __init__(
        self,
        store: Store,
        projection: ReadModel,
        stop: threading.Event,
        watch: Watch | None,
        crew: RemoteWorkers | None = None,
    ) -> None:
        self.store = store
        self.projection = projection
        self.reached = (0, 0)
        self.look_at_both: LookAtBoth | None = None
        self._stop = stop
        self._watch = watch
        self._crew = crew
        self._filler = CatchUp(
            projection,
            pool=store.pool,
            codec=store.codec,
            schema=next_schema(projection.name),
        )

    def run(self, *, force: bool) -> tuple[Comparison, Swapped]:
        comparison = self.make_ready(force=force)
        return comparison, self._swap()

    def make_ready(self, *, force: bool) -> Comparison:
        """Build and compare; the live tables know nothing of it."""
        if isinstance(self.projection, Sliced):
            self._work_on_slices(self.projection)
        self._fill()
        return self._compare(force=force)

    def _swap(self) -> Swapped:
        self._forget_old()
        while True:
            self._fill()
            try:
                swapped = swap(
                    self.store, self.projection, self._filler, finish=self._finish
                )
            except TryAgainError:
                pause()
                continue
            break
        with self.store.pool.connection() as connection:
            connection.execute(
                _SWAP_MS,
                (swapped.locked_ms, self.projection.name, self.projection.version),
            )
        self._tell()
        return swapped

    def pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise StoppedError(self.projection.name)

    def _tell(self) -> state.Rebuild:
        with self.store.pool.connection() as connection:
            rebuild = state.rebuild_of(connection, self.projection.name)
        if rebuild is None or rebuild.version != self.projection.version:
            msg = f"Another rebuild of {self.projection.name} began meanwhile."
            raise RebuildReplacedError(msg)
        self.reached = (rebuild.position, rebuild.slices_done)
        if self._watch is not None:
            self._watch(rebuild)
        if rebuild.is_cancel_requested:
            raise RebuildCancelledError(f"The rebuild of {self.projection.name} ended.")
        if rebuild.status == "failed":
            raise WorkerFailedError(rebuild.error)
        self.pause(0)
        return rebuild

    def _fill(self) -> None:
        while True:
            _, passed = self._filler.step()
            self._tell()
            if passed < LIVE_BATCH:
                return

    def _work_on_slices(self, projection: Sliced) -> None:
        """See all stages done: by the crew, or here what nobody else works on."""
        pool, codec = self.store.pool, self.store.codec
        by = f"rebuild {os.getpid()}"
        while self._has_crew(projection, by=by):
            self._tell()
            self.pause(0.1)
        with (
            collecting_rarely(),
            companions(pool, codec, projection, by=by) as check,
        ):
            while True:
                check()
                # Whoever comes later helps.
                self._has_crew(projection, by=by)
                leased = lease_slice(pool, projection, by=by)
                if leased is not None:
                    see_done(pool, codec, projection, leased, go_on=self._tell)
                elif slices_left(pool, projection):
                    self._tell()
                    self.pause(PAUSE_SECONDS)
                else:
                    break
            check()
        level_with_slices(pool, projection)

    def _has_crew(self, projection: Sliced, *, by: str) -> bool:
        if self._crew is None or not slices_left(self.store.pool, projection):
            return False
        return self._crew.are_at_work(self.store.pool, projection, exclude=by)

    def _compare(self, *, force: bool) -> Comparison:
        state.set_status(self.store.pool, self.projection, "comparing")
        self._fill()
        while True:
            try:
                comparison = self._compared()
                break
            except TryAgainError:
                # Level, so that there is a position at which both can be compared.
                follower = Follower(
                    self.projection, pool=self.store.pool, codec=self.store.codec
                )
                follower.step()
                self._tell()
                pause()
        # Somebody may have asked for that meanwhile.
        force = force or self._tell().is_forced
        is_refused = comparison.is_strict and not comparison.is_equal and not force
        state.note_comparison(
            self.store.pool,
            self.projection,
            comparison,
            status="refused" if is_refused else "ready",
        )
        if is_refused:
            raise RowsDifferError(self.projection.name, comparison)
        return comparison

    def _compared(self) -> Comparison:
        name, tables = self.projection.name, self.projection.tables
        pool = self.store.pool
        with pool.connection() as reading:
            reading.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                with holding(pool, name) as (live, version, position):
                    is_level = is_binding = version == self.projection.version
                    with live.cursor() as cursor:
                        is_binding &= same_rule(cursor, self.projection)
                    if name in WRITTEN_ALONGSIDE:
                        live.execute(
                            sql.SQL("LOCK TABLE {} IN SHARE MODE").format(
                                sql.SQL(", ").join(map(sql.Identifier, tables))
                            )
                        )
                        reached = self._filler.run()
                        is_binding = is_binding and reached >= position
                    else:
                        reached = self._filler.run(until=position)
                        if is_level and reached != position:
                            raise TryAgainError(name)
                    # This is its snapshot: from here on both may go on.
                    reading.execute("SELECT FROM projection LIMIT 1")
                with (
                    reading.cursor() as cursor,
                    in_snapshot_of(cursor, pool) as other,
                    meanwhile(self._tidy),
                ):
                    letters = cursor.execute(
                        "SELECT count(*) FROM dead_letter WHERE projection = %s",
                        (name,),
                    ).fetchone()
                    comparison = Comparison(
                        is_strict=is_binding,
                        position=position,
                        shadow_position=reached,
                        tables=compare_tables(
                            cursor, tables, schema=next_schema(name), other=other
                        ),
                        dead_letters=letters[0] if letters else 0,
                    )
                    if self.look_at_both is not None:
                        self.look_at_both(cursor)
                    return comparison
            except psycopg.errors.LockNotAvailable:
                raise TryAgainError(name) from None
            finally:
                if not reading.broken:
                    reading.execute("ROLLBACK")

    def _tidy(self) -> None:
        with self.store.pool.connection() as connection:
            analyze(
                connection,
                self.projection.tables,
                schema=next_schema(self.projection.name),
            )

    def _forget_old(self) -> None:
        name = self.projection.name
        with (
            self.store.pool.connection() as connection,
            connection.transaction(),
            connection.cursor() as cursor,
        ):
            drop_schema(cursor, previous_schema(name))
            cursor.execute("DELETE FROM projection_previous WHERE name = %s", (name,))

    def _finish(self, cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
        name, version = self.projection.name, self.projection.version
        row = cursor.execute(
            "SELECT version, status, is_cancel_requested, position "
            "FROM projection_rebuild WHERE name = %s FOR UPDATE",
            (name,),
        ).fetchone()
        if row is None or row[:2] != (version, "ready"):
            msg = f"Another rebuild of {name} began meanwhile."
            raise RebuildReplacedError(msg)
        if row[2]:
            raise RebuildCancelledError(f"The rebuild of {name} was cancelled.")
        cursor.execute(_FINISHED, (row[3], name, version))
        cursor.execute("DELETE FROM projection_slice WHERE name = %s", (name,))
