"""Readers of one snapshot: their rows, their connections, and their end."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from infra.database import AsyncPool, reading_pool
from infra.embedded.processes import wait_until
from infra.eventstore.codec import Codec
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.engine import moment
from projections.engine.kept_results import KeptResults
from projections.engine.reader import Query, Reader, Statement
from projections.engine.snapshot_reader import (
    SharedSnapshot,
    SnapshotReader,
    snapshot,
)
from tests.kit.databases import in_line
from tests.kit.patience import PATIENTLY

NOBODY = new_id()
COUNT = b"SELECT count(*) FROM projection"
WAIT = b"SELECT pg_advisory_lock_shared(62), (SELECT count(*) FROM projection)"

Reads = Callable[[SnapshotReader, AsyncPool], Awaitable[None]]


def reading(url: str, reads: Reads, *, size: int = 3) -> None:
    """Let something be read; afterwards the pool has all its connections."""

    async def run() -> None:
        async with reading_pool(url, size=size) as pool:
            reader = SnapshotReader(pool, Codec())
            await reads(reader, pool)
            await reader.close()

            def has_all() -> bool:
                stats = pool.get_stats()
                return stats["pool_available"] == stats["pool_size"]

            # The pool may be opening one that nobody waits for any more.
            assert await asyncio.to_thread(wait_until, has_all, seconds=PATIENTLY)

    asyncio.run(run())


def write(store: Store, name: str) -> None:
    with store.pool.connection() as connection:
        connection.execute(
            "INSERT INTO projection (name, version, position) VALUES (%s, 1, 7)",
            (name,),
        )


def move(store: Store, name: str, *, to: int) -> None:
    with store.pool.connection() as connection:
        connection.execute(
            "UPDATE projection SET position = %s WHERE name = %s", (to, name)
        )


class Unread(Mapping[str, str]):
    """A part of a result that is known to be too large without a look at it."""

    def __getitem__(self, key: str) -> str:
        raise AssertionError(key)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


async def count(reader: SnapshotReader, query: bytes = COUNT) -> int:
    return (await reader.rows(NOBODY, query, {}))[0][-1]


def test_all_reads_are_of_one_moment_until_the_end(store: Store, database_url: str):
    async def reads(reader: SnapshotReader, _: AsyncPool) -> None:
        before = await count(reader)
        write(store, "first")

        assert await count(reader) == before
        assert await reader.position("first") == 0
        assert reader.alone is reader
        await reader.end()
        assert reader.alone is not reader
        assert await reader.position("first") == 7
        assert await count(reader) == before + 1

    reading(database_url, reads)


def test_concurrent_reads_are_sent_together(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    trips: list[int] = []
    send = moment.rows_of

    async def noted(
        connection: AsyncConnection[TupleRow],
        queries: Sequence[Query],
        *,
        after: Sequence[Statement],
    ) -> list[list[TupleRow]]:
        trips.append(len(queries))
        return await send(connection, queries, after=after)

    async def reads(reader: SnapshotReader, _: AsyncPool) -> None:
        counts = await asyncio.gather(*(count(reader) for _ in range(3)))
        write(store, "third")
        counts += await asyncio.gather(count(reader), count(reader))

        assert len({*counts}) == 1
        assert trips == [3, 2]
        with pytest.raises(psycopg.errors.DivisionByZero):
            await asyncio.gather(count(reader), count(reader, b"SELECT 1 / 0"))
        assert await count(reader) == counts[0] + 1

    monkeypatch.setattr(moment, "rows_of", noted)
    reading(database_url, reads)


def test_a_shared_snapshot_runs_equal_reads_once(database_url: str):
    now, of = b"SELECT clock_timestamp(), %(of)s::int[]", NOBODY

    async def run() -> None:
        async with reading_pool(database_url, size=2) as pool:
            shared = SharedSnapshot()
            first, second = (
                shared.reader_of(pool, Codec(), project_ids=None) for _ in range(2)
            )

            async def time(reader: Reader, *numbers: int) -> object:
                return (await reader.rows(of, now, {"of": [*numbers]}))[0][0]

            at_once = await asyncio.gather(*(time(one, 1) for one in (first, second)))
            later = await time(second.alone, 1)
            other = await time(second, 2)
            await first.end()
            anew = await time(second, 1)
            await shared.close()
            closed = [await time(second, 1) for _ in range(2)]

            assert {*at_once, later} == {at_once[0]}
            assert len({at_once[0], other, anew, *closed}) == 5

    asyncio.run(run())


def test_results_are_kept_while_the_state_of_their_read_model_lasts(
    store: Store, database_url: str
):
    state = b"SELECT max(position)::text FROM projection WHERE name = 'first'"
    kept = KeptResults()

    async def run() -> None:
        async with reading_pool(database_url, size=2) as pool:
            made = 0

            async def look(
                key: str = "goats",
                *,
                of: UUID = NOBODY,
                projects: frozenset[UUID] | None = None,
                ends: bool = False,
            ) -> int:
                shared = SharedSnapshot()
                page = shared.reader_of(pool, Codec(), project_ids=projects, kept=kept)

                async def make(reader: Reader) -> int:
                    nonlocal made
                    made += 1
                    if ends:
                        await reader.end()
                    return made

                found = await page.kept(of, state, key, make)
                await shared.close()
                return found

            assert [await look(), await look()] == [1, 2], "an unknown state"
            write(store, "first")
            assert [await look(), await look()] == [3, 3]
            assert await look("sheep") == 4
            assert await look(of=new_id()) == 5
            assert await look(projects=frozenset({NOBODY})) == 6
            assert await look() == 3
            move(store, "first", to=8)
            assert [await look(), await look()] == [7, 7]
            move(store, "first", to=9)
            assert await look(ends=True) == 8
            assert await look() == 9, "the snapshot of the result had no known state"

    asyncio.run(run())


def test_the_oldest_results_give_way_and_large_ones_are_not_kept():
    kept = KeptResults(most_bytes=16_000)

    for number in range(20):
        kept.keep(number, "now", [bytes(1_000)])
        kept.find(0, "now")
    kept.keep("large", "now", {"row": (bytes(3_000),)})
    kept.keep("numbers", "now", [*range(100)])
    kept.keep("many", "now", [Unread()] * 100)

    assert kept.find(0, "now") == ([bytes(1_000)],)
    assert kept.find(0, "later") is None
    assert kept.find(19, "now") is not None
    assert [number for number in range(1, 8) if kept.find(number, "now")] == []
    assert kept.find("large", "now") is None
    assert kept.find("numbers", "now") is None
    assert kept.find("many", "now") is None


def test_a_read_that_is_given_up_does_not_take_an_equal_one_along(database_url: str):
    async def run() -> None:
        async with reading_pool(database_url, size=2) as pool:
            shared = SharedSnapshot()
            reader = shared.reader_of(pool, Codec(), project_ids=None)
            with psycopg.connect(database_url, autocommit=True) as other:
                other.execute("SELECT pg_advisory_lock(62)")
                given_up = asyncio.create_task(count(reader, WAIT))
                await asyncio.to_thread(
                    wait_until, lambda: in_line(other) == 1, seconds=PATIENTLY
                )
                equal = asyncio.create_task(count(reader, WAIT))
                await asyncio.sleep(0)
                given_up.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await given_up
                other.execute("SELECT pg_advisory_unlock(62)")

                assert await equal == await count(reader)
            with pytest.raises(psycopg.errors.DivisionByZero):
                await count(reader, b"SELECT 1 / 0")
            with pytest.raises(psycopg.errors.DivisionByZero):
                await count(reader, b"SELECT 1 / 0")
            await shared.close()

    asyncio.run(run())


def test_reads_side_by_side_run_at_once_and_see_the_same(
    store: Store, database_url: str
):
    async def reads(reader: SnapshotReader, _: AsyncPool) -> None:
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(62)")
            before = await count(reader)
            await reader.side_by_side()
            waiting = asyncio.create_task(count(reader, WAIT))
            await asyncio.to_thread(
                wait_until, lambda: in_line(other) == 1, seconds=PATIENTLY
            )
            write(store, "second")
            meanwhile = await count(reader)
            other.execute("SELECT pg_advisory_unlock(62)")

            assert (meanwhile, await waiting) == (before, before)

    reading(database_url, reads)


def test_reads_side_by_side_take_turns_where_the_pool_has_no_more(database_url: str):
    async def reads(reader: SnapshotReader, _: AsyncPool) -> None:
        await reader.side_by_side()
        counts = await asyncio.gather(*(count(reader) for _ in range(6)))

        assert len({*counts}) == 1

    reading(database_url, reads, size=1)


@pytest.mark.parametrize("is_begun", (False, True))
def test_a_read_that_fails_or_is_given_up_leaves_no_connection_behind(
    database_url: str, *, is_begun: bool
):
    async def reads(reader: SnapshotReader, pool: AsyncPool) -> None:
        if is_begun:
            await count(reader)
        with pytest.raises(psycopg.errors.DivisionByZero):
            await count(reader, b"SELECT 1 / 0")
        await count(reader)
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(62)")
            given_up = asyncio.create_task(count(reader, WAIT))
            await asyncio.to_thread(
                wait_until, lambda: in_line(other) == 1, seconds=PATIENTLY
            )
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up

        assert await count(reader) >= 0
        assert pool.get_stats()["pool_size"] <= 3

    reading(database_url, reads)


def test_a_read_that_goes_on_after_the_end_gives_its_connection_back(
    store: Store, database_url: str
):
    async def reads(reader: SnapshotReader, pool: AsyncPool) -> None:
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(62)")
            late = asyncio.create_task(count(reader, WAIT))
            await asyncio.to_thread(
                wait_until, lambda: in_line(other) == 1, seconds=PATIENTLY
            )
            await reader.close()
            other.execute("SELECT pg_advisory_unlock(62)")
            await late
            # After the close each read is by itself.
            write(store, "late")
            assert await reader.position("late") == 7
            assert pool.get_stats()["requests_waiting"] == 0

    reading(database_url, reads)


def test_a_read_that_waits_for_a_connection_at_the_end_still_sees_the_same(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    async def reads(reader: SnapshotReader, pool: AsyncPool) -> None:
        before = await count(reader)
        await reader.side_by_side()
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(62)")
            busy = asyncio.create_task(count(reader, WAIT))
            await asyncio.to_thread(
                wait_until, lambda: in_line(other) == 1, seconds=PATIENTLY
            )
            taken = [await pool.getconn() for _ in range(2)]
            given = asyncio.Event()
            getconn = pool.getconn

            async def late(**more: float | None) -> AsyncConnection[TupleRow]:
                await given.wait()
                return await getconn(**more)

            monkeypatch.setattr(pool, "getconn", late)
            for each in taken:
                await pool.putconn(each)
            waiting = asyncio.create_task(count(reader))
            other.execute("SELECT pg_advisory_unlock(62)")
            await busy
            await reader.end()
            write(store, "meanwhile")
            given.set()

            assert await waiting == before
            monkeypatch.undo()

    reading(database_url, reads)


def test_reads_side_by_side_may_begin_twice_and_while_the_snapshot_ends(
    store: Store, database_url: str
):
    async def reads(reader: SnapshotReader, _: AsyncPool) -> None:
        await asyncio.gather(reader.side_by_side(), reader.side_by_side())
        before = {*await asyncio.gather(*(count(reader) for _ in range(6)))}
        assert len(before) == 1
        await reader.end()
        beginning = asyncio.create_task(reader.side_by_side())
        await asyncio.sleep(0)
        await reader.end()
        write(store, "new")
        await beginning

        after = {*await asyncio.gather(*(count(reader) for _ in range(6)))}

        assert after == {before.pop() + 1}

    reading(database_url, reads)


def test_reads_go_on_after_the_one_that_named_the_snapshot_failed(database_url: str):
    async def reads(reader: SnapshotReader, _: AsyncPool) -> None:
        await reader.side_by_side()
        with pytest.raises(psycopg.errors.DivisionByZero):
            await count(reader, b"SELECT 1 / 0")

        counts = await asyncio.gather(*(count(reader) for _ in range(6)))

        assert len({*counts}) == 1
        await reader.side_by_side()
        assert [await count(reader)] == [*{*counts}]

    reading(database_url, reads)


def test_a_connection_that_was_cut_before_the_snapshot_is_replaced(
    store: Store, database_url: str
):
    async def reads(reader: SnapshotReader, _: AsyncPool) -> None:
        await count(reader)
        await reader.end()
        with store.pool.connection() as connection:
            cut = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND query LIKE 'COMMIT%'"
            )
            assert cut.rowcount

        assert await count(reader) >= 0

    reading(database_url, reads)


def test_statements_stay_prepared_after_the_end_of_a_snapshot(database_url: str):
    async def reads(reader: SnapshotReader, pool: AsyncPool) -> None:
        await count(reader)
        await reader.end()

        async with pool.connection() as connection:
            found = await connection.execute(
                "SELECT statement FROM pg_prepared_statements"
            )
            assert COUNT.decode() in {row[0] for row in await found.fetchall()}

    reading(database_url, reads, size=1)


def test_a_snapshot_of_its_own_has_its_name_and_a_limit(database_url: str):
    shown = (
        b"SELECT current_setting('application_name'), current_setting('jit'), "
        b"current_setting('statement_timeout')"
    )

    async def settings() -> list[TupleRow]:
        async with snapshot(
            database_url, "analytics", application_name="goatherd", statement_ms=7_000
        ) as (reader, _):
            return await reader.rows(NOBODY, shown, {})

    assert asyncio.run(settings()) == [("goatherd", "off", "7s")]
