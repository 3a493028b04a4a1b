import pytest
from dramatiq.brokers.redis import RedisBroker

from workers.broker import connect_broker


@pytest.fixture
def broker(redis_url: str) -> RedisBroker:
    """A broker on an empty Valkey."""
    return connect_broker(redis_url)
