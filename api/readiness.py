"""What /health/ready looks at: database, event log, followers and broker."""

from collections.abc import Sequence
from functools import partial

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from api.health import Check
from infra.database import AsyncPool

# Behind by this much and not moving is stuck; behind and moving is busy.
STUCK_SECONDS = 30
_PATIENCE_SECONDS = 0.2

_LAG = """
SELECT name, position, extract(epoch FROM clock_timestamp() - heartbeat_at)
FROM projection
WHERE heartbeat_at < clock_timestamp() - make_interval(secs => %s)
"""


def readiness_checks(
    own: AsyncPool, *, redis_url: str | None
) -> Sequence[tuple[str, Check]]:
    """Return the checks by name; Redis is looked at only where one is configured."""
    checks: list[tuple[str, Check]] = [
        ("database", partial(_database, own)),
        ("event_log", partial(_event_log, own)),
        ("projections", partial(_projections, own)),
    ]
    if redis_url is not None:
        checks.append(("redis", partial(_redis, redis_url)))
    return checks


async def _database(own: AsyncPool) -> str | None:
    async with own.connection() as connection:
        await connection.execute("SELECT 1")
    return None


async def _event_log(own: AsyncPool) -> str | None:
    async with own.connection() as connection:
        await connection.execute("SELECT max(notification_id) FROM goatherd_events")
    return None


async def _projections(own: AsyncPool) -> str | None:
    async with own.connection() as connection:
        cursor = await connection.execute(_LAG, (STUCK_SECONDS,))
        stuck = await cursor.fetchall()
    if not stuck:
        return None
    return "; ".join(
        f"{name} has not moved for {int(seconds)} s (position {position})"
        for name, position, seconds in stuck
    )


async def _redis(url: str) -> str | None:
    client = redis.asyncio.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        socket_timeout=_PATIENCE_SECONDS,
        socket_connect_timeout=_PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        await client.ping()  # pyright: ignore[reportUnknownMemberType]
    except (redis.RedisError, OSError) as error:
        return f"does not answer ({type(error).__name__}); scrapes wait until it does"
    finally:
        await client.aclose()
    return None
