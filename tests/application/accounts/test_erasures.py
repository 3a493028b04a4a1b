"""People who are erased: the keys agree, and older data erase them again."""

from uuid import UUID

import pytest

from application.accounts import operators
from application.accounts.operators import (
    erase,
    erase_again,
    people_to_erase_again,
    person_with_email,
    register,
)
from application.integrity.kept_keys import key_faults
from domain import events as e
from domain.decisions import Handler
from infra.eventstore.store import Store
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
        person_id: UUID, organization_ids: set[UUID], *, even_last_owner: bool
    ) -> Handler[None]:
        if not joined:
            joined.append(organization_of(store, owner, name="Fjords"))
            second_owner(store, joined[0])
        return decide(person_id, organization_ids, even_last_owner=even_last_owner)

    monkeypatch.setattr(operators, "erase_person", decided_too_early)
    erase(store, owner, context=asking())

    with store.pool.connection() as connection:
        query = "SELECT count(*) FROM members WHERE person_id = %s AND removed_at IS "
        assert connection.execute(query + "NULL", (owner,)).fetchone() == (0,)
        assert connection.execute(query + "NOT NULL", (owner,)).fetchone() == (2,)
