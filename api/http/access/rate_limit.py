"""Rate limits: requests of a key in a minute, and of an organization in a UTC day."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from typing import NoReturn
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from api.http.access.auth import Principal
from api.http.errors import ApiError, Code
from infra.database import AsyncPool, run_read_async

# A key's minute begins with its first request and ends 60 seconds later; the next
# request begins another minute. A refused request is not counted, so that a client that
# keeps trying is accepted again as soon as a client that waits. The counts are not
# worth a flush to disk: a crash of the server may lose the last second of them.
_SPEND = """
WITH quietly AS (
    SELECT set_config('synchronous_commit', 'off', true)
),
minute AS (
    INSERT INTO api_usage AS u (organization_id, subject_id, started_at, used)
    SELECT %(organization)s, %(key)s, now(), 1 FROM quietly
    WHERE %(per_minute)s::int > 0
    ON CONFLICT (organization_id, subject_id) DO UPDATE SET
        started_at = CASE WHEN u.started_at > now() - interval '1 minute'
            THEN u.started_at ELSE now() END,
        used = CASE WHEN u.started_at > now() - interval '1 minute'
            THEN u.used + 1 ELSE 1 END
    WHERE u.used < %(per_minute)s::int
        OR u.started_at <= now() - interval '1 minute'
    RETURNING used, started_at
),
day AS (
    INSERT INTO api_usage AS u (organization_id, subject_id, started_at, used)
    SELECT %(organization)s, %(organization)s, date_trunc('day', now(), 'UTC'), 1
    FROM quietly
    WHERE %(per_day)s::int > 0
        AND (%(per_minute)s::int IS NULL OR EXISTS (SELECT FROM minute))
    ON CONFLICT (organization_id, subject_id) DO UPDATE SET
        started_at = excluded.started_at,
        used = CASE WHEN u.started_at = excluded.started_at
            THEN u.used + 1 ELSE 1 END
    WHERE u.used < %(per_day)s::int OR u.started_at < excluded.started_at
    RETURNING used
)
SELECT
    (SELECT used FROM minute) AS minute_used,
    (SELECT used FROM day) AS day_used,
    extract(epoch FROM interval '1 minute' - (now() - coalesce(
        (SELECT started_at FROM minute),
        (SELECT started_at FROM api_usage
            WHERE organization_id = %(organization)s AND subject_id = %(key)s),
        now()
    )))::float8 AS minute_left,
    extract(epoch FROM
        date_trunc('day', now(), 'UTC') + interval '1 day' - now()
    )::float8 AS day_left
"""


# The rows are sorted by their keys, so that two processes never wait for each other.
_ADD = """
WITH quietly AS (
    SELECT set_config('synchronous_commit', 'off', true)
)
INSERT INTO api_usage AS u (organization_id, subject_id, started_at, used)
SELECT organization, organization, date_trunc('day', now(), 'UTC'), requests
FROM unnest(%(organizations)s::uuid[], %(requests)s::int[])
    AS counted (organization, requests), quietly
ORDER BY organization
ON CONFLICT (organization_id, subject_id) DO UPDATE SET
    started_at = excluded.started_at,
    used = excluded.used
        + CASE WHEN u.started_at = excluded.started_at THEN u.used ELSE 0 END
