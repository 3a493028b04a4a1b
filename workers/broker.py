"""The broker: the doorbell between dispatcher and workers, on Redis or Valkey."""

from collections.abc import Iterable
from uuid import UUID

import redis
from dramatiq import Broker, Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries, ShutdownNotifications, TimeLimit
from redis.backoff import NoBackoff
from redis.retry import Retry

SCRAPES_QUEUE = "scrapes"
SCRAPE_ACTOR = "scrape_creator"

# A worker that says nothing for this long is dead, and its messages go to others.
_HEARTBEAT_MS = 10_000
# Dramatiq cleans up after dead workers in this many of a million commands: 5 %.
_MAINTENANCE_CHANCE = 50_000
_PATIENCE_SECONDS = 2.0


def connect_broker(url: str) -> Broker:
    """Return a broker on the Redis or Valkey at ``url``; nothing is sent yet.

    A server that is away costs two seconds at most, and no retries: whoever sends has
    the database to tell what is still to be sent.
    """
    client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        socket_timeout=_PATIENCE_SECONDS,
        socket_connect_timeout=_PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return RedisBroker(
        client=client,
        namespace="goatherd",
        heartbeat_timeout=_HEARTBEAT_MS,
        maintenance_chance=_MAINTENANCE_CHANCE,
        # Retrying is decided in PostgreSQL, by what came of the attempt.
        middleware=[TimeLimit(), ShutdownNotifications(), Retries(max_retries=0)],
    )


def ring_scrapes(broker: Broker, scrape_ids: Iterable[UUID]) -> None:
    """Send one message a run; sending one twice does no harm.

    Raises:
        dramatiq.errors.ConnectionError, redis.RedisError: the server is away.
    """
    for scrape_id in scrape_ids:
        message: Message[None] = Message(
            queue_name=SCRAPES_QUEUE,
            actor_name=SCRAPE_ACTOR,
            args=(str(scrape_id),),
            kwargs={},
            options={},
        )
        broker.enqueue(message)  # pyright: ignore[reportUnknownMemberType]
