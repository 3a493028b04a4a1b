from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import Cursor
from psycopg_pool import PoolTimeout

from domain.creator.handlers.add import RequestedCreator
from domain.errors import LimitReachedError
from infra.database import writing_pool
from infra.embedded.processes import wait_until
from infra.eventstore import append as appending
from infra.eventstore import recorder
from infra.eventstore.append import QuotaCounter
from infra.eventstore.recorder import AppendConflictError
from infra.eventstore.store import AppendHook, RecordedEvent, Store
from infra.ids import new_id
from tests.kit.builders import asking, events_for, make_home, opened_store
from tests.kit.databases import in_line
from tests.kit.keys import SETTINGS
from tests.kit.patience import PATIENTLY
from tests.kit.proxy import Damage, Proxy

# Part of the very request that makes an append last, by the way events get in.
LAST_REQUEST = {
    "the function": b"actor to be cut",
    "in_transaction": b"COMMIT",
    "COPY": b"COMMIT",
}


@pytest.fixture
def direct(database_url: str) -> Iterator[Store]:
    """A store whose connections nothing happens to."""
    with opened_store(database_url) as store:
        yield store


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    with Proxy(database_url) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: Proxy) -> Iterator[Store]:
    """A store that reaches its database through the proxy."""
    with opened_store(proxy.url) as store:
        yield store


@pytest.fixture(params=LAST_REQUEST)
def way_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "COPY":
        monkeypatch.setattr(appending, "COPY_FROM", 1)
    return request.param


@pytest.mark.parametrize("damage", ("cut answer", "cut request"))
def test_whatever_is_cut_the_append_succeeds_once(
    store: Store, direct: Store, proxy: Proxy, way_in: str, damage: Damage
):
    key, rounds = new_id(), 20
    reported: list[RecordedEvent] = []
    streams = [new_id() for _ in range(rounds)]

    for stream in streams:
        proxy.strike(damage, at=LAST_REQUEST[way_in])
        reported += store.append(
            events_for(stream, "a", "b"),
            context=asking("actor to be cut"),
            quota_counters=[
                QuotaCounter(key=key, delta=1, limit_key="max_goats", maximum=rounds)
            ],
            in_transaction=_in_transaction(way_in),
        )

    assert proxy.struck == rounds
    histories = direct.load(*streams)
    assert reported == [event for stream in streams for event in histories[stream]]
    assert [event.version for event in reported] == [1, 2] * rounds
    assert direct.head() == reported[-1].position
    assert _counted(direct, key) == rounds


def test_a_connection_that_falls_silent_costs_time_but_no_event(
    store: Store, direct: Store, proxy: Proxy
):
    stream = new_id()
    proxy.strike("silence", at=b"actor to be cut")

    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(
            store.append, events_for(stream, "a"), context=asking("actor to be cut")
        )
        proxy.wait_for_strike()
        proxy.cut()
        reported = answer.result()

    assert direct.load(stream)[stream] == reported


def test_an_append_that_the_server_is_still_at_is_waited_for(
    store: Store, direct: Store, proxy: Proxy, database_url: str, way_in: str
):
    stream, key = new_id(), new_id()

    with (
        psycopg.connect(database_url, autocommit=True) as holder,
        ThreadPoolExecutor(1) as thread,
    ):
        # An append stands in line behind us, and so does a second try.
        holder.execute("SELECT pg_advisory_lock(7203914821)")
        answer = thread.submit(
            store.append,
            events_for(stream, "a"),
            context=asking(),
            quota_counters=[
                QuotaCounter(key=key, delta=1, limit_key="max_goats", maximum=1)
            ],
            in_transaction=_in_transaction(way_in),
        )
        assert wait_until(lambda: in_line(holder) == 1, seconds=PATIENTLY)
        proxy.cut()
        assert wait_until(lambda: in_line(holder) == 2, seconds=PATIENTLY)
        holder.execute("SELECT pg_advisory_unlock(7203914821)")
        reported = answer.result()

    assert direct.load(stream)[stream] == reported
    assert _counted(direct, key) == 1


@pytest.mark.parametrize("damage", ("cut answer", "cut request"))
def test_an_append_that_loses_its_connection_again_and_again_gets_through(
    store: Store, direct: Store, proxy: Proxy, damage: Damage
):
    stream = new_id()
    proxy.strike(damage, at=b"actor to be cut", times=3)

    reported = store.append(events_for(stream, "a"), context=asking("actor to be cut"))

    assert direct.load(stream)[stream] == reported
    # A lost answer is found in the log; there is nothing to send a second time.
    assert proxy.struck == (3 if damage == "cut request" else 1)


def test_a_conflict_after_an_unknown_outcome_is_still_a_conflict(
    store: Store, direct: Store, proxy: Proxy, way_in: str
):
    stream, key = new_id(), new_id()
    rival = events_for(stream, "rival")
    # The counter is part of the first request by any way: nothing is locked by then.
    proxy.strike(
        "cut request",
        at=key.bytes,
        meanwhile=lambda: direct.append(rival, context=asking("rival")),
    )

    with pytest.raises(AppendConflictError):
        store.append(
            events_for(stream, "ours"),
            context=asking("actor to be cut"),
            quota_counters=[QuotaCounter(key=key, delta=1)],
            in_transaction=_in_transaction(way_in),
        )

    assert proxy.struck == 1
    assert [event.event for event in direct.load(stream)[stream]] == [rival[0].event]
    assert _counted(direct, key) is None


