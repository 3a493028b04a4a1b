"""A follower among faults: no event is applied twice, and none is left out."""

import threading
from collections.abc import Iterator, Sequence

import psycopg
import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.codec import Codec
from infra.eventstore.store import RecordedEvent, Store
from projections.creators.projection import CreatorList
from projections.engine import follower as following
from projections.engine.follower import FencedError
from projections.engine.projection import Projection
from projections.registry import PROJECTIONS
from tests.kit.builders import opened_store
from tests.kit.histories import added
from tests.kit.keys import SETTINGS
from tests.kit.patience import PATIENTLY
from tests.projections.analytics.ledger import (
    Ledger,
    append,
    create_ledger,
    dead_letters,
    goats,
    position_of,
    registered,
    taken_in,
)
from workers.policies.known_videos import KnownVideos
from workers.scraping.identity import CreatorIdentities

FOLLOWED: tuple[Projection, ...] = (*PROJECTIONS, CreatorIdentities(), KnownVideos())


class GoatMilked(e.Event, frozen=True, kw_only=True):
    """An event of a release that is not this one."""

    litres: int


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url) as store:
        create_ledger(store)
        yield store


def test_rows_and_position_stand_or_fall_together(store: Store, database_url: str):
    def die_once(cursor: Cursor[TupleRow], _: Sequence[RecordedEvent]) -> None:
        ledger.then = None
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(%s, 5000)",
                (cursor.connection.info.backend_pid,),
            )

    ledger = Ledger(then=die_once)
    follower = registered(store, ledger)
    positions = append(store, *goats(10))

    with pytest.raises(psycopg.OperationalError):
        follower.step()
    after_the_kill = taken_in(store), position_of(store), dead_letters(store)
    follower.catch_up()

    assert after_the_kill == ([], 0, [])
    assert (taken_in(store), position_of(store)) == (positions, positions[-1])


def test_of_two_followers_one_works_and_the_other_waits(store: Store):
    writing, go_on = threading.Event(), threading.Event()

    def dawdle(_: Cursor[TupleRow], __: Sequence[RecordedEvent]) -> None:
        writing.set()
        assert go_on.wait(PATIENTLY)

    first = registered(store, Ledger(then=dawdle))
    second = registered(store, Ledger())
    positions = append(store, *goats(3))
    passed: list[int] = []
    thread = threading.Thread(target=lambda: passed.append(first.step()), daemon=True)
    thread.start()
    assert writing.wait(PATIENTLY)

    while_the_first_writes = second.step()
    go_on.set()
    thread.join(PATIENTLY)

    assert (while_the_first_writes, passed) == (0, [3])
    assert taken_in(store) == positions
    assert second.step() == 0


def test_a_follower_with_other_rules_is_fenced_off(store: Store):
    old, new = Ledger(), Ledger(version=2)
    append(store, *goats(2))
    registered(store, new)

    with pytest.raises(FencedError, match=r"ledger is at version 2.* has 1"):
        registered(store, old).step()

    assert (taken_in(store), position_of(store)) == ([], 0)
    assert registered(store, new).catch_up() == 2


def test_a_dead_letter_has_no_values_of_the_rows_that_postgresql_names(store: Store):
    def refuse(cursor: Cursor[TupleRow], _: Sequence[RecordedEvent]) -> None:
        cursor.execute(
            "INSERT INTO dead_letter (projection, position, name, error) "
            "VALUES ('heidi', 1, 'of the alp', NULL)"
        )

    follower = registered(store, Ledger(then=refuse))
    append(store, *goats(1))

    follower.step()

    (letter,) = dead_letters(store)
    assert "violates not-null constraint" in letter[3]
    assert "heidi" not in letter[3]
    assert "alp" not in letter[3]


def test_a_bad_event_becomes_a_dead_letter_with_its_reason_and_the_rest_taken_in(
    store: Store,
):
    unkeepable = added("bad", metadata={"PostgreSQL keeps no": "\0"})
    follower = registered(store, CreatorList())
    *_, bad, last = append(store, *goats(2), unkeepable, added("fine"))

    passed = follower.step()

    with store.pool.connection() as connection:
        handles = connection.execute(
            "SELECT tiktok_handle FROM creator_list"
        ).fetchall()
    assert passed == 4
    assert sorted(handles) == [("fine",), ("goat0",), ("goat1",)]
    assert position_of(store, "creator_list") == last
    (letter,) = dead_letters(store)
    assert letter[:3] == ("creator_list", bad, "creator_added")
    assert letter[3].startswith("UntranslatableCharacter(")


