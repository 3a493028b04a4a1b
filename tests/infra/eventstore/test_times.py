"""Times of the log, where the server's clock steps back."""

from datetime import timedelta
from uuid import UUID

import pytest

from infra.eventstore.append import COPY_FROM
from infra.eventstore.store import Store
from infra.ids import new_id
from tests.kit.builders import asking, events_for


def step_back(store: Store) -> None:
    """Let the log have been written by a clock that was an hour ahead."""
    with store.pool.connection() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            "UPDATE goatherd_events SET recorded_at = recorded_at + interval '1 hour'"
        )


@pytest.mark.parametrize("amount", (1, 3, COPY_FROM), ids=("one", "few", "copied"))
def test_what_is_appended_after_a_step_back_is_no_earlier(store: Store, amount: int):
    first, second = new_id(), new_id()
    store.append(events_for(first, "ada"), context=asking())
    step_back(store)
    ((before,),) = store.load(first).values()

    names = [f"goat-{number}" for number in range(amount)]
    appended = store.append(events_for(second, *names), context=asking())

    assert {one.recorded_at for one in appended} == {before.recorded_at}
    assert store.load(second)[second] == appended
    assert _position_at(store, before.recorded_at) == appended[-1].position
    assert _position_at(store, before.recorded_at - timedelta(seconds=1)) == 0
    assert _broken_links(store, second) == 0


def test_times_are_the_clock_s_again_once_it_has_caught_up(store: Store):
    store.append(events_for(new_id(), "ada"), context=asking())

    (first,) = store.append(events_for(new_id(), "berta"), context=asking())
    (second,) = store.append(events_for(new_id(), "carla"), context=asking())

    assert first.recorded_at < second.recorded_at


def _position_at(store: Store, at: object) -> int:
    with store.pool.connection() as connection:
        row = connection.execute(
            "SELECT * FROM goatherd_log_end(%s, NULL)", (at,)
        ).fetchone()
    return 0 if row is None or row[0] is None else row[0]


def _broken_links(store: Store, stream: UUID) -> int:
    with store.pool.connection() as connection:
        row = connection.execute(
            """
            SELECT count(*) FROM goatherd_events e LEFT JOIN goatherd_events p
                ON p.originator_id = e.originator_id
                AND p.originator_version = e.originator_version - 1
            WHERE e.originator_id = %s AND e.digest <> goatherd_link(
                coalesce(p.digest, ''), goatherd_moment(e.recorded_at),
                goatherd_ask(e.actor, e.correlation_id, e.causation_id),
                e.originator_id, e.originator_version, e.topic, e.state)
            """,
            (stream,),
        ).fetchone()
    assert row is not None
    return row[0]
