"""The sessions that are still valid: people have not signed out of them.

A cookie alone is valid until its time is over, wherever it was copied to. Every process
asks the database whether the session was ended, and remembers the answer for half a
second.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from api.http.access.sessions import LIFETIME_SECONDS, Session, Sessions
from infra.database import AsyncPool, run_read_async

_MAX_CACHED = 10_000

# The row without a nonce has the time of the last restore, which ends all sessions.
_HAS_ENDED = """
SELECT EXISTS (SELECT FROM ended_sessions WHERE nonce = %s
               OR nonce = '' AND expires_at > to_timestamp(%s))
"""
_END = """
WITH tidied AS (DELETE FROM ended_sessions WHERE expires_at <= now() AND nonce <> '')
INSERT INTO ended_sessions (nonce, expires_at) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""


class LiveSessions:
    """Reads the cookies of sessions that were not ended, and ends sessions.

    The answer that a session is valid is cached for ``keep_for`` seconds, so that a
    session which another process ended is refused that soon. Without ``accepts`` no
    session with a key is valid.
    """

    def __init__(
        self,
        sessions: Sessions,
        pool: AsyncPool,
        *,
        accepts: bool = True,
        keep_for: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._pool = pool
        self._accepts = accepts
        self._keep_for = keep_for
        self._clock = clock
        self._live_until: dict[bytes, float] = {}

    async def opened(self, cookie: str | None) -> Session | None:
        """Return the session in a cookie; None if it is invalid, expired or ended."""
        session = self._sessions.opened(cookie) if self._accepts else None
        if session is None or await self._has_ended(session):
            return None
        return session

    async def end(self, cookie: str | None) -> None:
        """End the session in a cookie, if the cookie has one."""
        session = self._sessions.opened(cookie)
        if session is None:
            return
        expires_at = datetime.fromtimestamp(session.until, UTC)
        async with self._pool.connection() as connection:
            await connection.execute(_END, (session.nonce, expires_at))
        self._live_until.pop(session.nonce, None)

    async def _has_ended(self, session: Session) -> bool:
        started_at = self._clock()
        if started_at < self._live_until.get(session.nonce, 0.0):
            return False

        async def ask(connection: AsyncConnection[TupleRow]) -> TupleRow | None:
            began = session.until - LIFETIME_SECONDS
            cursor = await connection.execute(_HAS_ENDED, (session.nonce, began))
            return await cursor.fetchone()

        row = await run_read_async(self._pool, ask)
        if row is not None and row[0]:
            return True
        if len(self._live_until) >= _MAX_CACHED:
            self._live_until.clear()
        self._live_until[session.nonce] = started_at + self._keep_for
        return False
