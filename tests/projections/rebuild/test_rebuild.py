"""Read models built in shadow tables, compared and swapped in."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from psycopg import Cursor, sql
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from domain import events as e
from infra.embedded.processes import wait_until
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store
from projections.creators.projection import CreatorList
from projections.engine.follower import FencedError, Follower
from projections.engine.projection import Merged, ReadModel
from projections.organizations.projection import ApiKeys
from projections.rebuild.errors import (
    NoPreviousTablesError,
    RebuildCancelledError,
    RefusedEventError,
    RowsDifferError,
    StoppedError,
    WorkerFailedError,
)
from projections.rebuild.rebuild import cancel, rebuild
from projections.rebuild.rollback import rollback
from projections.rebuild.slice_workers import lease_slice, work_on_one_slice
from projections.rebuild.state import Rebuild, rebuild_of
from projections.rebuild.transitions import RebuildOptions, begin, note_failure
from projections.registry import PROJECTIONS
from tests.kit.builders import asking, opened_store
from tests.kit.databases import new_database
from tests.kit.expected import expected, stored
from tests.kit.histories import log, many_events
from tests.kit.patience import PATIENTLY
from tests.projections.analytics.ledger import append, goats, position_of


class Filled(msgspec.Struct, frozen=True):
    """A database with a log, and every read model caught up with it."""

    name: str
    events: list[RecordedEvent]


@pytest.fixture(scope="module")
def filled(postgres_url: str, template_database: str) -> Iterator[Filled]:
    """A database that tests clone; nobody is connected to it."""
    name = f"goatherd_filled_{uuid4().hex}"
    with new_database(postgres_url, name=name, template=template_database) as url:
        with opened_store(url) as store:
            events = log(store, many_events(1_500))
            for projection in PROJECTIONS:
                follow(store, projection)
        yield Filled(name, events)


@pytest.fixture
def events(filled: Filled) -> list[RecordedEvent]:
    """The log of the test's own database, which every read model has caught up with."""
    return filled.events


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, postgres_url: str, template_database: str
) -> Iterator[str]:
    """The URL of a database of the test's own: filled, if it uses ``events``."""
    template = template_database
    if "events" in request.fixturenames:
        template = request.getfixturevalue("filled").name
    with new_database(postgres_url, template=template) as url:
        yield url


def follow(store: Store, projection: ReadModel) -> None:
    follower = Follower(projection, pool=store.pool, codec=store.codec)
    follower.register()
    follower.catch_up()


def run(store: Store, statement: str) -> list[TupleRow]:
    with store.pool.connection() as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def state_of(store: Store, name: str) -> Rebuild:
    with store.pool.connection() as connection:
        found = rebuild_of(connection, name)
    assert found is not None
    return found


def shape_of(store: Store, table: str) -> dict[str, object]:
    """All that the catalogs say of a table, without what its identity is."""
    rows = run(
        store,
        f"""
        SELECT json_build_object(
            'options', c.reloptions, 'rls', c.relrowsecurity, 'owner', c.relowner,
            'acl', (SELECT array_agg(each::text ORDER BY each::text) FROM unnest(
                coalesce(c.relacl, acldefault('r', c.relowner))) AS each),
            'columns', (SELECT json_agg((attname, atttypid, attnotnull, attcollation,
                            (SELECT array_agg(each::text ORDER BY each::text)
                             FROM unnest(attacl) AS each),
                            attidentity, pg_get_expr(adbin, adrelid), attstorage,
                            attstattarget) ORDER BY attnum)
                        FROM pg_attribute LEFT JOIN pg_attrdef
                            ON adrelid = attrelid AND adnum = attnum
                        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
            'indexes', (SELECT json_agg((pg_get_indexdef(indexrelid), i.reloptions)
                            ORDER BY i.relname)
                        FROM pg_index JOIN pg_class i ON i.oid = indexrelid
                        WHERE indrelid = c.oid),
            'constraints', (SELECT json_agg((conname, pg_get_constraintdef(oid))
                                ORDER BY conname)
                            FROM pg_constraint WHERE conrelid = c.oid),
            'policies', (SELECT json_agg((polname, polcmd, polroles::text,
                             pg_get_expr(polqual, polrelid)) ORDER BY polname)
                         FROM pg_policy WHERE polrelid = c.oid))
        FROM pg_class c WHERE c.oid = 'public.{table}'::regclass
        """,  # noqa: S608
    )
    return rows[0][0]


