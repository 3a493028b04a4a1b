"""The keys of a search: the grams of a handle, and buckets of followers."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.creators.projection import CreatorList
from projections.creators.search_keys import follower_bucket, search_grams
from tests.kit.expected import rows_of
from tests.kit.histories import (
    HOME,
    History,
    added,
    snapshot,
)

BILLIE = UUID("b1111111-0000-4000-8000-000000000000")
SCRAPE = UUID("5c5c5c5c-0000-4000-8000-000000000000")
COUNTS = (None, *range(-9, 10), 2**31, 2**63 - 1, 2**62, 2**62 - 1, -(2**62), -(2**63))

Reading = Connection[TupleRow]


def take_in(connection: Reading, *events: RecordedEvent) -> None:
    with connection.cursor() as cursor:
        CreatorList().write(cursor, events)


def found_by(connection: Reading, part: str) -> list[UUID]:
    """The creators whose handle has ``part``, found by the index of a tenant."""
    connection.execute(
        "SELECT set_config('goatherd.organization_id', %s, true)", (str(HOME),)
    )
    rows = connection.execute(
        "SELECT id FROM goatherd_search(%s)", (search_grams(HOME, part),)
    )
    return [row[0] for row in rows]


def written_by(connection: Reading) -> list[TupleRow]:
    """Which transaction wrote each row, and where it stands."""
    return connection.execute("SELECT xmin, cmin, ctid FROM creator_search").fetchall()


def test_the_index_has_every_run_of_one_to_three_characters(connection: Reading):
    row = connection.execute(
        "SELECT goatherd_grams(%s, %s)", (HOME, "ab.cab")
    ).fetchone()

    assert row is not None
    runs = ["a", "b", ".", "c", "ab", "b.", ".c", "ca", "ab.", "b.c", ".ca", "cab"]
    assert set(row[0]) == {str(HOME)[-6:] + run for run in runs}


def test_the_grams_of_a_long_text_take_time_that_grows_with_its_length(
    connection: Reading,
):
    connection.execute("SET LOCAL statement_timeout = '15s'")

    row = connection.execute(
        "SELECT cardinality(goatherd_grams(%s, %s))", (HOME, "\N{GOAT} " * 50_000)
    ).fetchone()

    assert row == (300_000,)


@pytest.mark.parametrize("part", ("w", "wi", "wil", "il", "iam", "m", "william"))
def test_the_search_follows_a_rename(connection: Reading, history: History, part: str):
    take_in(connection, *history.happened(BILLIE, added("b.i_e")))
    renamed = e.HandleChanged(organization_id=HOME, old="b.i_e", new="william")

    take_in(connection, *history.happened(BILLIE, renamed))

    assert found_by(connection, part) == [BILLIE]
    assert found_by(connection, ".i_") == []
    assert found_by(connection, "b") == []


def test_the_search_follows_the_status(connection: Reading, history: History):
    take_in(connection, *history.happened(BILLIE, added()))

    take_in(
        connection, *history.happened(BILLIE, e.CreatorRemoved(organization_id=HOME))
    )

    (row,) = rows_of(connection, "creator_search")
    assert row["status"] == "removed"


def test_new_figures_touch_the_search_only_with_another_bucket(
    connection: Reading, history: History
):
    take_in(connection, *history.happened(BILLIE, added()))
    take_in(
        connection,
        *history.happened(SCRAPE, snapshot(BILLIE, day=1, follower_count=1024)),
    )
    before = written_by(connection)

    take_in(
        connection,
        *history.happened(SCRAPE, snapshot(BILLIE, day=2, follower_count=2047)),
    )
    of_the_same = written_by(connection)
    take_in(
        connection,
        *history.happened(SCRAPE, snapshot(BILLIE, day=3, follower_count=2048)),
    )

    assert of_the_same == before
    assert written_by(connection) != before
    (row,) = rows_of(connection, "creator_search")
    assert row["follower_bucket"] == 12


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_the_greater_count_never_has_the_lesser_bucket(one: int, other: int):
    less, more = sorted((one, other))

    assert follower_bucket(less) <= follower_bucket(more)


def test_creators_without_followers_known_stand_as_the_sort_has_them():
    assert follower_bucket(None) == follower_bucket(-1)
    assert follower_bucket(-2) < follower_bucket(None) < follower_bucket(0)


def _added_at(history: History, creator_id: UUID) -> object:
    return next(
        event.recorded_at for event in history.events if event.stream == creator_id
    )
