"""Appends of sealed events: their keys are stored with them, if nobody erased them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.subjects import SubjectErasedError
from infra.eventstore.append import COPY_FROM
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, open_envelopes
from infra.ids import new_id
from infra.keys.keyring import destroy
from tests.infra.eventstore.test_codec import LINES
from tests.kit.builders import (
    ORGANIZATION,
    PROJECT,
    asking,
    events_for,
    opened_store,
)
from tests.kit.schedule import run_sql


def claim(creator_id: UUID, handle: str = "heidi") -> NewEvent:
    event = e.HandleClaimed(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        handle=handle,
        creator_id=creator_id,
    )
    return NewEvent(new_id(), 1, event)


def added(creator_id: UUID, handle: str = "heidi") -> NewEvent:
    event = e.CreatorAdded(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        handle=handle,
        tracking_mode="auto",
    )
    return NewEvent(creator_id, 1, event)


def erase(store: Store, *subjects: UUID) -> int:
    """Erase as the product does, with an event; return its position."""
    (recorded,) = store.append(
        [NewEvent(new_id(), 1, e.CreatorRemoved(organization_id=ORGANIZATION))],
        context=asking(),
        in_transaction=lambda cursor, _: destroy(cursor, subjects),
    )
    return recorded.position


def bodies(store: Store) -> bytes:
    rows = run_sql(store, "SELECT state FROM goatherd_events")
    return b"\n".join(body for (body,) in rows)


def key_count(store: Store) -> int:
    ((count,),) = run_sql(store, "SELECT count(*) FROM subject_keys")
    return count


@pytest.mark.parametrize("amount", (1, 40, COPY_FROM))
def test_what_is_appended_is_stored_sealed_and_read_by_every_store(
    store: Store, database_url: str, amount: int
) -> None:
    entries = [added(new_id()) for _ in range(amount)]

    recorded = store.append(entries, context=asking())

    assert [each.event for each in recorded] == [entry.event for entry in entries]
    assert b"heidi" not in bodies(store)
    assert key_count(store) == amount
    with opened_store(database_url) as another:
        for reader in (store, another):
            histories = reader.load(*(entry.originator_id for entry in entries))
            assert [histories[each.stream] for each in recorded] == [
                [each] for each in recorded
            ]


def test_every_kind_of_event_that_was_ever_stored_can_be_appended_and_read(
    store: Store,
) -> None:
    entries = [
        NewEvent(new_id(), 1, store.codec.decode(line.name, line.body.encode()))
        for line in LINES
    ]

    recorded = store.append(entries, context=asking())

    histories = store.load(*(entry.originator_id for entry in entries))
    assert [histories[entry.originator_id] for entry in entries] == [
        [each] for each in recorded
    ]


def test_the_library_saves_sealed_events(store: Store) -> None:
    stream = new_id()

    store.save(*events_for(stream, "heidi", "peter"), context=asking())

    assert b"heidi" not in bodies(store)
    assert [each.event for each in store.load(stream)[stream]] == [
        e.HandleBanned(handle="heidi"),
        e.HandleBanned(handle="peter"),
    ]


def test_a_subject_with_a_key_keeps_it_though_its_own_stream_begins_later(
    store: Store, database_url: str
) -> None:
    creator_id = new_id()
    first = claim(creator_id)
    with opened_store(database_url) as another:
        another.append([first], context=asking())

    store.append([added(creator_id)], context=asking())

    assert key_count(store) == 1
    histories = store.load(creator_id, first.originator_id)
    assert [len(history) for history in histories.values()] == [1, 1]
    assert "erased" not in str(histories)


def test_two_processes_that_first_seal_for_a_subject_at_once_use_one_key(
    store: Store, database_url: str
) -> None:
    subjects = [new_id() for _ in range(20)]
    barrier = threading.Barrier(2)

    def work(own: Store) -> list[UUID]:
        streams: list[UUID] = []
        for subject in subjects:
            entry = claim(subject)
            barrier.wait()
            own.append([entry], context=asking())
            streams.append(entry.originator_id)
        return streams

    with opened_store(database_url) as another, ThreadPoolExecutor(2) as threads:
        done = [threads.submit(work, own) for own in (store, another)]
        streams = [stream for each in done for stream in each.result()]

    assert key_count(store) == len(subjects)
    with opened_store(database_url) as fresh:
        assert "erased" not in str(fresh.load(*streams))


def test_nothing_is_stored_for_a_subject_that_was_erased(
    store: Store, database_url: str
) -> None:
    creator_id = new_id()
    store.append([added(creator_id)], context=asking())
    erase(store, creator_id)
    head = store.head()

    with opened_store(database_url) as another:
        for own in (store, another):  # one that has its key, and one that has not
            for entry in (claim(creator_id), added(creator_id)):
                with pytest.raises(SubjectErasedError):
                    own.append([claim(new_id()), entry], context=asking())

    assert store.head() == head
    removed = NewEvent(creator_id, 2, e.CreatorRemoved(organization_id=ORGANIZATION))
    assert store.append([removed], context=asking())


@pytest.mark.parametrize("amount", (1, COPY_FROM))
def test_an_append_that_began_before_an_erasure_fails_after_it(
    store: Store, amount: int
) -> None:
    """It has the key, and waits for the append lock as the key is destroyed."""
    creator_id = new_id()
    store.append([added(creator_id)], context=asking())
    entries = [claim(creator_id) for _ in range(amount)]
    started = threading.Event()

    def append() -> list[RecordedEvent]:
        started.set()
        return store.append(entries, context=asking())

    with ThreadPoolExecutor(1) as threads:
        with store.pool.connection() as connection, connection.transaction():
            destroy(connection.cursor(), [creator_id])
            late = threads.submit(append)
            started.wait()
            while not _someone_waits(connection):
                pass
        with pytest.raises(SubjectErasedError):
            late.result()

    assert store.load(entries[0].originator_id) == {entries[0].originator_id: []}


def test_the_library_stores_nothing_for_a_subject_that_was_erased(
    store: Store,
) -> None:
    """Its mapper sealed the event before the erasure."""
    creator_id = new_id()
    sealed = store.mapper.to_stored_event(claim(creator_id))
    erase(store, creator_id)
    head = store.head()

    with pytest.raises(SubjectErasedError):
        store.event_recorder.insert_events([sealed], context=asking())

    assert store.head() == head


def _someone_waits(connection: Connection[TupleRow]) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database "
        "WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted)"
    ).fetchone()
    return row is not None and row[0]


def test_nothing_personal_is_recorded_after_an_erasure(
    store: Store, database_url: str
) -> None:
    creator_id = new_id()
    store.append([added(creator_id)], context=asking())

    def append_until_refused(own: Store) -> int:
        last = 0
        while True:
            try:
                last = own.append([claim(creator_id)], context=asking())[0].position
            except SubjectErasedError:
                return last

    with opened_store(database_url) as another, ThreadPoolExecutor(3) as threads:
        writers = [
            threads.submit(append_until_refused, own)
            for own in (store, another, another)
        ]
        while store.head() < 30:
            pass
        erased_at = erase(store, creator_id)
        newest = [writer.result() for writer in writers]

    assert max(newest) < erased_at
    rows = run_sql(
        store,
        "SELECT max(position) FROM event_log WHERE name = 'handle_claimed'",
    )
    assert rows == [(max(newest),)]


def test_the_events_of_an_erased_subject_stay_and_say_nothing_of_it(
    store: Store, database_url: str
) -> None:
    creator_id, other_id = new_id(), new_id()
    recorded = store.append([added(creator_id), added(other_id)], context=asking())
    before = bodies(store)

    erase(store, creator_id)

    with opened_store(database_url) as fresh:
        rows = fresh.event_recorder.select_streams([creator_id, other_id])
        events = {each.stream: each for each in open_envelopes(rows, fresh.codec)}
    erased = events[creator_id].event
    assert isinstance(erased, e.CreatorAdded)
    assert (erased.handle, erased.project_id) == ("erased", PROJECT)
    assert events[creator_id].position == recorded[0].position
    assert events[other_id] == recorded[1]
    assert bodies(store).startswith(before)
