"""Politeness: all workers together send a host one request at a time, with pauses."""

import random
import threading
import time
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
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free_at = tonumber(redis.call('GET', KEYS[2]) or '0')
"""
# Returns 0 if the turn is taken now, the milliseconds to wait during a pause, and -1
# while another worker has the turn.
_TAKE = f"""{_NOW}
if free_at > now then return free_at - now end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return -1
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
    """No request may go to the host yet; try again in ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"The host is not free for another {retry_after:.1f} s.")
        self.retry_after = retry_after


class _Host:
    """The turn of a host in this process, and the end of its pause."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.free_at = 0.0  # in time.monotonic()


class Politeness:
    """Gives out turns to send requests to a host; make one for each process.

    Turns and pauses apply to every worker that shares the Redis or Valkey of
    ``server``. If it is away, or None, they apply to this process only, so that
    scraping goes on and each process alone is still polite.

    From the end of one request to the start of the next, ``gap`` seconds and up to
    ``jitter`` more pass. In case its holder died, a turn ends by itself after
    ``longest_turn`` seconds, which no request takes.
    """

    def __init__(
        self,
        server: redis.Redis | None,
        *,
        gap: float = 1.5,
        jitter: float = 1.0,
        longest_turn: float = 30.0,
    ) -> None:
        self._server = SharedServer(server, is_local="politeness_is_local")
        self.gap = gap
        self.jitter = jitter
        self.longest_turn = longest_turn
        self._hosts: dict[str, _Host] = {}
        self._guard = threading.Lock()

    @contextmanager
    def turn(self, host: str, *, patience: float) -> Generator[None]:
        """Wait up to ``patience`` seconds for the turn of ``host``, and hold it.

        Raises:
            NoTurnError: the turn does not come in time. If the host is known to be
                paused for longer, it is raised without waiting.
        """
        ends_at = time.monotonic() + patience
        local = self._host(host)
        self._refuse_if_paused(local, ends_at)
        # The threads of a process queue here, so that only one of them asks the server.
        if not local.turn.acquire(timeout=max(patience, 0)):
            raise NoTurnError(self.gap)
        token = uuid4().hex
        try:
            self._wait(host, local, token=token, ends_at=ends_at)
            try:
                yield
            finally:
                between = self.gap + random.uniform(0, self.jitter)  # noqa: S311
                self._put_off(host, local, seconds=between, token=token)
        finally:
            local.turn.release()

    def pause(self, host: str, *, seconds: float) -> None:
        """Allow no request to ``host`` for ``seconds``.

        A longer pause is not shortened.
        """
        self._put_off(host, self._host(host), seconds=seconds, token="")

    def _host(self, host: str) -> _Host:
        with self._guard:
            return self._hosts.setdefault(host, _Host())

    def _refuse_if_paused(self, local: _Host, ends_at: float) -> None:
        if local.free_at > ends_at:
            raise NoTurnError(local.free_at - time.monotonic())

    def _wait(self, host: str, local: _Host, *, token: str, ends_at: float) -> None:
        while True:
            self._refuse_if_paused(local, ends_at)
            seconds = local.free_at - time.monotonic()
            if seconds <= 0:
                seconds = self._take(host, token)
            if seconds <= 0:
                return
            if time.monotonic() + seconds > ends_at:
                raise NoTurnError(seconds)
            # The steps are short, because a pause may be set meanwhile, and a worker's
            # thread can be interrupted only between the steps.
            time.sleep(min(seconds, 0.5))

    def _take(self, host: str, token: str) -> float:
        """Take the turn and return 0, or return the seconds to wait for it."""
        answer = self._run(_TAKE, host, token, round(self.longest_turn * 1000))
        if answer is None:
            return 0.0
        if answer < 0:
            return random.uniform(*_ASK_AGAIN_SECONDS)  # noqa: S311
        return answer / 1000

    def _put_off(self, host: str, local: _Host, *, seconds: float, token: str) -> None:
        with self._guard:
            local.free_at = max(local.free_at, time.monotonic() + seconds)
        self._run(_PUT_OFF, host, token, round(seconds * 1000))

    def _run(self, script: str, host: str, token: str, milliseconds: int) -> int | None:
        """Return the server's answer to the script, or None while it is away."""
        # Braces keep both keys on one server of a cluster.
        key = f"goatherd:politeness:{{{host}}}"
        keys = (f"{key}:turn", f"{key}:free_at")
        answer = self._server.run(script, *keys, arguments=(token, str(milliseconds)))
        return cast("int | None", answer)
