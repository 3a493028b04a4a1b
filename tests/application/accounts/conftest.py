"""A person in an organization, for tests of accounts."""

from uuid import UUID

import pytest

from application.accounts.operators import register
from infra.eventstore.store import Store
from tests.kit.builders import asking
from tests.kit.people import EMAIL, organization_of


@pytest.fixture
def owner(store: Store) -> UUID:
    """The only owner of an organization."""
    person_id = register(store, name="Ada", email=EMAIL, context=asking())
    organization_of(store, person_id, name="Alps")
    return person_id
