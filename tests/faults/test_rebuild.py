"""Rebuilds while events are appended, followed and read, and while processes die."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from infra.database import migrate, reading_pool
from infra.embedded import EmbeddedPostgres
from infra.embedded.processes import wait_until
from infra.eventstore.codec import Codec, NewEvent
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from projections import runner
from projections.creators.projection import CreatorList
from projections.creators.queries import CreatorQuery, one_creator, page_of_creators
from projections.engine import follower
from projections.engine.follower import Follower
from projections.engine.follower_group import FollowerGroup
from projections.engine.projection import ReadModel
from projections.engine.reader import Reader
from projections.engine.snapshot_reader import SnapshotReader
from projections.rebuild import catch_up
from projections.rebuild.errors import AlreadyRebuildingError
from projections.rebuild.lock import rebuild_lock
from projections.rebuild.rebuild import rebuild
from projections.rebuild.state import Rebuild, rebuild_of
from projections.rebuild.transitions import RebuildOptions, begin, set_status
from projections.runner import keep_rebuilt
from projections.scrape_runs.projection import ScrapeRuns
from projections.scrape_runs.queries import count_runs
from tests.kit.builders import asking, opened_store
from tests.kit.expected import expected, stored
from tests.kit.faults import stop_at_once, victim
from tests.kit.histories import HOME, added, log, many_events
from tests.kit.keys import SETTINGS
from tests.kit.patience import PATIENTLY, at_most
from tests.kit.threads import at_work, followed_by

READ_MODELS: tuple[ReadModel, ...] = (CreatorList(), ScrapeRuns())
SEED = 8120
SOME = 30


class Newer(CreatorList):
    """The same rules as if they were others."""

    version = CreatorList.version + 1


def build(url: str) -> None:
    """Rebuild in small batches, so that there are many moments to be killed at."""
    catch_up.CATCHING_UP_BATCH = catch_up.LIVE_BATCH = follower.LIVE_BATCH = 40
    with opened_store(url, pool_size=4) as store:
        for projection in READ_MODELS:
            rebuild(store, projection, by="killed")


@contextmanager
def projector(url: str, known: Sequence[ReadModel]) -> Iterator[None]:
    with at_work(lambda stop: keep_rebuilt(url, stop, SETTINGS, known)):
        yield


class Readers:
    """People who read the list over and over; nobody may notice anything."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.read = 0
        self.errors: list[Exception] = []
        self.stale: list[tuple[int, tuple[UUID, int] | None]] = []
        self.slowest = 0.0
        # A creator that was appended, and at which position.
        self.newest: tuple[UUID, int] | None = None

    @contextmanager
    def reading(self) -> Iterator["Readers"]:
        thread = threading.Thread(target=lambda: asyncio.run(self._read_on()))
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    async def _read_on(self) -> None:
        async with reading_pool(self._url, size=3) as pool:
            await asyncio.gather(
                self._reader(Reader(pool, Codec()), waits=True),
                self._reader(SnapshotReader(pool, Codec()), waits=True),
                self._reader(SnapshotReader(pool, Codec()), waits=False),
            )

    async def _reader(self, reader: Reader, *, waits: bool) -> None:
        while not self._stop.is_set():
            # A snapshot ends with the answer before.
            await reader.end()
            newest = self.newest if waits else None
            try:
                if newest:
                    await reader.wait_for("creator_list", newest[1])
                began = time.monotonic()
                page = await page_of_creators(
                    reader, CreatorQuery(organization_id=HOME, limit=50)
                )
                found = newest and await one_creator(reader, HOME, newest[0])
                await count_runs(reader, HOME)
                self.slowest = max(self.slowest, time.monotonic() - began)
            except Exception as error:  # noqa: BLE001 - each is a failure to look at
                self.errors.append(error)
                continue
            self.read += 1
            if len(page) < SOME or (newest and not found):
                self.stale.append((len(page), newest))


def write_on(
    store: Store,
    readers: Readers,
    group: FollowerGroup,
    enough: threading.Event,
) -> int:
    """Add creators, and tell the readers which is to be seen from which position."""
    written = 0
    while not enough.is_set():
        creator = new_id()
        (recorded,) = store.append(
            [NewEvent(creator, 1, added(f"w{creator.hex[:12]}"))], context=asking()
        )
        readers.newest = (creator, recorded.position)
        group.wake()
        written += 1
        time.sleep(0.01)
    return written


