"""The load of the schedule, and the age of the oldest counts, from the tables."""

from datetime import timedelta
from uuid import UUID

import pytest

from api.system.all_projections import ALL_PROJECTIONS
from domain import events as e
from infra.eventstore.store import Store
from infra.setting_forms import ProviderName
from infra.settings import Settings
from projections.engine.follower import Follower
from tests.kit.builders import Home
from tests.kit.schedule import follow_schedule
from tests.kit.videos import INSIDE, MONDAY, a_creator, a_run, happened, settle
from workers.schedule.load import capacities, oldest_counts_at


def catch_up(store: Store) -> None:
    for projection in ALL_PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()
    settle(store)


def needed(store: Store, *providers: ProviderName) -> tuple[int, int]:
    with store.pool.connection() as connection:
        found = capacities(connection, Settings(providers=providers))
    return found["web"].requests_needed, found["web"].creators


def test_each_creator_takes_the_requests_of_its_schedule(home: Home, store: Store):
    for handle in ("ada", "bea", "cleo"):
        a_creator(home, handle)
    home.remove(a_creator(home, "dora"))
    catch_up(store)
    follow_schedule(store)

    assert needed(store, "web") == (3 * 20, 3)


def test_creators_who_connected_their_accounts_take_none(home: Home, store: Store):
    ada = a_creator(home, "ada")
    a_creator(home, "bea")
    catch_up(store)
    follow_schedule(store)
    connected(store, home.organization_id, ada)

    assert needed(store, "display", "web") == (20, 1)
    assert needed(store, "web", "display") == (40, 2)


def connected(store: Store, organization_id: UUID, creator_id: UUID) -> None:
    with store.pool.connection() as connection:
        connection.execute(_CONNECTED, (creator_id, organization_id))


_CONNECTED = """
INSERT INTO creator_connections (id, creator_id, organization_id, provider, state,
    account, scopes, access_ends_at, refresh_at, refresh_ends_at)
VALUES (gen_random_uuid(), %s, %s, 'display', 'connected', '', '{}', now(), now(),
    now())
"""


@pytest.mark.parametrize(
    "providers",
    ((), ("replay",), ("display",), ("scrapecreators", "web"), ("replay", "web")),
)
def test_a_source_without_a_pace_has_no_capacity_nor_has_one_after_it(
    home: Home, store: Store, providers: tuple[ProviderName, ...]
):
    a_creator(home, "ada")
    catch_up(store)
    follow_schedule(store)

    with store.pool.connection() as connection:
        assert capacities(connection, Settings(providers=providers)) == {}


def test_the_oldest_counts_are_those_of_a_video_that_counts(home: Home, store: Store):
    ada = a_creator(home, "ada")
    a_run(home, ada, "71", "72", "73", posted_at=[INSIDE] * 3)
    catch_up(store)
    happened(home, "71", e.VideoExcluded(organization_id=home.organization_id))
    a_run(home, ada, "72", day=3)
    catch_up(store)
    with store.pool.connection() as connection:
        before = oldest_counts_at(connection)
    a_run(home, ada, "73", day=5)
    catch_up(store)

    with store.pool.connection() as connection:
        after = oldest_counts_at(connection)
    assert before == MONDAY
    assert after == MONDAY + timedelta(days=3)
