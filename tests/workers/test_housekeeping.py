"""Housekeeping: rows that were kept for a while go, and PostgreSQL forgets them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from psycopg import Cursor
from psycopg.rows import TupleRow

from application.accounts.invitations import add_link, follow_members
from domain import commands as c
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.execute import Executed
from infra.eventstore.store import Store
from infra.ids import new_id
from projections.creators.projection import CreatorList
from projections.engine.follower import Follower
from projections.rebuild.lock import rebuild_lock
from projections.rebuild.rebuild import rebuild
from projections.rebuild.transitions import RebuildOptions
from projections.registry import PROJECTIONS
from tests.kit.builders import Home, asking
from tests.kit.commands import change_organization
from tests.kit.erasing import erase, tables_with
from workers.housekeeping import Housekeeping

_SAMPLES = (
    "SELECT tablename FROM pg_stats "
    "WHERE schemaname = 'public' AND histogram_bounds::text LIKE '%wanted%' ORDER BY 1"
)


def catch_up(store: Store) -> None:
    for projection in PROJECTIONS:
        follower = Follower(projection, pool=store.pool, codec=store.codec)
        follower.register()
        follower.catch_up()


def rows(store: Store, query: str) -> list[object]:
    with store.pool.connection() as connection:
        return [*connection.execute(query.encode()).fetchall()]


def test_after_an_erasure_postgresql_forgets_samples_and_a_day_later_the_list_goes(
    store: Store, home: Home
) -> None:
    housekeeping = Housekeeping(store, [CreatorList.name])
    creator_id = home.creator("wanted.goat")
    home.add("other.goat", "third.goat")
    catch_up(store)
    with store.pool.connection() as connection:
        connection.execute("ANALYZE")
    assert ("creator_list",) in rows(store, _SAMPLES)
    erase(
        store,
        creator_id,
        organization_id=home.organization_id,
        confirm="wanted.goat",
    )

    housekeeping.round()
    early = rows(store, _SAMPLES)
    catch_up(store)
    housekeeping.round()
    late = rows(store, _SAMPLES)
    tidied = rows(store, "SELECT tidied_at IS NOT NULL FROM erased_values")
    rows_of_keys = "SELECT name FROM installation_keys ORDER BY name"
    keys = rows(store, rows_of_keys)
    with store.pool.connection() as connection:
        connection.execute("UPDATE erased_values SET kept_until = clock_timestamp()")
    housekeeping.round()

    assert ("creator_list",) in early
    assert (late, tidied) == ([], [(True,)])
    assert (f"erased values {creator_id}",) in keys
    assert rows(store, "SELECT id FROM erased_values") == []
    assert rows(store, rows_of_keys) == [
        key for key in keys if key != (f"erased values {creator_id}",)
    ]
    assert tables_with(store, "wanted") == []


def test_the_tables_of_a_dry_run_go_if_an_erasure_is_ahead_of_them(
    store: Store, home: Home
):
    housekeeping = Housekeeping(store, [CreatorList.name])
    creator_id = home.creator("wanted.goat")
    catch_up(store)
    dry = RebuildOptions(is_dry_run=True)
    shadow = "goatherd_next_creator_list.creator_list"
    rebuild(store, CreatorList(), by="test", options=dry)
    housekeeping.round()
    assert shadow in tables_with(store, "wanted")

    erase(
        store,
        creator_id,
        organization_id=home.organization_id,
        confirm="wanted.goat",
    )
    catch_up(store)
    with rebuild_lock(store.pool, CreatorList.name):
        # Somebody works on it.
        housekeeping.round()
    assert shadow in tables_with(store, "wanted")
    housekeeping.round()

    assert tables_with(store, "wanted") == []
    assert not rebuild(store, CreatorList(), by="test", options=dry).was_resumed
    housekeeping.round()
    assert "ready" in repr(rows(store, "SELECT status FROM projection_rebuild"))


def test_the_address_of_an_invitation_that_expired_a_week_ago_is_forgotten(
    store: Store, home: Home
):
    housekeeping, now = Housekeeping(store, [CreatorList.name]), datetime.now(UTC)
    ids = {
        days: invited(store, home, expires_at=now - timedelta(days=days))
        for days in (6, 8)
    }
    people = "SELECT id, email IS NULL FROM invitations ORDER BY expires_at"
    keys = "SELECT subject FROM subject_keys WHERE wrapped IS NULL"

    housekeeping.round()
    once = store.head()
    housekeeping.round()

    assert rows(store, people) == [(ids[8], True), (ids[6], False)]
    assert rows(store, keys) == [(ids[8],)]
    assert rows(store, "SELECT invitation_id FROM invitation_links") == [(ids[6],)]
    assert store.head() == once


def invited(store: Store, home: Home, *, expires_at: datetime) -> UUID:
    """Invite somebody, as the command line does, with an end of its own."""
    command = c.InvitePerson(
        id=new_id(),
        email=f"ben.{uuid4().hex}@example.com",
        role="viewer",
        at=expires_at - timedelta(days=7),
        expires_at=expires_at,
    )

    def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
        follow_members(cursor, done.events)
        add_link(
            cursor,
            command.id,
            organization_id=home.organization_id,
            token=command.email,
            email_digest=command.id.bytes,
        )

    change_organization(
        store,
        home.organization_id,
        command,
        plans=DEFAULT_PLANS,
        context=asking(),
        in_transaction=within,
    )
    return command.id
