"""The limiter: the requests that all processes together may send, and when."""

import random
import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast
from uuid import uuid4

import redis

from infra.http_out.shared_server import SharedServer

# The time before the next question for a turn that is taken: short, to lose no time,
# and uneven, so that two workers do not stay in step.
_ASK_AGAIN_SECONDS = (0.05, 0.15)

# All times are the server's own, in milliseconds, because the workers' clocks differ.
# The keys are the turn, the end of the pause, and the times of the requests sent.
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free_at = tonumber(redis.call('GET', KEYS[2]) or '0')
"""
# Returns 0 if a request may be sent now, the milliseconds to wait during a pause or
# above the limit, and -1 while another worker has the turn. Times in the future were
# counted before the server's clock was set back.
_TAKE = f"""{_NOW}
if free_at > now then return free_at - now end
local longest_turn, most, window = ARGV[2], tonumber(ARGV[3]), ARGV[4]
if most > 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - window)
    redis.call('ZREMRANGEBYSCORE', KEYS[3], now + 1, '+inf')
    if redis.call('ZCARD', KEYS[3]) >= most then
        return redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2] + window - now
    end
end
if longest_turn ~= '0'
    and not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', longest_turn)
then return -1 end
if most > 0 then
    redis.call('ZADD', KEYS[3], now, ARGV[1])
    redis.call('PEXPIRE', KEYS[3], window)
end
return 0
"""
# Only the worker that took a turn gives it back; the pause after it starts anyway.
_PUT_OFF = f"""{_NOW}
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
local later = now + tonumber(ARGV[2]) + 1 -- now was rounded down
if later > free_at then
    redis.call('SET', KEYS[2], string.format('%d', later), 'PX', ARGV[2] + 1000)
end
return 0
"""


class NoTurnError(Exception):
    """No request may be sent yet; try again in ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"The next turn comes in {retry_after:.1f} s.")
        self.retry_after = retry_after