def append_unknown(store: Store) -> None:
    """Store the event of a release that is not this one."""
    run(
        store,
        "INSERT INTO goatherd_events (notification_id, originator_id, "
        "originator_version, topic, state, actor, digest, recorded_at) SELECT "
        "11, gen_random_uuid(), 1, 'goat_milked', '{}'::bytea, 'test', '\\x00', now()",
    )


class Handles:
    """The handles of creators, kept by a test; ``rule`` is what the fold does."""

    name = "handles"
    tables = ("handles",)
    events = frozenset({"creator_added"})

    def __init__(self, *, version: int = 1, suffix: str = "") -> None:
        self.version = version
        self.suffix = suffix
        self.refuses: str | None = None

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        handles = [getattr(event.event, "handle", "") for event in events]
        if self.refuses in handles:
            msg = f"{self.refuses} is no handle"
            raise ValueError(msg)
        cursor.execute(
            "INSERT INTO handles SELECT * FROM unnest(%s::bigint[], %s::text[]) "
            "ON CONFLICT DO NOTHING",
            (
                [event.position for event in events],
                [handle + self.suffix for handle in handles],
            ),
        )


class SlicedHandles(Handles):
    """The same in slices: first handles as they come, then each in capitals."""

    stages = ("evens", "odds")

    def gather(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        self.write(cursor, events)

    def merge(
        self, cursor: Cursor[TupleRow], stage: str, *, partition: int, partitions: int
    ) -> Merged:
        amount = cursor.execute(
            "UPDATE handles SET handle = upper(handle) || 'x' WHERE position IN ("
            "SELECT position FROM handles WHERE position %% 2 = %s "
            "AND (position / 2) %% %s = %s AND handle = lower(handle) LIMIT 3)",
            (int(stage == "odds"), partitions, partition),
        ).rowcount
        return Merged(amount, is_all=amount == 0)


@pytest.fixture
def handles(store: Store) -> Handles:
    """A read model of the test's own with ten rows in it."""
    run(
        store,
        "CREATE TABLE handles (position bigint PRIMARY KEY, handle text NOT NULL)",
    )
    append(store, *goats(10))
    projection = Handles()
    follow(store, projection)
    return projection


def rows(store: Store) -> list[TupleRow]:
    return run(store, "SELECT position, handle FROM handles ORDER BY position")


def test_every_read_model_is_rebuilt_to_what_one_fold_over_all_events_gives(
    store: Store, events: list[RecordedEvent]
):
    before = {table: shape_of(store, table) for p in PROJECTIONS for table in p.tables}
    names = [row[0] for row in run(store, "SELECT oid FROM pg_class")]

    done = [rebuild(store, projection, by="test") for projection in PROJECTIONS]

    with store.pool.connection() as connection:
        assert stored(connection) == expected(events)
    assert all(each.comparison.is_equal for each in done)
    assert all(each.comparison.is_strict for each in done)
    assert sum(table.rows for each in done for table in each.comparison.tables) > 1_000
    assert {
        table: shape_of(store, table) for p in PROJECTIONS for table in p.tables
    } == before
    (creator_list,) = run(store, "SELECT 'creator_list'::regclass::oid")[0]
    assert creator_list not in names


def test_the_next_events_are_taken_in_by_those_who_follow(
    store: Store, handles: Handles
):
    follower = Follower(handles, pool=store.pool, codec=store.codec)
    rebuild(store, handles, by="test")
    (position,) = append(store, *goats(1))

    follower.catch_up()

    assert rows(store)[-1] == (position, "goat0")
    assert position_of(store, "handles") == position


@pytest.mark.usefixtures("events")
def test_nothing_but_its_own_tables_is_touched_by_a_build(store: Store):
    tables = [
        name
        for (name,) in run(
            store,
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename NOT LIKE 'projection\\_%' ORDER BY 1",
        )
    ]

    def contents() -> list[object]:
        with store.pool.connection() as connection:
            return [
                connection.execute(
                    sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(
                        sql.Identifier(table)
                    )
                ).fetchall()
                for table in tables
            ]

    before = contents()
    stop = threading.Event()
    for projection in PROJECTIONS:

        def at_the_end(rebuild: Rebuild) -> None:
            if rebuild.status == "comparing":
                stop.set()

        with pytest.raises(StoppedError):
            rebuild(store, projection, by="test", stop=stop, watch=at_the_end)
        stop.clear()

    assert contents() == before


def test_one_event_that_differs_is_named_and_not_swapped(
    store: Store, handles: Handles
):
    run(store, "UPDATE handles SET handle = 'wolf' WHERE position = 3")

    with pytest.raises(RowsDifferError, match=r"1 rows differ \(such as \(3\)\)"):
        rebuild(store, handles, by="test")

    assert ("wolf",) in run(store, "SELECT handle FROM handles")
    assert state_of(store, "handles").status == "refused"
    assert run(store, "SELECT count(*) FROM goatherd_next_handles.handles") == [(10,)]


def test_what_was_refused_can_be_forced(store: Store, handles: Handles):
    run(store, "UPDATE handles SET handle = 'wolf' WHERE position = 3")
    with pytest.raises(RowsDifferError):
        rebuild(store, handles, by="test")

    done = rebuild(store, handles, by="test", options=RebuildOptions(force=True))

    assert done.was_resumed
    assert not done.comparison.is_equal
    assert (3, "goat2") in rows(store)
    state = state_of(store, "handles")
    assert (state.status, state.is_forced) == ("swapped", True)
    assert state.comparison is not None
    assert msgspec.json.decode(state.comparison)["tables"][0]["different_rows"] == 1


def test_an_event_that_cannot_be_taken_in_stops_it_and_is_named(
    store: Store, handles: Handles
):
    handles.refuses = "goat4"

    with pytest.raises(RefusedEventError, match="creator_added at position 5: goat4"):
        rebuild(store, handles, by="test")

    state = state_of(store, "handles")
    assert (state.status, state.error_position, state.error_event) == (
        *("failed", 5, "creator_added"),
    )
    assert len(rows(store)) == 10

    handles.refuses = None
    assert rebuild(store, handles, by="test").was_resumed


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)
def test_an_event_that_nobody_knows_stops_any_rebuild_and_is_named(
    store: Store, projection: ReadModel
):
    append_unknown(store)
    head = store.head()
    Follower(projection, pool=store.pool, codec=store.codec).register()

    with pytest.raises(
        RefusedEventError, match=f"the event goat_milked at position {head}"
    ):
        rebuild(store, projection, by="test")

    assert state_of(store, projection.name).error_event == "goat_milked"


