"""A person in an organization, for tests of accounts."""

from uuid import UUID

import pytest

from application.accounts.operators import register
from infra.eventstore.store import Store
from infra.organizations import make_organization
from projections.organizations.projection import ApiKeys
from projections.people import People
from tests.kit.builders import asking
from tests.kit.people import EMAIL


@pytest.fixture
def owner(store: Store) -> UUID:
    """The only owner of an organization."""
    person_id = register(store, name="Ada", email=EMAIL, context=asking())
    make_organization(
        store,
        name="Alps",
        plan="unlimited",
        time_zone="UTC",
        owner=person_id,
        context=asking(),
        in_transaction=lambda cursor, done: (
            ApiKeys().write(cursor, done.events),
            People().write(cursor, done.events),
        )[0],
    )
    return person_id
