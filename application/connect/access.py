"""Access tokens of connected creators: read, refreshed by one process, and lost."""

import random
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import structlog
from msgspec import Struct
from psycopg import Connection
from psycopg.rows import TupleRow

from application.connect.endings import end_with_append
from application.connect.rows import times_of
from application.connect.sealing import ConnectionSeal, Tokens
from application.connect.tiktok import ConsentRefusedError, TikTokLogin, TokenGrant
from domain import commands as c
from domain.creator.handlers.connect import lose_connection
from domain.messages import ConnectionEnd, ConnectionProvider
from domain.scrape.verdicts import Transient
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import BusyError, Store
from infra.http_out.refusals import RefusedError
from infra.http_out.request_notes import BudgetSpentError
from infra.http_out.tiktok_api import Deadline
from infra.ids import new_id
from infra.locks import AdvisoryLock
from infra.structs import structs

ACTOR = "worker:display"
# By TikTok's clock a refresh token may end this much earlier than by ours.
_SKEW_SECONDS = 600
_LOOK_AGAIN_SECONDS = (0.05, 0.2)

_CURRENT = """
SELECT id, creator_id, sealed, scopes, refresh_at <= now(), unanswered,
       refresh_ends_at <= now() + make_interval(secs => %s)
FROM creator_connections
WHERE creator_id = %s AND provider = %s AND state = 'connected'
"""
_HOLD = "SELECT pg_try_advisory_lock(hashtextextended(%s, %s))"
_LET_GO = "SELECT pg_advisory_unlock(hashtextextended(%s, %s))"
_BEGIN = """
UPDATE creator_connections SET unanswered = unanswered + 1 WHERE id = %s
"""
_NOT_SENT = """
UPDATE creator_connections SET unanswered = greatest(unanswered - 1, 0) WHERE id = %s
"""
_LOCK = "SELECT FROM creator_connections WHERE id = %s FOR UPDATE"
_STORE = """
UPDATE creator_connections SET sealed = %(sealed)s, scopes = %(scopes)s, unanswered = 0,
    access_ends_at = now() + make_interval(secs => %(access)s),
    refresh_at = now() + make_interval(secs => %(early)s),
    refresh_ends_at = now() + make_interval(secs => %(refresh)s)
WHERE id = %(id)s AND state = 'connected'
"""
_USED = """
UPDATE creator_connections SET last_used_at = now()
WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 second')
"""

_log = structlog.get_logger()


class Access(Struct, frozen=True, kw_only=True):
    """A token for reading a creator's account, with the account's id and the scopes."""

    connection_id: UUID
    creator_id: UUID
    token: str
    open_id: str
    scopes: frozenset[str]

    def __repr__(self) -> str:
        return f"Access({self.connection_id})"


class NotConnectedError(Exception):
    """The creator is not connected."""


class _Row(Struct, frozen=True, gc=False):
    id: UUID
    creator_id: UUID
    sealed: bytes
    scopes: list[str]
    is_due: bool
    unanswered: int
    is_at_its_end: bool


