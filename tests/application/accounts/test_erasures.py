"""People who are erased: the keys agree, and older data erase them again."""

from uuid import UUID

from application.accounts.operators import (
    erase,
    erase_again,
    people_to_erase_again,
    person_with_email,
    register,
)
from application.integrity.kept_keys import key_faults
from domain import events as e
from infra.eventstore.store import Store
from infra.keys.keyring import destroy
from tests.kit.builders import asking
from tests.kit.keys import MASTER_KEY
from tests.kit.people import EMAIL


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
        assert key_faults(connection, MASTER_KEY) == []
    assert erase_again(store, context=asking()) == []
