"""The day's quota: the number of requests that TikTok allows to all workers."""

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import redis
from msgspec import Struct

from domain.scrape.verdicts import RateLimited
from infra.http_out.refusals import RefusedError
from infra.http_out.shared_server import SharedServer

# TikTok's day may begin a little after ours. During this time after midnight, a refusal
# may still be about yesterday, and must not block the whole new day.
_NEW_DAY_SECONDS = 300.0
_AWAY_RETRY_SECONDS = 60.0
_PARTS_KEPT_APART = 20

# Each process stores its use as one number, and the sum of all is compared with
# the limit. A lost answer does no harm then, and after a FLUSHALL every running process
# stores its number again.
_TAKE = """
local function left(key, spent, limit)
    redis.call('HSET', key, ARGV[1], spent)
    redis.call('EXPIRE', key, 172800)
    local sum = 0
    for _, number in ipairs(redis.call('HVALS', key)) do sum = sum + number end
    return limit - sum
end
local wanted = tonumber(ARGV[4])
local requests = left(KEYS[1], ARGV[2], ARGV[5])
local records = left(KEYS[2], ARGV[3], ARGV[6])
if requests < 1 or records < wanted then return 0 end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('HINCRBY', KEYS[2], ARGV[1], wanted)
return 1
"""
_REFUSED = """
redis.call('HSET', KEYS[1], 'refused by TikTok', ARGV[1])
redis.call('EXPIRE', KEYS[1], 172800)
return 1
"""


class Amount(Struct, frozen=True):
    """A number of requests, and of users and videos in their answers."""

    requests: int
    records: int

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.requests + other.requests, self.records + other.records)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.requests - other.requests, self.records - other.records)

    def __floordiv__(self, parts: int) -> "Amount":
        return Amount(self.requests // parts, self.records // parts)

    def covers(self, other: "Amount") -> bool:
        return self.requests >= other.requests and self.records >= other.records


NOTHING = Amount(0, 0)
# The limits of every client at TikTok, over all endpoints that we use.
A_DAY = Amount(requests=1_000, records=100_000)


class Grant(Struct, frozen=True, kw_only=True):
    """The right to send one request on that day, for up to so many records."""

    day: date
    amount: Amount
    alone: bool


class DailyQuota:
    """Counts requests and records from 00:00 to 00:00 UTC; make one for each process.

    Every process with the same ``owner`` (the client key) uses one shared count, on the
    Redis or Valkey of ``server``. A twentieth of ``limit`` is reserved for times when
    the server is away. Each of the ``processes`` has an equal part of this reserve for
    the day, so that together they stay within the limit without seeing each other. If
    ``server`` is None, each has its part of the whole limit.
    """

    def __init__(
        self,
        server: redis.Redis | None,
        *,
        owner: str,
        now: Callable[[], datetime],
        limit: Amount = A_DAY,
        processes: int = 1,
    ) -> None:
        apart = limit // _PARTS_KEPT_APART if server else limit
        self._server = SharedServer(server, is_local="research_quota_is_local")
        self.now = now
        self.own_part = apart // processes
        self.shared = limit - apart
        self._owner = sha256(owner.encode()).hexdigest()[:16]
        self._name = uuid4().hex
        self._guard = threading.Lock()
        self._begin(now().date())

    def take(self, *, records: int) -> Grant:
        """Return the right to one request, whose answer has at most so many records.

        Raises:
            RefusedError: RateLimited, because the quota is used up, or the server
                is away and our part of the reserve is used up.
        """
        requested = Amount(1, records)
        with self._guard:
            now = self.now()
            if now.date() != self._day:
                self._begin(now.date())
            drawn = not self._refused and self._draw(requested)
            alone = drawn is None
            if alone:
                drawn = self.own_part.covers(self._alone + requested)
            if not drawn:
                raise self._used_up(now, alone=alone)
            self._add(requested, alone=alone)
            return Grant(day=self._day, amount=requested, alone=alone)

    def give_back(self, grant: Grant, *, used: Amount) -> None:
        """Give back the unused part of a request.

        Other processes get it with our next request.
        """
        with self._guard:
            if grant.day == self._day:
                self._add(used - grant.amount, alone=grant.alone)

    def refused(self) -> float:
        """Record that TikTok refused; return the seconds until the next request."""
        seconds = _seconds_left(self.now())
        into_the_day = 86_400 - seconds
        if into_the_day < _NEW_DAY_SECONDS:
            return _NEW_DAY_SECONDS - into_the_day
        with self._guard:
            self._refused = True
            self._run(_REFUSED, str(self.shared.requests))
        return seconds

    def _begin(self, day: date) -> None:
        self._day = day
        self._refused = False
        self._drawn = self._alone = NOTHING

    def _add(self, amount: Amount, *, alone: bool) -> None:
        if alone:
            self._alone += amount
        else:
            self._drawn += amount

    def _draw(self, requested: Amount) -> bool | None:
        """Return whether the shared count has so much left; None if it is away."""
        answer = self._run(
            _TAKE,
            self._name,
            str(self._drawn.requests),
            str(self._drawn.records),
            str(requested.records),
            str(self.shared.requests),
            str(self.shared.records),
        )
        return None if answer is None else answer == 1

    def _used_up(self, now: datetime, *, alone: bool) -> RefusedError:
        if alone and self._server.client:  # It may be back long before midnight.
            detail = "Redis is away, and so is the count of the day's quota."
            return RefusedError(RateLimited(_AWAY_RETRY_SECONDS, detail))
        detail = "The quota that TikTok gives us for a day is used up."
        return RefusedError(RateLimited(_seconds_left(now), detail))

    def _run(self, script: str, *arguments: str) -> object:
        """Return the server's answer to the script, or None while it is away."""
        # Braces keep both keys on one server of a cluster.
        key = f"goatherd:research_quota:{{{self._owner}:{self._day}}}"
        keys = (f"{key}:requests", f"{key}:records")
        return self._server.run(script, *keys, arguments=arguments)


def _seconds_left(now: datetime) -> float:
    """Return the seconds until 00:00 UTC, when the quota is new."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + timedelta(days=1) - now).total_seconds()
