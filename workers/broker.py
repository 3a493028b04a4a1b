"""The broker: the queues between dispatcher and workers, on Redis or Valkey."""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

import redis
from dramatiq import Broker, Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries, ShutdownNotifications
from redis.backoff import NoBackoff
from redis.retry import Retry

SCRAPES_QUEUE = "scrapes"
SCRAPE_ACTOR = "scrape_creator"
REBUILDS_QUEUE = "rebuilds"
REBUILD_ACTOR = "work_on_rebuild"
# A sender does not wait long, because the database knows the messages still to be sent.
# A worker waits longer, because Dramatiq does not forget a message whose
# acknowledgement timed out before the process ends.
SENDING_PATIENCE_SECONDS = 0.2
WORKING_PATIENCE_SECONDS = 2.0

# A worker that has sent nothing for this long is dead, and others get its messages.
_HEARTBEAT_MS = 10_000
# Dramatiq cleans up after dead workers in this many of a million commands: 5 %.
_MAINTENANCE_CHANCE = 50_000
_NAMESPACE = "goatherd"


def connect_broker(
    url: str, *, patience_seconds: float = WORKING_PATIENCE_SECONDS
) -> RedisBroker:
    """Return a broker on the Redis or Valkey at ``url``; it sends nothing yet.

    If the server is away, a call fails after this patience, without retries.
    """
    client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        socket_timeout=patience_seconds,
        socket_connect_timeout=patience_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return RedisBroker(
        client=client,
        namespace=_NAMESPACE,
        heartbeat_timeout=_HEARTBEAT_MS,
        maintenance_chance=_MAINTENANCE_CHANCE,
        # PostgreSQL decides on retries, by the result of the attempt. The renewal of
        # its lease limits how long a run may take.
        middleware=[ShutdownNotifications(), Retries(max_retries=0)],
    )


def enqueue_scrapes(broker: Broker, scrape_ids: Iterable[UUID]) -> None:
    """Send one message for each run; a repeated message does no harm.

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


def enqueue_rebuild(broker: RedisBroker, name: str, version: int) -> None:
    """Send a message that a rebuild has slices to work on, unless one waits already.

    Raises:
        dramatiq.errors.ConnectionError, redis.RedisError: the server is away.
    """
    if waiting_messages(broker, queue=REBUILDS_QUEUE):
        return
    message: Message[None] = Message(
        queue_name=REBUILDS_QUEUE,
        actor_name=REBUILD_ACTOR,
        args=(name, version),
        kwargs={},
        options={},
    )
    broker.enqueue(message)  # pyright: ignore[reportUnknownMemberType]


def waiting_messages(broker: RedisBroker, *, queue: str = SCRAPES_QUEUE) -> int:
    """Return the number of messages in the queue that no worker has fetched yet.

    Raises:
        redis.RedisError: the server is away.
    """
    client = cast("redis.Redis", broker.client)  # pyright: ignore[reportUnknownMemberType]
    return client.llen(f"{_NAMESPACE}:{queue}")