def whole_log(store: Store) -> list[RecordedEvent]:
    with store.pool.connection() as connection:
        streams = connection.execute(
            "SELECT DISTINCT originator_id FROM goatherd_events"
        ).fetchall()
    histories = store.load(*(stream for (stream,) in streams))
    events = [event for history in histories.values() for event in history]
    return sorted(events, key=lambda event: event.position)


def kept_rows(store: Store) -> dict[str, object]:
    with store.pool.connection() as connection:
        rows = stored(connection)
    return {table: rows[table] for each in READ_MODELS for table in each.tables}


def wanted_rows(events: list[RecordedEvent]) -> dict[str, object]:
    rows = expected(events)
    return {table: rows[table] for each in READ_MODELS for table in each.tables}


def followed(store: Store) -> None:
    for projection in READ_MODELS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def state_of(store: Store, name: str = "creator_list") -> Rebuild | None:
    with store.pool.connection() as connection:
        return rebuild_of(connection, name)


def test_nobody_notices_rebuilds_beside_writers_followers_and_readers(
    database_url: str,
):
    enough = threading.Event()
    readers = Readers(database_url)
    with opened_store(database_url, pool_size=12) as store:
        log(store, many_events(3_000))
        followed(store)
        group = FollowerGroup(store, READ_MODELS)
        with (
            followed_by(group, database_url),
            readers.reading(),
            ThreadPoolExecutor(3) as threads,
        ):
            writers = [
                threads.submit(write_on, store, readers, group, enough)
                for _ in range(3)
            ]
            done = [
                rebuild(store, projection, by="test")
                for projection in (*READ_MODELS, *READ_MODELS)
            ]
            before = readers.read
            wait_until(lambda: readers.read > before + 20, seconds=PATIENTLY)
            enough.set()
            written = sum(writer.result() for writer in writers)
            head = store.head()
            with store.pool.connection() as connection:
                level = wait_until(
                    lambda: (
                        connection.execute(
                            "SELECT min(position) FROM projection"
                        ).fetchone()
                        == (head,)
                    ),
                    seconds=PATIENTLY,
                )
        events = whole_log(store)
        rows = kept_rows(store)

    assert level
    assert readers.errors == []
    assert readers.stale == []
    assert readers.read > 50
    assert written > 50
    assert all(each.comparison.is_equal for each in done)
    assert all(each.comparison.is_strict for each in done)
    assert rows == wanted_rows(events)


def test_a_killed_rebuild_goes_on_where_it_was(database_url: str):
    chance = random.Random(SEED)  # noqa: S311 - moments, not secrets
    readers = Readers(database_url)
    reached: list[tuple[str, int]] = []
    with opened_store(database_url) as store:
        events = log(store, many_events(3_000))
        followed(store)
        with readers.reading():
            for _ in range(10):
                before = state_of(store)
                with victim(build, database_url, start="fork") as process:
                    # A busy machine needs long for the first batch.
                    wait_until(
                        lambda before=before: state_of(store) != before,
                        seconds=at_most(5.0),
                    )
                    process.wait(chance.uniform(0.0, 0.25))
                    process.kill()
                state = state_of(store)
                if state is not None:
                    reached.append((state.status, state.position))
            assert wait_until(lambda: readers.read > 0, seconds=PATIENTLY)
            for projection in READ_MODELS:
                rebuild(store, projection, by="test")
        rows = kept_rows(store)

    assert readers.errors == []
    assert rows == wanted_rows(events)
    # Killed in its midst, and never thrown back while it was the same one.
    assert any(0 < position < events[-1].position for _, position in reached), reached


