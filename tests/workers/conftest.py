from collections.abc import Iterator

import pytest
from dramatiq.brokers.redis import RedisBroker
from psycopg import Connection
from psycopg.rows import TupleRow

from infra.eventstore.store import Store
from workers.broker import connect_broker


@pytest.fixture
def broker(redis_url: str) -> RedisBroker:
    """A broker on an empty Valkey."""
    return connect_broker(redis_url)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection[TupleRow]]:
    with store.pool.connection() as connection:
        yield connection