def test_a_guard_that_broke_during_an_unknown_outcome_is_a_conflict(
    store: Store, direct: Store, proxy: Proxy
):
    stream, guarded = new_id(), new_id()
    proxy.strike(
        "cut request",
        at=b"actor to be cut",
        meanwhile=lambda: direct.append(events_for(guarded, "b"), context=asking()),
    )

    with pytest.raises(AppendConflictError):
        store.append(
            events_for(stream, "ours"),
            context=asking("actor to be cut"),
            guards=[(guarded, 0)],
        )

    assert direct.load(stream)[stream] == []


def test_our_own_event_does_not_break_our_guard(
    store: Store, direct: Store, proxy: Proxy
):
    stream = new_id()
    proxy.strike("cut answer", at=b"actor to be cut")

    reported = store.append(
        events_for(stream, "ours"),
        context=asking("actor to be cut"),
        guards=[(stream, 0)],
    )

    assert direct.load(stream)[stream] == reported


def test_the_last_place_that_we_took_ourselves_is_not_refused_to_us(
    store: Store, direct: Store, proxy: Proxy
):
    counter = QuotaCounter(key=new_id(), delta=1, limit_key="max_goats", maximum=1)
    proxy.strike("cut answer", at=b"actor to be cut")

    reported = store.append(
        events_for(new_id(), "ours"),
        context=asking("actor to be cut"),
        quota_counters=[counter],
    )

    assert direct.head() == reported[0].position
    assert _counted(direct, counter.key) == 1


def test_the_last_place_that_another_took_meanwhile_is_refused(
    store: Store, direct: Store, proxy: Proxy
):
    stream = new_id()
    counter = QuotaCounter(key=new_id(), delta=1, limit_key="max_goats", maximum=1)
    proxy.strike(
        "cut request",
        at=b"actor to be cut",
        meanwhile=lambda: direct.append(
            events_for(new_id(), "rival"), context=asking(), quota_counters=[counter]
        ),
    )

    with pytest.raises(LimitReachedError) as refused:
        store.append(
            events_for(stream, "ours"),
            context=asking("actor to be cut"),
            quota_counters=[counter],
        )

    assert (refused.value.current, refused.value.maximum) == (1, 1)
    assert direct.load(stream)[stream] == []


def test_another_command_at_the_same_place_is_not_taken_for_ours(
    store: Store, direct: Store, proxy: Proxy
):
    stream = new_id()
    same_words = events_for(stream, "ada")
    proxy.strike(
        "cut request",
        at=b"actor to be cut",
        meanwhile=lambda: direct.append(same_words, context=asking("actor to be cut")),
    )

    with pytest.raises(AppendConflictError):
        store.append(same_words, context=asking("actor to be cut"))

    assert len(direct.load(stream)[stream]) == 1


def test_a_creator_whose_answer_was_lost_is_created_once(
    store: Store, direct: Store, proxy: Proxy
):
    home = make_home(store, plan="free")
    proxy.strike("cut answer", at=b"creator_added")

    executed = home.execute_add(RequestedCreator(tiktok_handle="ada"))

    (added,) = executed.result
    assert proxy.struck == 1
    assert added.status == "created"
    ada = added.creator_id
    assert ada is not None
    assert tuple(direct.load(ada)[ada]) == executed.history(ada)
    (again,) = home.add("ada")
    assert again.status == "failed"


def test_a_database_that_stays_away_is_said_to_be_away(
    proxy: Proxy, direct: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recorder, "_LOOK_UP_SECONDS", 0.2)
    pool = writing_pool(proxy.url, size=1)
    pool.timeout = 0.2
    with pool:
        pool.wait()
        store = Store(pool, SETTINGS)
        proxy.close()

        with pytest.raises(psycopg.OperationalError):
            store.append(events_for(new_id(), "a"), context=asking())

    assert direct.head() == 0


def test_where_there_is_no_connection_nobody_waits_for_an_answer(proxy: Proxy):
    proxy.close()
    pool = writing_pool(proxy.url, size=1)
    pool.timeout = 0.1
    pool.open()

    with pytest.raises(PoolTimeout):
        Store(pool, SETTINGS).append(events_for(new_id(), "a"), context=asking())

    assert pool.get_stats()["requests_errors"] == 1
    pool.close()


def test_what_the_server_refused_is_not_tried_again(store: Store, direct: Store):
    tries: list[RecordedEvent] = []

    def too_slow(cursor: Cursor[Any], events: list[RecordedEvent]) -> None:
        tries.extend(events)
        if len(tries) == 1:
            cursor.execute("SET LOCAL statement_timeout = '10ms'")
            cursor.execute("SELECT pg_sleep(60)")

    with pytest.raises(psycopg.errors.QueryCanceled):
        store.append(
            events_for(new_id(), "a"), context=asking(), in_transaction=too_slow
        )

    assert len(tries) == 1
    assert direct.head() == 0


def _in_transaction(way_in: str) -> AppendHook | None:
    if way_in != "in_transaction":
        return None
    return lambda cursor, _: cursor.execute("SELECT 1") and None


def _counted(store: Store, key: object) -> int | None:
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT value FROM quota_counters WHERE key = %s", (key,)
        ).fetchone()
    return row[0] if row else None