def test_a_rebuild_outlives_a_postgres_that_was_stopped_at_once(data_dir: Path):
    server = EmbeddedPostgres(data_dir)
    url = server.start()
    migrate(url)
    killed = threading.Event()

    def kill_once(state: Rebuild) -> None:
        if state.position > 1_000 and not killed.is_set():
            killed.set()
            stop_at_once(server)
            server.start()
            # As another user of the pool does when it notices first.
            store.pool.check()

    try:
        with opened_store(url, pool_size=5) as store, pytest.MonkeyPatch.context() as m:
            events = log(store, many_events(3_000))
            followed(store)
            m.setattr(catch_up, "LIVE_BATCH", 100)
            m.setattr(catch_up, "CATCHING_UP_BATCH", 100)
            m.setattr("projections.rebuild.rebuild.LIVE_BATCH", 100)
            done = rebuild(store, CreatorList(), by="test", watch=kill_once)
            rows = kept_rows(store)
    finally:
        server.stop()

    assert killed.is_set()
    assert done.was_resumed
    assert done.comparison.is_equal
    assert rows == wanted_rows(events)


def test_a_projector_with_newer_rules_rebuilds_what_has_older_ones(database_url: str):
    with opened_store(database_url) as store:
        log(store, many_events(300))
        followed(store)

        with projector(database_url, [Newer(), ScrapeRuns()]):
            assert wait_until(
                lambda: getattr(state_of(store), "status", "") == "swapped",
                seconds=PATIENTLY,
            )

        state = state_of(store)
        assert state is not None
        assert (state.status, state.version) == ("swapped", Newer.version)
        assert state.started_by == "projector"
        assert state_of(store, "scrape_runs") is None
        with store.pool.connection() as connection:
            row = connection.execute(
                "SELECT version FROM projection WHERE name = 'creator_list'"
            ).fetchone()
        assert row == (Newer.version,)


def test_a_projector_ends_what_others_began(database_url: str):
    with opened_store(database_url) as store:
        log(store, many_events(300))
        followed(store)
        begin(store.pool, CreatorList(), by="somebody")

        with projector(database_url, READ_MODELS):
            assert wait_until(
                lambda: getattr(state_of(store), "status", "") == "swapped",
                seconds=PATIENTLY,
            )

        state = state_of(store)
        assert state is not None
        assert state.started_by == "somebody"


def test_a_projector_does_not_begin_anew_what_somebody_else_ended(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    refused: list[float] = []

    def noting(
        store: Store,
        projection: ReadModel,
        *,
        by: str,
        stop: threading.Event,
        options: RebuildOptions,
    ) -> object:
        try:
            return rebuild(store, projection, by=by, stop=stop, options=options)
        except AlreadyRebuildingError:
            refused.append(options.patience_seconds)
            raise

    monkeypatch.setattr(runner, "rebuild", noting)
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.05)
    with opened_store(database_url) as store:
        log(store, many_events(300))
        followed(store)
        begin(store.pool, CreatorList(), by="somebody")

        with projector(database_url, READ_MODELS):
            with rebuild_lock(store.pool, "creator_list"):
                assert wait_until(lambda: len(refused) > 1, seconds=PATIENTLY)
                set_status(store.pool, CreatorList(), "swapped")
            begun_anew = wait_until(lambda: is_built_by_projector(store), seconds=1)

    assert not begun_anew
    # A process that waits for the lock gets it just when there is nothing left to do.
    assert {*refused} == {0}


def is_built_by_projector(store: Store) -> bool:
    return getattr(state_of(store), "started_by", "") == "projector"


def test_a_reader_who_holds_the_table_is_waited_for_and_nobody_behind_it(
    database_url: str,
):
    with opened_store(database_url) as store:
        log(store, many_events(300))
        followed(store)
        with psycopg.connect(database_url) as holder:
            holder.execute("SELECT count(*) FROM creator_list")
            with ThreadPoolExecutor(1) as thread:
                building = thread.submit(rebuild, store, CreatorList(), by="test")
                assert wait_until(
                    lambda: getattr(state_of(store), "status", "") == "ready",
                    seconds=PATIENTLY,
                )
                with psycopg.connect(database_url, autocommit=True) as reader:
                    reader.execute("SET statement_timeout = '500ms'")
                    for _ in range(20):
                        reader.execute("SELECT count(*) FROM creator_list")
                assert not building.done()
                holder.rollback()
                assert building.result(PATIENTLY).comparison.is_equal