def test_an_event_that_this_release_does_not_know_becomes_a_dead_letter(store: Store):
    follower = registered(store, Ledger())
    newer = Store(store.pool, SETTINGS)
    newer.codec = Codec({**e.STORED_NAMES, "goat_milked": GoatMilked})
    before, unknown, after = (
        *append(store, added("before")),
        *append(newer, GoatMilked(litres=3)),
        *append(store, added("after")),
    )

    follower.catch_up()

    assert taken_in(store) == [before, after]
    ((*where, error),) = dead_letters(store)
    assert where == ["ledger", unknown, "goat_milked"]
    assert "no code knows that name" in error


@pytest.mark.parametrize("projection", FOLLOWED, ids=lambda each: each.name)
def test_an_event_that_nobody_knows_becomes_a_dead_letter_by_every_projection(
    store: Store, projection: Projection
):
    follower = registered(store, projection)
    newer = Store(store.pool, SETTINGS)
    newer.codec = Codec({**e.STORED_NAMES, "goat_milked": GoatMilked})
    (unknown,) = append(newer, GoatMilked(litres=3))

    follower.catch_up()

    ((*where, _),) = dead_letters(store)
    assert where == [projection.name, unknown, "goat_milked"]
    assert position_of(store, projection.name) == unknown


def test_what_turns_out_to_be_of_no_interest_becomes_a_dead_letter_no_more(
    store: Store,
):
    newer = Store(store.pool, SETTINGS)
    newer.codec = Codec({**e.STORED_NAMES, "goat_milked": GoatMilked})
    append(newer, GoatMilked(litres=3))
    registered(store, Ledger()).catch_up()
    assert len(dead_letters(store)) == 1

    registered(newer, Ledger()).catch_up()

    assert dead_letters(store) == []


def test_a_body_that_does_not_fit_its_name_becomes_a_dead_letter(store: Store):
    follower = registered(store, Ledger())
    newer = Store(store.pool, SETTINGS)
    newer.codec = Codec({"creator_added": GoatMilked})
    (before,) = append(store, added("before"))
    (misfit,) = append(newer, GoatMilked(litres=3))

    follower.catch_up()

    assert taken_in(store) == [before]
    ((*where, error),) = dead_letters(store)
    assert where == ["ledger", misfit, "creator_added"]
    assert "organization_id" in error


def test_parking_the_same_event_again_leaves_one_letter(store: Store):
    follower = registered(store, CreatorList())
    append(store, added("bad", metadata={"": "\0"}))
    follower.catch_up()

    with store.pool.connection() as connection:
        connection.execute("UPDATE projection SET position = 0")
    follower.catch_up()

    assert len(dead_letters(store)) == 1


def test_when_everything_fails_nothing_becomes_a_dead_letter_and_the_position_stays(
    store: Store,
):
    def refuse(_: Cursor[TupleRow], __: Sequence[RecordedEvent]) -> None:
        msg = "This release has a bug."
        raise ValueError(msg)

    append(store, *goats(following.MOST_DEAD_LETTERS_AT_ONCE + 1))
    follower = registered(store, Ledger(then=refuse))

    with pytest.raises(ValueError, match="has a bug"):
        follower.step()

    assert (taken_in(store), position_of(store), dead_letters(store)) == ([], 0, [])


def test_as_many_bad_events_as_may_be_become_dead_letters(store: Store):
    bad = [added("bad", metadata={"": "\0"})] * following.MOST_DEAD_LETTERS_AT_ONCE
    append(store, *bad, *goats(1))
    follower = registered(store, CreatorList())

    follower.catch_up()

    assert len(dead_letters(store)) == following.MOST_DEAD_LETTERS_AT_ONCE


def test_a_table_that_is_missing_is_waited_for_and_parks_nothing(store: Store):
    follower = registered(store, Ledger())
    positions = append(store, *goats(3))
    with store.pool.connection() as connection:
        connection.execute("ALTER TABLE ledger RENAME TO elsewhere")

    with pytest.raises(psycopg.errors.UndefinedTable):
        follower.step()
    found = dead_letters(store)
    with store.pool.connection() as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO ledger")
    follower.catch_up()

    assert found == []
    assert taken_in(store) == positions
