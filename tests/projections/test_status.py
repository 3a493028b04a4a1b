"""Progress: how far projections have come, in events and in seconds."""

from infra.eventstore.store import Store
from projections.bans import Bans
from projections.engine.follower import Follower
from projections.registry import PROJECTIONS
from projections.status import NEVER_STARTED, ProjectionProgress, progress
from tests.kit.builders import NAMES, asking, events_for


def ban(store: Store, *handles: str) -> None:
    for handle in handles:
        store.append(events_for(NAMES.ban_stream(handle), handle), context=asking())


def follower_of_bans(store: Store) -> Follower:
    follower = Follower(Bans(), pool=store.pool, codec=store.codec)
    follower.register()
    return follower


def of_bans(store: Store) -> ProjectionProgress:
    with store.pool.connection() as connection:
        (found,) = (p for p in progress(connection) if p.name == "bans")
    return found


def age(store: Store, seconds: int, *, position: int) -> None:
    """Make an event older than it is."""
    with store.pool.connection() as connection, connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            "UPDATE goatherd_events SET recorded_at = now() - make_interval(secs => %s)"
            " WHERE notification_id = %s",
            (seconds, position),
        )


def test_every_read_model_is_known_before_it_was_ever_followed(store: Store):
    with store.pool.connection() as connection:
        found = progress(connection)

    assert [p.name for p in found] == sorted(p.name for p in PROJECTIONS)
    assert {p.status for p in found} == {NEVER_STARTED}
    assert {p.heartbeat_seconds for p in found} == {None}
    assert {p.lag_events for p in found} == {0}
    assert {p.lag_seconds for p in found} == {0.0}


def test_a_level_projection_lags_by_nothing(store: Store):
    ban(store, "ada", "berta")
    follower_of_bans(store).catch_up()
    age(store, 100, position=2)

    found = of_bans(store)

    assert found.position == found.head == 2
    assert (found.lag_events, found.lag_seconds) == (0, 0.0)
    assert found.status == "following"
    assert found.heartbeat_seconds is not None
    assert found.heartbeat_seconds < 10


def test_the_lag_is_the_age_of_the_first_event_not_taken_in(store: Store):
    ban(store, "ada", "berta", "cleo")
    follower_of_bans(store).step(limit=1)
    age(store, 1_000, position=1)
    age(store, 100, position=2)

    found = of_bans(store)

    assert (found.position, found.head, found.lag_events) == (1, 3, 2)
    assert 100 <= found.lag_seconds < 110


def test_what_was_never_followed_lags_by_the_whole_log(store: Store):
    ban(store, "ada", "berta")
    age(store, 100, position=1)

    found = of_bans(store)

    assert (found.position, found.lag_events) == (0, 2)
    assert 100 <= found.lag_seconds < 110


def test_a_projection_of_another_process_and_its_dead_letters_are_shown(store: Store):
    with store.pool.connection() as connection:
        connection.execute("INSERT INTO projection (name, version) VALUES ('herds', 7)")
        connection.execute(
            "INSERT INTO dead_letter (projection, position, name, error) VALUES "
            "('herds', 1, 'x', 'e'), ('herds', 2, 'x', 'e'), ('bans', 1, 'x', 'e')"
        )

        found = {p.name: p for p in progress(connection)}

    assert found["herds"].version == 7
    assert found["herds"].dead_letters == 2
    assert len(found) == len(PROJECTIONS) + 1
