"""Consents that come at the same time, and those that cannot be stored."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from application.connect import rows
from application.connect.consent import Arrival, Consents
from application.connect.links import MOST_ATTEMPTS, add_link
from application.connect.outcomes import Connected
from application.connect.revocation import Revoker
from application.connect.sealing import ConnectionSeal, Tokens
from application.connect.service import Connections
from domain import events as e
from domain.connection.links import new_link
from infra.embedded.processes import wait_until
from infra.eventstore.store import Store, plain_events
from infra.ids import new_id
from tests.kit.builders import Home
from tests.kit.connections import Fake, account, fake_tiktok, grant

_WAITS = """
SELECT FROM pg_stat_activity WHERE datname = current_database()
AND wait_event_type = 'Lock' AND query ILIKE %s
"""


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_tiktok(account("billie"), account("berta")) as fake:
        yield fake


def consents_of(store: Store, fake: Fake) -> Consents:
    consents = Connections(store, fake.settings(store.settings)).consents
    assert consents is not None
    return consents


def arrival(home: Home, fake: Fake, creator_id: UUID, username: str) -> Arrival:
    """A browser that came back from TikTok, with a link of its own."""
    consents = consents_of(home.store, fake)
    link = new_link(
        new_id(),
        organization_id=home.organization_id,
        creator_id=creator_id,
        now=datetime.now(UTC),
    )
    with home.store.pool.connection() as connection:
        add_link(connection.cursor(), link)
    way = consents.depart(link)
    assert way is not None
    back = fake.consent(way.url, username)
    arrived = consents.arrive(
        state=back["state"], browser=way.browser, code=back["code"], error=None
    )
    assert isinstance(arrived, Arrival)
    return arrived


def test_of_two_consents_that_are_stored_at_a_time_the_later_one_wins(
    home: Home, fake: Fake
):
    creator_id = home.creator("billie")
    arrived = arrival(home, fake, creator_id, "billie")
    seal = ConnectionSeal(home.store.pool, home.store.settings)
    other = grant("another account")
    id_ = new_id()
    tokens = Tokens(
        access=other.access,
        refresh=other.refresh,
        open_id=other.open_id,
        username="billie",
    )
    consent = rows.Consent(
        id=id_,
        organization_id=home.organization_id,
        creator_id=creator_id,
        provider="display",
        account=seal.account("display", other.open_id),
        sealed=seal.seal(id_, tokens),
        link_id=new_id(),
    )

    with ThreadPoolExecutor(1) as thread:
        with home.store.pool.connection() as connection, connection.transaction():
            rows.add_consent(connection.cursor(), consent, other)
            taken = thread.submit(consents_of(home.store, fake).take, arrived)

            def waits() -> bool:
                with home.store.pool.connection() as watching:
                    return watching.execute(_WAITS, ("%",)).fetchone() is not None

            assert wait_until(waits, seconds=20)
        outcome = taken.result(timeout=20)

    assert isinstance(outcome, Connected)
    with home.store.pool.connection() as connection:
        found = connection.execute(
            "SELECT state, revoke_at IS NOT NULL FROM creator_connections "
            "ORDER BY state"
        ).fetchall()
    assert found == [("connected", False), ("ended", True)]


def test_of_many_consents_at_a_time_one_connects_and_the_others_are_given_back(
    home: Home, fake: Fake
):
    creator_id = home.creator("billie")
    names = ["billie", *(f"berta.{n}" for n in range(3))]
    fake.accounts |= {name: account(name) for name in names}
    arrivals = [arrival(home, fake, creator_id, name) for name in names]
    consents = consents_of(home.store, fake)
    start = threading.Barrier(len(arrivals))

    def take(arrived: Arrival) -> object:
        start.wait()
        return consents.take(arrived)

    with ThreadPoolExecutor(len(arrivals)) as threads:
        list(threads.map(take, arrivals))

    # Each is connected, waits for an answer, or is to be given back: none is lost.
    with home.store.pool.connection() as connection:
        connection.execute(
            "UPDATE creator_connections SET state = 'ended', revoke_at = now() "
            "WHERE state = 'unconfirmed'"
        )
    app = Connections(home.store, fake.settings(home.store.settings))
    revoker = Revoker(home.store.pool, app.login, app.seal)
    while revoker.revoke_next():
        pass
    history = plain_events(home.store.load(creator_id)[creator_id])
    connected = [each for each in history if isinstance(each, e.CreatorConnected)]
    open_ids = {fake.accounts[name].open_id for name in names}
    kept = {each.open_id for each in connected}
    assert len(connected) <= 1
    assert {*fake.consents.revoked} == open_ids - kept


def test_tokens_that_cannot_be_stored_are_given_back_at_once(
    home: Home, fake: Fake, monkeypatch: pytest.MonkeyPatch
):

    creator_id = home.creator("billie")
    arrived = arrival(home, fake, creator_id, "billie")

    def away(*_: object, **__: object) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(rows, "add_consent", away)
    with pytest.raises(psycopg.OperationalError):
        consents_of(home.store, fake).take(arrived)

    assert fake.consents.revoked == [fake.accounts["billie"].open_id]


def test_a_link_leads_to_tiktok_a_few_times_an_hour(home: Home, fake: Fake):
    arrived = arrival(home, fake, home.creator("billie"), "billie")
    consents = consents_of(home.store, fake)

    ways = [consents.depart(arrived.link) for _ in range(MOST_ATTEMPTS)]

    assert [way is None for way in ways] == [False] * (MOST_ATTEMPTS - 1) + [True]