def test_an_event_that_nobody_knows_stops_it_and_is_named(
    store: Store, handles: Handles
):
    append_unknown(store)
    head = store.head()

    with pytest.raises(
        RefusedEventError, match=f"the event goat_milked at position {head}"
    ):
        rebuild(store, handles, by="test")

    assert state_of(store, "handles").error_event == "goat_milked"


def test_a_cancelled_rebuild_leaves_nothing_behind(store: Store, handles: Handles):
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        rebuild(store, handles, by="test", stop=stop)
    assert state_of(store, "handles").status == "building"

    assert cancel(store, handles)

    assert state_of(store, "handles").status == "cancelled"
    assert run(store, "SELECT FROM pg_namespace WHERE nspname LIKE 'goatherd_%'") == []
    assert not cancel(store, handles)
    assert len(rows(store)) == 10


def test_a_rebuild_that_runs_ends_when_it_is_cancelled(store: Store, handles: Handles):
    def cancelled(state: Rebuild) -> None:
        if state.status == "building" and not state.is_cancel_requested:
            cancel(store, handles)

    with pytest.raises(RebuildCancelledError):
        rebuild(store, handles, by="test", watch=cancelled)

    assert state_of(store, "handles").status == "cancelled"
    assert rebuild(store, handles, by="test").was_resumed is False


def test_the_old_tables_come_back_level_with_the_log(store: Store, handles: Handles):
    run(store, "UPDATE handles SET handle = 'wolf' WHERE position = 3")
    rebuild(store, handles, by="test", options=RebuildOptions(force=True))
    append(store, *goats(2))
    follow(store, handles)

    back = rollback(store, handles)

    assert (back.is_followed, back.position) == (True, store.head())
    assert (3, "wolf") in rows(store)
    assert len(rows(store)) == 12
    rollback(store, handles)
    assert (3, "goat2") in rows(store)


def test_the_tables_of_another_release_come_back_as_they_are(
    store: Store, handles: Handles
):
    newer = Handles(version=2, suffix="!")
    rebuild(store, newer, by="test")
    append(store, *goats(1))
    follow(store, newer)
    assert rows(store)[0] == (1, "goat0!")

    back = rollback(store, newer)

    assert (back.version, back.position, back.is_followed) == (1, 10, False)
    assert len(rows(store)) == 10
    with pytest.raises(FencedError):
        Follower(newer, pool=store.pool, codec=store.codec).step()
    follow(store, handles)
    assert len(rows(store)) == 11


def test_without_old_tables_there_is_no_way_back(store: Store, handles: Handles):
    with pytest.raises(NoPreviousTablesError):
        rollback(store, handles)


