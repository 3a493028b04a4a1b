"""The Redis or Valkey that all workers share, for as long as it answers."""

import time

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

# For this long, no request goes to a server that was away.
AWAY_SECONDS = 5.0
_PATIENCE_SECONDS = 1.0

_log = structlog.get_logger()


class SharedServer:
    """Runs Lua scripts, each of them at once for all workers.

    ``client`` is None where there is no server. ``is_local`` is the event that is
    logged when the server is away, so that limits hold for each process only.
    """

    def __init__(self, client: redis.Redis | None, *, is_local: str) -> None:
        self.client = client
        self._is_local = is_local
        self._away_until = 0.0

    def run(self, script: str, *keys: str, arguments: tuple[str, ...]) -> object:
        """Return the answer to a script, or None while the server is away."""
        if self.client is None or time.monotonic() < self._away_until:
            return None
        try:
            return self.client.eval(script, len(keys), *keys, *arguments)
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            _log.warning(self._is_local, error=type(error).__name__)
            return None


def connect_fast(url: str, *, patience: float = _PATIENCE_SECONDS) -> redis.Redis:
    """Return a client that fails fast while the server is away.

    A server that sends nothing for ``patience`` seconds counts as away.
    """
    return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),
    )
