"""A store and an organization with a project, to ask things of."""

from collections.abc import Iterator

import pytest

from infra.eventstore.store import Store
from tests.kit.builders import Home, make_home, opened_store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with opened_store(database_url, pool_size=8) as store:
        yield store


@pytest.fixture
def home(store: Store) -> Home:
    return make_home(store)