@pytest.mark.usefixtures("handles")
def test_other_rules_may_give_other_rows_which_is_told(store: Store):
    done = rebuild(store, Handles(version=2, suffix="!"), by="test")

    assert not done.comparison.is_strict
    assert done.comparison.tables[0].different_rows == 10
    assert run(store, "SELECT version FROM projection") == [(2,)]


def test_older_rules_do_not_replace_newer_ones(store: Store, handles: Handles):
    rebuild(store, Handles(version=2), by="test")

    with pytest.raises(FencedError):
        rebuild(store, handles, by="test")


def test_dead_letters_of_events_that_a_rebuild_took_in_are_gone(
    store: Store, handles: Handles
):
    handles.refuses = "goat10"
    append(store, *goats(11))
    follow(store, handles)
    assert run(store, "SELECT count(*) FROM dead_letter") == [(1,)]
    handles.refuses = None

    with pytest.raises(RowsDifferError, match="1 events are dead letters"):
        rebuild(store, handles, by="test")
    rebuild(store, handles, by="test", options=RebuildOptions(force=True))

    assert run(store, "SELECT count(*) FROM dead_letter") == [(0,)]
    assert len(rows(store)) == 21


def test_a_trigger_that_would_be_lost_keeps_a_rebuild_from_beginning(
    store: Store, handles: Handles
):
    run(
        store,
        "CREATE TRIGGER watched BEFORE UPDATE ON handles "
        "FOR EACH ROW EXECUTE FUNCTION goatherd_refuse_change()",
    )

    with pytest.raises(Exception, match="the trigger watched on handles"):
        rebuild(store, handles, by="test")


@pytest.mark.usefixtures("handles")
def test_a_sliced_rebuild_gathers_merges_and_follows_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("projections.rebuild.slices.SLICE_EVENTS", 3)
    sliced = SlicedHandles(version=2)
    stages: list[str | None] = []

    rebuild(store, sliced, by="test", watch=lambda state: stages.append(state.stage))

    assert [handle for _, handle in rows(store)] == [f"GOAT{n}x" for n in range(10)]
    # The companion may be through with a stage before it is looked at.
    seen = list(dict.fromkeys(stages))
    order = ["gather", "evens", "odds", None]
    assert seen == [stage for stage in order if stage in seen]
    assert seen[-1] is None
    append(store, *goats(1))
    follow(store, sliced)
    assert rows(store)[-1][1] == "goat0"


@pytest.mark.usefixtures("handles")
def test_who_lost_the_lease_of_a_slice_changes_nothing(store: Store):
    sliced = SlicedHandles(version=2)
    begin(store.pool, sliced, by="test")
    late = lease_slice(store.pool, sliced, by="late", seconds=0)
    punctual = lease_slice(store.pool, sliced, by="punctual")
    assert late
    assert punctual
    assert lease_slice(store.pool, sliced, by="third") is None

    assert work_on_one_slice(store, sliced, late) == "lost"
    assert work_on_one_slice(store, sliced, punctual) == "done"
    assert work_on_one_slice(store, sliced, punctual) == "lost"

    assert run(store, "SELECT count(*) FROM goatherd_next_handles.handles") == [(10,)]


@pytest.mark.usefixtures("handles")
def test_a_slice_that_an_outage_cut_off_is_given_back_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    sliced = SlicedHandles(version=2)
    begin(store.pool, sliced, by="test")
    leased = lease_slice(store.pool, sliced, by="unlucky")
    assert leased

    def fail(*_: object) -> None:
        raise psycopg.OperationalError("cut off")

    with monkeypatch.context() as patched:
        patched.setattr(SlicedHandles, "gather", fail)
        with pytest.raises(psycopg.OperationalError, match="cut off"):
            work_on_one_slice(store, sliced, leased)
    again = lease_slice(store.pool, sliced, by="another")

    assert again
    assert work_on_one_slice(store, sliced, again) == "done"


@pytest.mark.usefixtures("handles")
def test_a_rebuild_that_is_stopped_gives_its_slice_back_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("projections.rebuild.slices.SLICE_EVENTS", 3)
    sliced = SlicedHandles(version=2)
    stop = threading.Event()

    def at_once(_: Rebuild) -> None:
        stop.set()

    with pytest.raises(StoppedError):
        rebuild(store, sliced, by="test", stop=stop, watch=at_once)

    held = run(
        store, "SELECT leased_by FROM projection_slice WHERE leased_until > now()"
    )
    assert held == []
    assert rebuild(store, sliced, by="test").was_resumed