"""
_SECONDS_BETWEEN_WRITES = 1.0


class _Spent(Struct, frozen=True, kw_only=True):
    """The requests counted in both windows; None if refused, or without a limit."""

    minute_used: int | None
    day_used: int | None
    minute_left: float
    day_left: float


class _Window(Struct, frozen=True, kw_only=True):
    """A limit and its present count; ``used`` is None if the request was refused."""

    name: str
    period: str
    seconds: int
    limit: int
    used: int | None
    ends_in: float

    @property
    def remaining(self) -> int:
        return 0 if self.used is None else max(0, self.limit - self.used)

    @property
    def wait(self) -> int:
        return min(self.seconds, max(1, math.ceil(self.ends_in)))


class RequestLimiter:
    """Counts requests.

    Organizations without a limit for the day are counted in memory, and the counts are
    written once a second.
    """

    def __init__(
        self, pool: AsyncPool, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._pool = pool
        self._unwritten: Counter[UUID] = Counter()
        self._writing = asyncio.Lock()
        self._wall_clock = wall_clock

    async def spend(self, principal: Principal) -> list[tuple[bytes, bytes]]:
        """Count a request and return the headers with the remaining numbers.

        Raises:
            ApiError: ``rate_limit_exceeded``, with the same headers.
        """
        per_minute = principal.limits.max_requests_per_minute
        per_day = principal.limits.max_api_requests_per_day
        if per_minute is None and per_day is None:
            self._unwritten[principal.organization_id] += 1
            return []
        spent = await self._count(principal, per_minute=per_minute, per_day=per_day)
        windows = _windows(spent, per_minute=per_minute, per_day=per_day)
        # A request that the minute's limit refused is not counted for the day.
        refused = next((window for window in windows if window.used is None), None)
        shown = refused or min(windows, key=lambda window: window.remaining)
        headers = self._headers(windows, shown)
        if refused is not None:
            raise _exceeded(refused, headers)
        if per_day is None:
            self._unwritten[principal.organization_id] += 1
        return [(name.lower().encode(), value.encode()) for name, value in headers]

    def unwritten(self, organization_id: UUID) -> int:
        """Return the number of an organization's requests that are only in memory."""
        return self._unwritten[organization_id]

    async def write_counts(self) -> None:
        """Write the counts that grew in memory since the last time."""
        async with self._writing:
            counted, self._unwritten = self._unwritten, Counter()
            if not counted:
                return
            parameters = {
                "organizations": list(counted),
                "requests": list(counted.values()),
            }

            async def add(connection: AsyncConnection[TupleRow]) -> None:
                await connection.execute(_ADD, parameters)

            try:
                await run_read_async(self._pool, add)
            except BaseException:
                self._unwritten += counted
                raise

    async def keep_writing_counts(self) -> NoReturn:
        """Write the counts once a second, until cancelled."""
        while True:
            await asyncio.sleep(_SECONDS_BETWEEN_WRITES)
            try:
                await self.write_counts()
            except psycopg.Error:
                # The counts stay in memory; requests that need the database report that
                # it is unreachable.
                continue

    async def _count(
        self, principal: Principal, *, per_minute: int | None, per_day: int | None
    ) -> _Spent:
        parameters = {
            "organization": principal.organization_id,
            "key": principal.key_id,
            "per_minute": per_minute,
            "per_day": per_day,
        }

        async def spend(connection: AsyncConnection[TupleRow]) -> _Spent | None:
            async with connection.cursor(row_factory=class_row(_Spent)) as cursor:
                await cursor.execute(_SPEND, parameters)
                return await cursor.fetchone()

        spent = await run_read_async(self._pool, spend)
        assert spent is not None
        return spent

    def _headers(self, windows: list[_Window], shown: _Window) -> list[tuple[str, str]]:
        policy = ", ".join(f'"{w.name}";q={w.limit};w={w.seconds}' for w in windows)
        left = f'"{shown.name}";r={shown.remaining};t={shown.wait}'
        resets_at = int(self._wall_clock()) + shown.wait
        return [
            ("RateLimit-Policy", policy),
            ("RateLimit", left),
            ("X-RateLimit-Limit", str(shown.limit)),
            ("X-RateLimit-Remaining", str(shown.remaining)),
            # Seconds since 1970, as in other services.
            ("X-RateLimit-Reset", str(resets_at)),
        ]


def _windows(
    spent: _Spent, *, per_minute: int | None, per_day: int | None
) -> list[_Window]:
    windows: list[_Window] = []
    if per_minute is not None:
        windows.append(
            _Window(
                name="key",
                period="minute",
                seconds=60,
                limit=per_minute,
                used=spent.minute_used,
                ends_in=spent.minute_left,
            )
        )
    if per_day is not None:
        windows.append(
            _Window(
                name="org-day",
                period="day",
                seconds=86_400,
                limit=per_day,
                used=spent.day_used,
                ends_in=spent.day_left,
            )
        )
    return windows


def _exceeded(window: _Window, headers: list[tuple[str, str]]) -> ApiError:
    return ApiError(
        Code.RATE_LIMIT_EXCEEDED,
        f"Rate limit exceeded: {window.limit} requests per {window.period}. "
        f"Retry in {window.wait} s.",
        meta={"retryAfter": window.wait},
        headers={**dict(headers), "Retry-After": str(window.wait)},
    )
