"""Projections that follow together: the fault of one costs the others nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.embedded.processes import wait_until
from infra.eventstore import store as log_reader
from infra.eventstore.codec import Codec, NewEvent
from infra.eventstore.store import RecordedEvent, Store
from infra.ids import new_id
from infra.keys.keyring import Keys
from projections.engine import follower_group
from projections.engine.follower import Follower
from projections.engine.follower_group import FollowerGroup
from tests.kit.builders import asking, opened_store
from tests.kit.histories import added
from tests.kit.patience import PATIENTLY
from tests.kit.threads import followed_by
from tests.projections.analytics.ledger import (
    Ledger,
    Then,
    append,
    create_ledger,
    dead_letters,
    goats,
    position_of,
    registered,
    taken_in,
)


class Second(Ledger):
    """Another ledger with a table of its own."""

    name = "second"

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        cursor.execute(
            "INSERT INTO second SELECT unnest(%s::bigint[])",
            ([event.position for event in events],),
        )
        if self.then is not None:
            self.then(cursor, events)


class Idle(Ledger):
    """A projection of events that nobody appends here."""

    name = "idle"
    events = frozenset({"creator_removed"})


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url) as store:
        create_ledger(store)
        with store.pool.connection() as connection:
            connection.execute("CREATE TABLE second (position bigint NOT NULL)")
        yield store


def second(store: Store) -> list[int]:
    with store.pool.connection() as connection:
        rows = connection.execute("SELECT position FROM second ORDER BY position")
        return [row[0] for row in rows]


def refusing(handle: str) -> Then:
    def refuse(_: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        for each in events:
            if isinstance(each.event, e.CreatorAdded):
                assert each.event.handle != handle, "not this one"

    return refuse


def test_an_event_is_decoded_once_for_all_and_others_move_their_checkpoint(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    decoded: Counter[int] = Counter()
    open_envelope = log_reader.open_envelope

    def counting(
        row: TupleRow, codec: Codec, keys: Keys | None = None
    ) -> RecordedEvent:
        decoded[row[0]] += 1
        return open_envelope(row, codec, keys)

    monkeypatch.setattr(follower_group, "open_envelope", counting)
    group = FollowerGroup(store, [Ledger(), Second(), Idle()])
    with followed_by(group, database_url):
        positions = append(store, *goats(50))
        all_in = wait_until(
            lambda: (
                {position_of(store, name) for name in group.names} == {positions[-1]}
            ),
            seconds=PATIENTLY,
        )

    assert all_in
    assert taken_in(store) == second(store) == positions
    assert decoded == Counter(positions)


def test_a_projection_that_fails_goes_on_alone_and_returns(
    store: Store, database_url: str
):
    failing = Ledger(then=refusing("goat3"))
    with followed_by(FollowerGroup(store, [failing, Second()]), database_url):
        positions = append(store, *goats(6))
        both = wait_until(
            lambda: position_of(store) == position_of(store, "second") == positions[-1],
            seconds=PATIENTLY,
        )
        later = append(store, *goats(2))
        again = wait_until(
            lambda: position_of(store) == position_of(store, "second") == later[-1],
            seconds=PATIENTLY,
        )

    assert (both, again) == (True, True)
    assert second(store) == [*positions, *later]
    bad = positions[3]
    assert taken_in(store) == [each for each in (*positions, *later) if each != bad]
    assert [letter[:2] for letter in dead_letters(store)] == [("ledger", bad)]


def test_a_projection_without_its_table_delays_no_other_and_returns_with_it(
    store: Store, database_url: str
):
    with store.pool.connection() as connection:
        connection.execute("DROP TABLE ledger")
    with followed_by(FollowerGroup(store, [Ledger(), Second()]), database_url):
        positions = append(store, *goats(3))
        others = wait_until(lambda: second(store) == positions, seconds=PATIENTLY)
        stays = position_of(store)
        create_ledger(store)
        returned = wait_until(
            lambda: position_of(store) == positions[-1], seconds=PATIENTLY
        )

    assert (others, stays, returned) == (True, 0, True)
    assert taken_in(store) == positions
    assert dead_letters(store) == []


def test_a_locked_table_delays_the_other_projections_only_shortly(
    store: Store, database_url: str
):
    with (
        followed_by(FollowerGroup(store, [Ledger(), Second()]), database_url),
        store.pool.connection() as connection,
    ):
        with connection.transaction():
            connection.execute("LOCK TABLE ledger")
            positions = append(store, *goats(3))
            positions += append(store, *goats(3))
            others = wait_until(lambda: second(store) == positions, seconds=PATIENTLY)
        both = wait_until(
            lambda: position_of(store) == positions[-1], seconds=PATIENTLY
        )

    assert (others, both) == (True, True)
    assert taken_in(store) == positions


def test_a_projection_far_behind_catches_up_alone_while_others_follow(
    store: Store, database_url: str
):
    old = append(store, *goats(follower_group.FAR_BEHIND + 50))
    registered(store, Second()).catch_up()
    steps: list[int] = []

    def count(_: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        steps.append(len(events))

    with followed_by(
        FollowerGroup(store, [Ledger(then=count), Second()]), database_url
    ):
        new = append(store, *goats(2))
        both = wait_until(
            lambda: position_of(store) == position_of(store, "second") == new[-1],
            seconds=PATIENTLY,
        )

    assert both
    assert taken_in(store) == second(store) == [*old, *new]
    # A common batch is never so large.
    assert steps[0] > follower_group.GROUP_BATCH


def test_a_stream_that_a_dead_letter_holds_back_is_held_back_from_the_group_too(
    store: Store, database_url: str
):
    stream = new_id()
    (bad,) = store.append([NewEvent(stream, 1, added("goat0"))], context=asking())
    registered(store, Ledger(then=refusing("goat0"))).catch_up()
    with followed_by(FollowerGroup(store, [Ledger(), Second()]), database_url):
        (held,) = store.append([NewEvent(stream, 2, added("goat1"))], context=asking())
        (fine,) = append(store, *goats(1))
        both = wait_until(
            lambda: position_of(store) == position_of(store, "second") == fine,
            seconds=PATIENTLY,
        )

    assert both
    assert taken_in(store) == [fine]
    assert second(store) == [bad.position, held.position, fine]


def test_a_projection_of_another_version_is_left_out_until_its_own_is_back(
    store: Store, database_url: str
):
    def set_version(version: int) -> None:
        with store.pool.connection() as connection:
            connection.execute(
                "UPDATE projection SET version = %s WHERE name = 'ledger'", (version,)
            )

    group = FollowerGroup(store, [Ledger(), Second()])
    group.register()
    set_version(2)
    with followed_by(group, database_url):
        positions = append(store, *goats(3))
        others = wait_until(lambda: second(store) == positions, seconds=PATIENTLY)
        left_out = position_of(store), taken_in(store)
        set_version(1)
        returned = wait_until(lambda: taken_in(store) == positions, seconds=PATIENTLY)

    assert (others, left_out, returned) == (True, (0, []), True)


def test_a_group_and_a_follower_alone_apply_each_event_once(
    store: Store, database_url: str
):
    alone: Follower = registered(store, Ledger())
    positions: list[int] = []
    with followed_by(FollowerGroup(store, [Ledger(), Second()]), database_url):
        for _ in range(30):
            positions += append(store, *goats(20))
            alone.catch_up()
        both = wait_until(
            lambda: position_of(store) == position_of(store, "second") == positions[-1],
            seconds=PATIENTLY,
        )

    assert both
    assert taken_in(store) == second(store) == positions
