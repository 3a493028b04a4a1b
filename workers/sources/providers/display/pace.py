"""The pace: TikTok allows an app 600 requests of a kind in a minute, in all."""

import threading
import time
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from uuid import uuid4

import redis

from domain.scrape.verdicts import RateLimited
from infra.http_out.shared_server import SharedServer
from infra.http_out.tiktok_api import Deadline, NoReplyError

A_MINUTE = 600
_WINDOW_SECONDS = 60.0

# Times are the server's own, in milliseconds, because the workers' clocks differ. Times
# in the future were counted before its clock was set back.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 1, '+inf')
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[3]) then
    redis.call('ZADD', KEYS[1], now, ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return 0
end
return redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] + ARGV[2] - now
"""


class Pace:
    """Keeps requests within the limit; make one for each process.

    While the server of ``server`` is away, or if it is None, each of the ``processes``
    has an equal part of the limit.
    """

    def __init__(
        self,
        server: redis.Redis | None,
        *,
        owner: str,
        processes: int = 1,
        limit: int = A_MINUTE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._server = SharedServer(server, is_local="display_pace_is_local")
        self._owner = sha256(owner.encode()).hexdigest()[:16]
        self._limit = limit
        self._own_limit = max(limit // processes, 1)
        self._sleep = sleep
        self._guard = threading.Lock()
        self._sent: dict[str, deque[float]] = {}

    def wait(self, kind: str, deadline: Deadline) -> None:
        """Wait until a request of this kind may be sent.

        Raises:
            NoReplyError: RateLimited, if the wait is longer than half of the time left.
        """
        while seconds := self._take(kind):
            if seconds > deadline.left() / 2:
                detail = f"TikTok allows {self._limit} requests of a kind in a minute."
                raise NoReplyError(RateLimited(seconds, detail), was_sent=False)
            self._sleep(seconds)

    def _take(self, kind: str) -> float:
        """Return 0 if a request may be sent now, else the seconds to wait."""
        waiting = self._shared(kind)
        return self._own(kind) if waiting is None else waiting

    def _shared(self, kind: str) -> float | None:
        """Return the wait by the shared count, None while the server is away."""
        key = f"goatherd:display_pace:{self._owner}:{kind}"
        window = str(int(_WINDOW_SECONDS * 1_000))
        arguments = (uuid4().hex, window, str(self._limit))
        answer = self._server.run(_TAKE, key, arguments=arguments)
        return None if answer is None else max(float(str(answer)), 0.0) / 1_000

    def _own(self, kind: str) -> float:
        with self._guard:
            now = time.monotonic()
            sent = self._sent.setdefault(kind, deque())
            while sent and sent[0] <= now - _WINDOW_SECONDS:
                sent.popleft()
            if len(sent) < self._own_limit:
                sent.append(now)
                return 0.0
            return sent[0] + _WINDOW_SECONDS - now