class AccessTokens:
    """The access tokens of all connected creators; threads may share it.

    A token is refreshed before its end, by one process at a time: the one that holds a
    lock of the database. TikTok's new refresh token replaces the old one, so it is
    stored in a transaction that locks the row before the request. If TikTok's answer is
    lost, the old token is tried again; TikTok refuses it if it had made a new one.
    """

    def __init__(
        self,
        store: Store,
        login: TikTokLogin,
        seal: ConnectionSeal,
        *,
        provider: ConnectionProvider = "display",
    ) -> None:
        self._store = store
        self._login = login
        self._seal = seal
        self._provider: ConnectionProvider = provider

    def current(self, creator_id: UUID, deadline: Deadline) -> Access:
        """Return a token that should be valid for some minutes.

        Raises:
            NotConnectedError: the creator is not connected.
            RefusedError: the token must be refreshed, and TikTok gave no new one.
        """
        self._seal.make_ready()
        with self._store.pool.connection() as connection:
            row = self._read(connection, creator_id)
            connection.execute(_USED, (row.id,))
        if not row.is_due:
            return self._access(row)
        return self._refreshed(creator_id, None, deadline)

    def after_refusal(self, refused: Access, deadline: Deadline) -> Access:
        """Return another token than the one that TikTok has refused.

        Raises:
            NotConnectedError: the creator is not connected any more.
            RefusedError: TikTok gave no other token.
        """
        self._seal.make_ready()
        return self._refreshed(refused.creator_id, refused.token, deadline)

    def lose(self, access: Access, reason: ConnectionEnd) -> None:
        """Record the end of the creator's connection, with the reason."""
        self._lose(access.creator_id, access.open_id, reason)

    def _refreshed(
        self, creator_id: UUID, refused: str | None, deadline: Deadline
    ) -> Access:
        while True:
            with self._store.pool.connection() as connection:
                row = self._read(connection, creator_id)
                if not self._needs_refresh(row, refused):
                    return self._access(row)
                with _alone(connection, row.id) as is_alone:
                    if is_alone:
                        # The token may have been refreshed since it was read.
                        row = self._read(connection, creator_id)
                        if not self._needs_refresh(row, refused):
                            return self._access(row)
                        granted = self._refresh(connection, row)
                        if granted is not None:
                            return granted
                        break
            pause = random.uniform(*_LOOK_AGAIN_SECONDS)  # noqa: S311
            if pause >= deadline.left():
                detail = "Another worker was refreshing the access token."
                raise RefusedError(Transient(detail), was_sent=False)
            time.sleep(pause)
        tokens = self._seal.open(row.id, row.sealed)
        # A lost answer may have had the valid token.
        is_ours = row.unanswered > 0 or row.is_at_its_end
        self._lose(
            creator_id, tokens.open_id, "expired" if is_ours else "revoked_there"
        )
        raise NotConnectedError

    def _refresh(self, connection: Connection[TupleRow], row: _Row) -> Access | None:
        """Return the new token, None if TikTok refuses the old one."""
        tokens = self._seal.open(row.id, row.sealed)
        # The count is committed at once, so that the successor of a killed process sees
        # it.
        connection.execute(_BEGIN, (row.id,))
        try:
            with connection.transaction():
                connection.execute(_LOCK, (row.id,))
                grant = self._login.refresh(tokens.refresh)
                self._store_grant(connection, row, tokens, grant)
        except ConsentRefusedError as error:
            _log.info("token_refresh_refused", reason=str(error))
            return None
        except BudgetSpentError:
            connection.execute(_NOT_SENT, (row.id,))
            raise
        except RefusedError as error:
            if not error.was_sent:
                connection.execute(_NOT_SENT, (row.id,))
            raise
        return Access(
            connection_id=row.id,
            creator_id=row.creator_id,
            token=grant.access,
            open_id=tokens.open_id,
            scopes=frozenset(grant.scopes or row.scopes),
        )

    def _store_grant(
        self,
        connection: Connection[TupleRow],
        row: _Row,
        old: Tokens,
        grant: TokenGrant,
    ) -> None:
        new = Tokens(
            access=grant.access,
            refresh=grant.refresh,
            open_id=old.open_id,
            username=old.username,
        )
        values: dict[str, Any] = {
            "id": row.id,
            "sealed": self._seal.seal(row.id, new),
            "scopes": list(grant.scopes or row.scopes),
            **times_of(grant),
        }
        connection.execute(_STORE, values)

    def _lose(self, creator_id: UUID, open_id: str, reason: ConnectionEnd) -> None:
        command = c.EndConnection(provider=self._provider, reason=reason)
        try:
            execute(
                self._store,
                lambda: lose_connection(creator_id, command, open_id=open_id),
                context=Context(actor=ACTOR, command_id=new_id()),
                in_transaction=lambda cursor, done: end_with_append(
                    cursor, done.events
                ),
            )
        except BusyError as error:
            raise RefusedError(Transient(str(error)), was_sent=False) from error

    def _read(self, connection: Connection[TupleRow], creator_id: UUID) -> _Row:
        rows = connection.execute(
            _CURRENT, (_SKEW_SECONDS, creator_id, self._provider)
        ).fetchall()
        if not rows:
            raise NotConnectedError
        return structs(_Row, rows)[0]

    def _needs_refresh(self, row: _Row, refused: str | None) -> bool:
        if refused is None:
            return row.is_due
        return self._seal.open(row.id, row.sealed).access == refused

    def _access(self, row: _Row) -> Access:
        tokens = self._seal.open(row.id, row.sealed)
        return Access(
            connection_id=row.id,
            creator_id=row.creator_id,
            token=tokens.access,
            open_id=tokens.open_id,
            scopes=frozenset(row.scopes),
        )


@contextmanager
def _alone(connection: Connection[TupleRow], connection_id: UUID) -> Generator[bool]:
    """Hold the lock of a creator's connection, unless another process has it.

    The lock ends with the session, also if the process is killed.
    """
    lock = (str(connection_id), AdvisoryLock.REFRESH_TOKEN)
    row = connection.execute(_HOLD, lock).fetchone()
    is_alone = row is not None and bool(row[0])
    try:
        yield is_alone
    finally:
        if is_alone and not connection.closed:
            connection.execute(_LET_GO, lock)
