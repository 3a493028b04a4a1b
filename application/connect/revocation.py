"""Gives the tokens of ended connections back to TikTok, and repeats it after failures.

The removal or erasure of a creator must not wait for TikTok, so this happens later.
"""

import threading
from datetime import timedelta
from typing import LiteralString
from uuid import UUID

import structlog
from msgspec import Struct
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.connect.rows import times_of
from application.connect.sealing import ConnectionSeal, Tokens
from application.connect.tiktok import (
    ConsentRefusedError,
    TikTokLogin,
    UnknownTokenError,
)
from infra.database import Pool
from infra.http_out.refusals import RefusedError
from infra.loop import rest_until, run_until_stopped
from infra.structs import structs

ROUND_SECONDS = 1.0
# A creator who left the page will not confirm the consent after this time, and a member
# will not accept another handle after the second time.
_UNCONFIRMED, _WAITING = timedelta(hours=1), timedelta(days=7)
# The consent of an erased creator is kept this long, to be given back to TikTok.
_ERASED = timedelta(days=7)

_FORGOTTEN = """
UPDATE creator_connections SET state = 'ended', ended_at = now(), revoke_at = now()
WHERE state = 'unconfirmed' AND consented_at < now() - %s
OR state = 'waiting' AND consented_at < now() - %s
"""
# TikTok would end another consent of the same account, too, so this one waits.
_NEXT = """
SELECT id, sealed, access_ends_at <= now(),
    refresh_ends_at <= now() OR erased AND ended_at < now() - %s::interval,
    erased, EXISTS (
    SELECT FROM creator_connections AS other
    WHERE other.account = c.account AND other.state <> 'ended')
FROM creator_connections AS c WHERE revoke_at <= now()
ORDER BY revoke_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED
"""
_NEXT_DUE = """
SELECT extract(epoch FROM min(revoke_at) - now())::float8 FROM creator_connections
"""
# Consents that are to be given back notify this channel.
NOTICES: LiteralString = "goatherd_consents"
_DONE = """
UPDATE creator_connections SET sealed = NULL, revoke_at = NULL WHERE id = %s
"""
# A consent without a reason connected nobody, or was replaced by another.
_TIDY = """
DELETE FROM creator_connections WHERE id = %s AND (erased OR reason IS NULL)
"""
_LATER = """
UPDATE creator_connections SET revoke_tries = revoke_tries + 1,
    revoke_at = now() + make_interval(
        secs => least(5 * power(2, least(revoke_tries, 12)), 3600))
WHERE id = %s
"""
_RENEWED = """
UPDATE creator_connections SET sealed = %(sealed)s,
    access_ends_at = now() + make_interval(secs => %(access)s),
    refresh_ends_at = now() + make_interval(secs => %(refresh)s)
WHERE id = %(id)s
"""

_log = structlog.get_logger()


class _Due(Struct, frozen=True):
    id: UUID
    sealed: bytes | None
    needs_refresh: bool
    is_over: bool
    is_erased: bool
    is_shared: bool


class Revoker:
    """Revokes due consents; ``login`` is None if no app is set up."""

    def __init__(
        self, pool: Pool, login: TikTokLogin | None, seal: ConnectionSeal
    ) -> None:
        self._pool = pool
        self._login = login
        self._seal = seal

    def run(self, stop: threading.Event, wake_up: threading.Event) -> None:
        """Work until ``stop`` and ``wake_up`` are set.

        Without work the revoker waits for ``wake_up``, or until a consent falls due.
        """

        def step() -> float:
            while self.revoke_next():
                pass
            return rest_until(self._next_due(), least=ROUND_SECONDS)

        run_until_stopped(
            step, stop, failed="tokens_not_revoked", wake_up=wake_up, pool=self._pool
        )

    def _next_due(self) -> float | None:
        with self._pool.connection() as connection:
            row = connection.execute(_NEXT_DUE).fetchone()
        return None if row is None else row[0]

    def revoke_next(self) -> bool:
        """Revoke the consent that is due first; return False if none is due."""
        self._seal.make_ready()
        with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            cursor.execute(_FORGOTTEN, (_UNCONFIRMED, _WAITING))
            rows = cursor.execute(_NEXT, (_ERASED,)).fetchall()
            if not rows:
                return False
            due = structs(_Due, rows)[0]
            if self._is_revoked(cursor, due):
                cursor.execute(_DONE, (due.id,))
                cursor.execute(_TIDY, (due.id,))
            else:
                cursor.execute(_LATER, (due.id,))
            return True

    def _is_revoked(self, cursor: Cursor[TupleRow], due: _Due) -> bool:
        if due.sealed is None or due.is_over or due.is_shared:
            return True
        if self._login is None:
            # Nobody can give these tokens back, and data of an erased creator must not
            # stay.
            return due.is_erased
        tokens = self._seal.open(due.id, due.sealed)
        try:
            if due.needs_refresh or not self._takes(tokens, self._login):
                # An access token ends within a day, and its consent does not.
                tokens = self._renewed(cursor, due, tokens, self._login)
                self._login.revoke(tokens.access)
        except UnknownTokenError:
            _log.warning("token_not_revoked", reason="TikTok does not know its own.")
            return False
        except ConsentRefusedError:
            # The consent had ended at TikTok before.
            return True
        except RefusedError as error:
            _log.warning("token_not_revoked", reason=error.verdict.detail)
            return False
        return True

    def _takes(self, tokens: Tokens, login: TikTokLogin) -> bool:
        """Revoke the consent; return False if TikTok does not know the access token."""
        try:
            login.revoke(tokens.access)
        except UnknownTokenError:
            return False
        return True

    def _renewed(
        self, cursor: Cursor[TupleRow], due: _Due, tokens: Tokens, login: TikTokLogin
    ) -> Tokens:
        """Return valid tokens, because only these can revoke a consent."""
        grant = login.refresh(tokens.refresh)
        renewed = Tokens(
            access=grant.access,
            refresh=grant.refresh,
            open_id=tokens.open_id,
            username=tokens.username,
        )
        sealed = self._seal.seal(due.id, renewed)
        cursor.execute(_RENEWED, {"id": due.id, "sealed": sealed, **times_of(grant)})
        return renewed