@pytest.mark.usefixtures("handles")
def test_a_failure_that_another_worker_noted_ends_the_rebuild(store: Store):
    sliced = SlicedHandles(version=2)

    def fail(state: Rebuild) -> None:
        if state.status == "building":
            error = RefusedEventError(
                "handles", position=3, event="creator_added", why="out of goats"
            )
            note_failure(store.pool, sliced, error)

    with pytest.raises(WorkerFailedError, match="out of goats"):
        rebuild(store, sliced, by="test", watch=fail)

    assert state_of(store, "handles").error_position == 3


@pytest.mark.usefixtures("handles")
def test_an_event_that_cannot_be_gathered_is_named(store: Store):
    sliced = SlicedHandles(version=2)
    sliced.refuses = "goat7"

    with pytest.raises(RefusedEventError, match="creator_added at position 8"):
        rebuild(store, sliced, by="test")

    assert state_of(store, "handles").status == "failed"


@pytest.mark.usefixtures("events")
def test_a_key_that_is_issued_in_the_last_moment_is_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    key = e.ApiKeyCreated(
        key_id=UUID(int=77), name="Key", digest="e" * 64, hint="eeee", scopes=()
    )
    organization = run(store, "SELECT organization_id FROM organizations")[0][0]
    version = len(store.load(organization)[organization]) + 1

    seen: list[TupleRow] = []

    with store.pool.connection() as reader:

        def read() -> None:
            if reader.info.transaction_status == TransactionStatus.INTRANS:
                seen.extend(reader.execute("SELECT id FROM api_keys").fetchall())
                reader.execute("ROLLBACK")

        def issue(_: object) -> None:
            if version == len(store.load(organization)[organization]) + 1:
                store.append(
                    [NewEvent(organization, version, key)],
                    context=asking(),
                    in_transaction=lambda cursor, events: ApiKeys().write(
                        cursor, events
                    ),
                )
                reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                reader.execute("SELECT 1")
            else:
                read()

        monkeypatch.setattr("projections.rebuild.swap.wait_for_older_reads", issue)
        done = rebuild(store, ApiKeys(), by="test")
        read()

    assert done.comparison.is_equal
    assert (UUID(int=77),) in run(store, "SELECT id FROM api_keys")
    # A reader whose snapshot is older than the swap.
    assert (UUID(int=77),) in seen


def test_an_event_that_was_followed_in_the_last_moment_is_there(
    store: Store, handles: Handles
):
    def append_and_follow(state: Rebuild) -> None:
        if state.status == "ready" and len(rows(store)) == 10:
            append(store, *goats(1))
            follow(store, handles)

    rebuild(store, handles, by="test", watch=append_and_follow)

    assert len(rows(store)) == 11
    assert position_of(store, "handles") == store.head()


def test_who_began_to_read_before_the_swap_sees_no_less_afterwards(
    store: Store, handles: Handles, database_url: str
):
    with store.pool.connection() as reader:

        def begin_to_read(state: Rebuild) -> None:
            if state.status == "ready" and len(rows(store)) == 10:
                append(store, *goats(1))
                follow(store, handles)
                reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                reader.execute("SELECT 1")

        with ThreadPoolExecutor(1) as thread, opened_store(database_url) as own:
            building = thread.submit(
                rebuild, own, handles, by="test", watch=begin_to_read
            )
            assert wait_until(
                lambda: reader.info.transaction_status == TransactionStatus.INTRANS,
                seconds=PATIENTLY,
            )
            with pytest.raises(TimeoutError):
                building.result(1)
            seen = reader.execute("SELECT count(*) FROM handles").fetchone()
            reader.execute("ROLLBACK")
            building.result(PATIENTLY)

    assert seen == (11,)
    assert len(rows(store)) == 11


@pytest.mark.usefixtures("events")
def test_the_search_finds_in_the_new_tables(store: Store):
    def found() -> int:
        with store.pool.connection() as connection, connection.transaction():
            row = connection.execute(
                "SELECT set_config('goatherd.organization_id', "
                "organization_id::text, true), right(organization_id::text, 6) "
                "FROM creator_search LIMIT 1"
            ).fetchone()
            assert row is not None
            grams = [f"{row[1]}{letter}" for letter in "c"]
            counted = connection.execute(
                "SELECT count(*) FROM goatherd_search(%s)", (grams,), prepare=True
            ).fetchone()
        assert counted is not None
        return counted[0]

    before = found()
    rebuild(store, CreatorList(), by="test")

    assert found() == before
    assert before > 0
    rebuild(store, CreatorList(), by="test")
    assert found() == before


def test_every_table_has_one_read_model():
    tables = [table for projection in PROJECTIONS for table in projection.tables]

    assert len(tables) == len(set(tables))
