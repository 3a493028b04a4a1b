"""People who are erased: the keys agree, and older data erase them again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.accounts import operators
from application.accounts.invitations import (
    add_link,
    email_digest,
    end_invitations_again,
    follow_members,
    forget_address,
    invitations_to_end_again,
)
from application.accounts.operators import (
    erase,
    erase_again,
    people_to_erase_again,
    person_with_email,
    register,
)
from application.integrity.kept_keys import key_faults
from domain import commands as c
from domain import events as e
from domain.decisions import Handler
from domain.organization.handlers.organizations import change_organization
from domain.organization.plans import DEFAULT_PLANS
from infra.eventstore.execute import Executed, execute
from infra.eventstore.store import Store
from infra.ids import new_id
from infra.keys.keyring import destroy
from tests.kit.builders import asking
from tests.kit.keys import MASTER_KEY
from tests.kit.people import EMAIL, organization_of, second_owner


def test_the_keys_and_the_log_agree_after_an_erasure(store: Store):
    person_id = register(store, name="Ada", email=EMAIL, context=asking())
    erase(store, person_id, context=asking())

    with store.pool.connection() as connection:
        assert key_faults(connection, MASTER_KEY) == []
    assert person_with_email(store, EMAIL) is None


def test_older_data_with_newer_keys_erase_a_person_again(store: Store, owner: UUID):
    # The keys are from after an erasure, and the rest is from before it.
    with store.pool.connection() as connection, connection.transaction():
        destroy(connection.cursor(), [owner])
    with store.pool.connection() as connection:
        before = people_to_erase_again(connection)

    again = erase_again(store, context=asking())

    assert before == again == [owner]
    assert store.load(owner)[owner][-1].event == e.PersonErased()
    assert person_with_email(store, EMAIL) is None
    with store.pool.connection() as connection:
        names = connection.execute("SELECT name, email FROM people").fetchall()
        assert names == [(None, None)]
        left = connection.execute("SELECT removed_at IS NOT NULL FROM members")
        assert left.fetchall() == [(True,)]
        assert key_faults(connection, MASTER_KEY) == []
    assert erase_again(store, context=asking()) == []


def test_a_membership_that_begins_during_an_erasure_ends_as_well(
    store: Store, owner: UUID, monkeypatch: pytest.MonkeyPatch
):
    with store.pool.connection() as connection:
        query = "SELECT organization_id FROM organizations"
        ((alps,),) = connection.execute(query).fetchall()
    second_owner(store, alps)
    decide, joined = operators.erase_person, list[UUID]()

    def decided_too_early(
        person_id: UUID,
        organization_ids: set[UUID],
        *,
        invited: set[UUID],
        even_last_owner: bool,
    ) -> Handler[None]:
        if not joined:
            joined.append(organization_of(store, owner, name="Fjords"))
            second_owner(store, joined[0])
        return decide(
            person_id,
            organization_ids,
            invited=invited,
            even_last_owner=even_last_owner,
        )

    monkeypatch.setattr(operators, "erase_person", decided_too_early)
    erase(store, owner, context=asking())

    with store.pool.connection() as connection:
        query = "SELECT count(*) FROM members WHERE person_id = %s AND removed_at IS "
        assert connection.execute(query + "NULL", (owner,)).fetchone() == (0,)
        assert connection.execute(query + "NOT NULL", (owner,)).fetchone() == (2,)


def test_answers_of_webhooks_to_a_person_are_wiped_with_them(store: Store, owner: UUID):
    with store.pool.connection() as connection:
        connection.execute(
            "INSERT INTO webhook_deliveries (organization_id, id, webhook_id, event_id,"
            " event_type, position, ordinal, kind, try, at, duration_ms, answer) "
            "SELECT organization_id, %s, %s, 'evt_1', 'member.joined', 1, 0, 'live', 1,"
            " now(), 1, name FROM members WHERE person_id = %s",
            (new_id(), new_id(), owner),
        )
        query = "SELECT answer IS NULL FROM webhook_deliveries"
        assert connection.execute(query).fetchall() == [(False,)]

    erase(store, owner, even_last_owner=True, context=asking())

    with store.pool.connection() as connection:
        assert connection.execute(query).fetchall() == [(True,)]


def invitation_to(store: Store, email: str, *, organization_id: UUID) -> UUID:
    """Invite an address, and return the id of the invitation."""
    invitation_id, now = new_id(), datetime.now(UTC)
    command = c.InvitePerson(
        id=invitation_id,
        email=email,
        role="viewer",
        at=now,
        expires_at=now + timedelta(days=7),
    )

    def within(cursor: Cursor[TupleRow], done: Executed[UUID]) -> None:
        follow_members(cursor, done.events)
        add_link(
            cursor,
            invitation_id,
            organization_id=organization_id,
            token=str(invitation_id),
            email_digest=email_digest(store, email),
        )

    execute(
        store,
        lambda: change_organization(organization_id, command, plans=DEFAULT_PLANS),
        context=asking(),
        in_transaction=within,
    )
    return invitation_id


def test_an_erased_person_is_invited_nowhere_any_more(store: Store, owner: UUID):
    organization_id = organization_of(store, owner, name="Tirol")
    ben = register(store, name="Ben", email="ben@example.com", context=asking())
    to_ben = invitation_to(store, "Ben@Example.com", organization_id=organization_id)
    to_cleo = invitation_to(store, "cleo@example.com", organization_id=organization_id)

    erase(store, ben, context=asking())

    with store.pool.connection() as connection:
        assert key_faults(connection, MASTER_KEY) == []
        keys = connection.execute(
            "SELECT subject, wrapped IS NOT NULL FROM subject_keys "
            "WHERE subject = ANY(%s)",
            ([to_ben, to_cleo],),
        )
        assert dict(keys.fetchall()) == {to_ben: False, to_cleo: True}
        left = connection.execute("SELECT invitation_id FROM invitation_links")
        assert left.fetchall() == [(to_cleo,)]


def test_an_address_without_an_account_is_forgotten(store: Store, owner: UUID):
    places = [organization_of(store, owner, name=name) for name in ("Tirol", "Harz")]
    for place in places:
        invitation_to(store, "ben@example.com", organization_id=place)

    assert forget_address(store, "BEN@example.com", context=asking()) == 2

    assert forget_address(store, "BEN@example.com", context=asking()) == 0
    with store.pool.connection() as connection:
        rows = connection.execute("SELECT email FROM invitations").fetchall()
        assert rows == [(None,), (None,)]
        assert key_faults(connection, MASTER_KEY) == []


def test_older_data_with_newer_keys_end_an_invitation_again(store: Store, owner: UUID):
    place = organization_of(store, owner, name="Tirol")
    invited = invitation_to(store, "ben@example.com", organization_id=place)
    # The keys are from after the invitation ended, and the rest is from before it.
    with store.pool.connection() as connection, connection.transaction():
        destroy(connection.cursor(), [invited])
        (found,) = invitations_to_end_again(connection)

    end_invitations_again(store, context=asking())

    assert (found.organization_id, found.id) == (place, invited)
    last = store.load(place)[place][-1].event
    assert last == e.InvitationWithdrawn(id=invited)
    with store.pool.connection() as connection:
        assert invitations_to_end_again(connection) == []
        rows = connection.execute("SELECT email FROM invitations").fetchall()
        assert rows == [(None,)]
        assert key_faults(connection, MASTER_KEY) == []
