from collections.abc import Iterator

import pytest
from dramatiq.brokers.redis import RedisBroker

from infra.eventstore.store import Store
from tests.kit.builders import Home, make_home, opened_store
from workers.broker import connect_broker


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a database of the test's own."""
    with opened_store(database_url, pool_size=8) as store:
        yield store


@pytest.fixture
def home(store: Store) -> Home:
    """An organization with one project, to add creators to."""
    return make_home(store)


@pytest.fixture
def broker(redis_url: str) -> RedisBroker:
    """A broker on an empty Valkey."""
    return connect_broker(redis_url)