class _Local:
    """The state of a key in this process; times are in time.monotonic()."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.free_at = 0.0
        self.sent: deque[float] = deque()


class Limiter:
    """Gives out turns to send requests, by key; make one for each process.

    A key is the name of a host, or of a kind of requests. Its limits apply to every
    process that shares the Redis or Valkey of ``server``. If it is away, or None, they
    apply to this process only, so that work goes on; this is logged as
    ``<name>_is_local``.

    With ``longest_turn`` one request of a key is sent at a time. From its end to the
    start of the next, ``gap`` seconds and up to ``jitter`` more pass. In case its
    holder died, a turn ends by itself after ``longest_turn`` seconds, which no request
    takes.

    With ``most``, so many requests of a key may begin in any ``window`` seconds. While
    the server is away, each of the ``processes`` has an equal part of them.
    """

    def __init__(
        self,
        server: redis.Redis | None,
        *,
        name: str,
        gap: float = 0.0,
        jitter: float = 0.0,
        longest_turn: float = 0.0,
        most: int = 0,
        window: float = 60.0,
        processes: int = 1,
    ) -> None:
        self._server = SharedServer(server, is_local=f"{name}_is_local")
        self._name = name
        self.gap = gap
        self.jitter = jitter
        self.longest_turn = longest_turn
        self.most = most
        self._own_most = most and max(most // processes, 1)
        self._window = window
        self._locals: dict[str, _Local] = {}
        self._guard = threading.Lock()

    @contextmanager
    def turn(self, key: str, *, patience: float) -> Generator[None]:
        """Wait up to ``patience`` seconds for a turn of ``key``, and hold it.

        Raises:
            NoTurnError: the turn does not come in time. If the wait is known to be
                longer, it is raised without waiting.
        """
        ends_at = time.monotonic() + patience
        local = self._local(key)
        self._refuse_if_paused(local, ends_at)
        with self._queued(local, patience):
            token = uuid4().hex
            self._wait(key, local, token=token, ends_at=ends_at)
            try:
                yield
            finally:
                if self.longest_turn:
                    between = self.gap + random.uniform(0, self.jitter)  # noqa: S311
                    self._put_off(key, local, seconds=between, token=token)

    def pause(self, key: str, *, seconds: float) -> None:
        """Allow no request of ``key`` for ``seconds``.

        A longer pause is not shortened.
        """
        self._put_off(key, self._local(key), seconds=seconds, token="")

    def _local(self, key: str) -> _Local:
        with self._guard:
            return self._locals.setdefault(key, _Local())

    def _refuse_if_paused(self, local: _Local, ends_at: float) -> None:
        if local.free_at > ends_at:
            raise NoTurnError(local.free_at - time.monotonic())

    @contextmanager
    def _queued(self, local: _Local, patience: float) -> Generator[None]:
        """Let the threads of a process queue, so that only one asks the server."""
        if not self.longest_turn:
            yield
            return
        if not local.turn.acquire(timeout=max(patience, 0)):
            raise NoTurnError(self.gap)
        try:
            yield
        finally:
            local.turn.release()

    def _wait(self, key: str, local: _Local, *, token: str, ends_at: float) -> None:
        while True:
            self._refuse_if_paused(local, ends_at)
            seconds = local.free_at - time.monotonic()
            if seconds <= 0:
                seconds = self._take(key, local, token)
            if seconds <= 0:
                return
            if time.monotonic() + seconds > ends_at:
                raise NoTurnError(seconds)
            # The steps are short, because a pause may be set meanwhile, and a worker's
            # thread can be interrupted only between the steps.
            time.sleep(min(seconds, 0.5))

    def _take(self, key: str, local: _Local, token: str) -> float:
        """Take the turn and return 0, or return the seconds to wait for it."""
        longest_turn = round(self.longest_turn * 1000)
        window = round(self._window * 1000)
        answer = self._run(_TAKE, key, token, longest_turn, self.most, window)
        if answer is None:
            return self._take_own(local)
        if answer < 0:
            return random.uniform(*_ASK_AGAIN_SECONDS)  # noqa: S311
        return answer / 1000

    def _take_own(self, local: _Local) -> float:
        """Count a request of this process alone, as ``_take``."""
        if not self._own_most:
            return 0.0
        with self._guard:
            now, sent = time.monotonic(), local.sent
            while sent and sent[0] <= now - self._window:
                sent.popleft()
            if len(sent) >= self._own_most:
                return sent[0] + self._window - now
            sent.append(now)
            return 0.0

    def _put_off(self, key: str, local: _Local, *, seconds: float, token: str) -> None:
        with self._guard:
            local.free_at = max(local.free_at, time.monotonic() + seconds)
        self._run(_PUT_OFF, key, token, round(seconds * 1000))

    def _run(self, script: str, key: str, *arguments: str | int) -> int | None:
        """Return the server's answer to the script, or None while it is away."""
        # Braces keep all keys on one server of a cluster.
        prefix = f"goatherd:{self._name}:{{{key}}}"
        keys = (f"{prefix}:{kind}" for kind in ("turn", "free_at", "sent"))
        given = tuple(str(argument) for argument in arguments)
        return cast("int | None", self._server.run(script, *keys, arguments=given))


_POLITE_GAP = 1.5
_POLITE_JITTER = 1.0
# The mean time from one request to a polite site to the next, in seconds.
POLITE_SECONDS = _POLITE_GAP + _POLITE_JITTER / 2


def polite(
    server: redis.Redis | None,
    *,
    gap: float = _POLITE_GAP,
    jitter: float = _POLITE_JITTER,
    longest_turn: float = 30.0,
) -> Limiter:
    """Return the limiter of a site that is read politely: one request at a time."""
    return Limiter(
        server, name="politeness", gap=gap, jitter=jitter, longest_turn=longest_turn
    )
