"""Saves through the store, against plain INSERTs of the very same rows."""

from collections.abc import Iterator, Sequence
from itertools import count

import psycopg
import pytest
from psycopg import Cursor, sql
from psycopg.rows import TupleRow

from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.benchmarks.harness import Report, interleaved, seconds
from tests.benchmarks.histories import a_creator, addition, details
from tests.kit.builders import opened_store

SINGLES = 1_000
HUNDREDS = 200
CREATORS = 100

_COLUMNS = (
    "notification_id, originator_id, originator_version, topic, state, recorded_at, "
    "actor, correlation_id, causation_id, digest"
)
_TYPES = (
    *("bigint", "uuid", "bigint", "text", "bytea", "timestamptz"),
    *("text", "uuid", "uuid", "bytea"),
)
_NEWEST = f"""
SELECT {_COLUMNS} FROM goatherd_events WHERE notification_id >
    (SELECT max(notification_id) FROM goatherd_events) - %b::bigint
ORDER BY notification_id
"""
_INSERT = f"""
INSERT INTO floor_events ({_COLUMNS}) VALUES ({", ".join(["%b"] * len(_TYPES))})
"""
_INSERT_MANY = f"""
INSERT INTO floor_events ({_COLUMNS})
SELECT * FROM unnest({", ".join(f"%b::{each}[]" for each in _TYPES)})
"""
_FLOOR_TABLE = """
CREATE TABLE floor_events (LIKE goatherd_events INCLUDING DEFAULTS);
ALTER TABLE floor_events ADD PRIMARY KEY (originator_id, originator_version);
CREATE UNIQUE INDEX ON floor_events (notification_id)
"""
_HOW = (
    "Saves: one thread and one connection on each side. The floor inserts the same "
    "rows as the store has just stored (position, metadata and digest included) into a "
    "table with the same columns and indexes, in autocommit, prepared and in binary, "
    "through the same psycopg."
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with one connection, as the floor has one."""
    with opened_store(database_url, pool_size=1) as store:
        yield store


@pytest.fixture
def plain(database_url: str) -> Iterator[Cursor[TupleRow]]:
    """A cursor on a plain connection to the floor's table."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_FLOOR_TABLE)
        yield connection.cursor(binary=True)


def test_one_event_at_a_time(store: Store, plain: Cursor[TupleRow], report: Report):
    population = [a_creator(new_id(), new_id(), number) for number in range(CREATORS)]
    append_all(store, [addition(creator) for creator in population])
    numbers = count()

    def next_singles() -> list[list[NewEvent]]:
        turns = (divmod(next(numbers), CREATORS) for _ in range(SINGLES))
        return [[details(population[which], 2 + turn)] for turn, which in turns]

    ours, floor = interleaved(
        lambda: append_all(store, next_singles()),
        lambda: insert_all(plain, newest(plain, SINGLES), _INSERT),
    )

    assert stored(plain, "floor_events") == 6 * SINGLES
    report.compare(
        "Save of one event",
        ours=ours,
        floor=floor,
        unit="events/s",
        at_least=0.45,
        how=_HOW,
    )


def test_a_hundred_events_at_a_time(
    store: Store, plain: Cursor[TupleRow], report: Report
):
    organization_id, project_id = new_id(), new_id()
    numbers = count()

    def next_hundreds() -> list[list[NewEvent]]:
        return [
            [
                entry
                for _ in range(25)
                for entry in addition(
                    a_creator(organization_id, project_id, next(numbers))
                )
            ]
            for _ in range(HUNDREDS)
        ]

    def insert_hundreds() -> float:
        rows = newest(plain, 100 * HUNDREDS)
        batches = [rows[n : n + 100] for n in range(0, len(rows), 100)]
        columns = [tuple(map(list, zip(*batch, strict=True))) for batch in batches]
        return 100 * insert_all(plain, columns, _INSERT_MANY)

    ours, floor = interleaved(
        lambda: append_all(store, next_hundreds()), insert_hundreds
    )

    assert stored(plain, "floor_events") == 6 * 100 * HUNDREDS
    report.compare(
        "Save of 100 events",
        ours=ours,
        floor=floor,
        unit="events/s",
        at_least=0.8,
        how=_HOW,
    )


def append_all(store: Store, appends: Sequence[list[NewEvent]]) -> float:
    """Append each in turn; return events a second."""
    contexts = [
        Context(actor=f"key:{new_id()}", command_id=new_id(), correlation_id=new_id())
        for _ in appends
    ]

    def save() -> None:
        for entries, context in zip(appends, contexts, strict=True):
            store.append(entries, context=context)

    return sum(map(len, appends)) / seconds(save)


def newest(plain: Cursor[TupleRow], amount: int) -> list[TupleRow]:
    """Return the last ``amount`` rows of the log, in its order."""
    return plain.execute(_NEWEST.encode(), (amount,)).fetchall()


def insert_all(
    plain: Cursor[TupleRow], parameters: Sequence[Sequence[object]], statement: str
) -> float:
    """Carry out the statement with each in turn; return statements a second."""
    query = statement.encode()

    def insert() -> None:
        for each in parameters:
            plain.execute(query, each, prepare=True)

    return len(parameters) / seconds(insert)


def stored(plain: Cursor[TupleRow], table: str) -> int:
    row = plain.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    ).fetchone()
    assert row is not None
    return row[0]
