"""Table creator_connections: consents and their states."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct
from psycopg import Connection, Cursor
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow

from application.connect.tiktok import TokenGrant
from domain.messages import ConnectionEnd, ConnectionProvider
from infra.eventstore.store import BusyError
from infra.locks import AdvisoryLock
from infra.structs import structs

ConsentState = Literal["unconfirmed", "waiting", "connected", "ended"]
# A token is not used in its last minutes, because clocks may differ by ten minutes.
EARLY_SECONDS = 900.0

# The later of two concurrent consents must see the earlier one, to end it.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))"
_END_CONSENTING = """
UPDATE creator_connections SET state = 'ended', ended_at = now(), revoke_at = now()
WHERE creator_id = %(creator)s AND provider = %(provider)s
AND state IN ('unconfirmed', 'waiting')
"""
_ADD = """
INSERT INTO creator_connections (id, organization_id, creator_id, provider, state,
    account, sealed, scopes, link_id, access_ends_at, refresh_at, refresh_ends_at)
VALUES (%(id)s, %(organization)s, %(creator)s, %(provider)s, 'unconfirmed',
    %(account)s, %(sealed)s, %(scopes)s, %(link)s,
    now() + make_interval(secs => %(access)s), now() + make_interval(secs => %(early)s),
    now() + make_interval(secs => %(refresh)s))
"""
_CREATORS_WITH = """
SELECT DISTINCT creator_id FROM creator_connections
WHERE account = %s AND state = 'connected' ORDER BY 1
"""
_HOLD = """
SELECT FROM creator_connections WHERE creator_id = ANY(%s) FOR UPDATE NOWAIT
"""
# A replaced consent is of the same account, or is given back to TikTok.
_REPLACE = """
UPDATE creator_connections SET state = 'ended', ended_at = now(), revoke_at = now()
WHERE creator_id = %(creator)s AND provider = %(provider)s AND state = 'connected'
AND id <> %(id)s
"""
_CONNECT = """
UPDATE creator_connections SET state = 'connected', connected_at = %(at)s,
    position = %(position)s
WHERE id = %(id)s AND state IN ('unconfirmed', 'waiting')
"""
_WAIT = """
UPDATE creator_connections SET state = 'waiting'
WHERE id = %s AND state = 'unconfirmed'
"""
_GIVE_BACK = """
UPDATE creator_connections SET state = 'ended', ended_at = now(), revoke_at = now()
WHERE id = %s AND state IN ('unconfirmed', 'waiting')
"""
_FIND = """
SELECT id, organization_id, creator_id, provider, state, sealed, scopes, link_id,
       account
FROM creator_connections WHERE id = %s
"""
_SHOWN = """
SELECT id, provider, state, scopes, consented_at, connected_at, last_used_at, ended_at,
       reason, sealed
FROM creator_connections WHERE organization_id = %s AND creator_id = %s
AND (state IN ('waiting', 'connected') OR reason IS NOT NULL)
ORDER BY state = 'ended', state = 'connected', consented_at DESC LIMIT 1
"""
_WAITING = """
SELECT id, organization_id, creator_id, provider, state, sealed, scopes, link_id,
       account
FROM creator_connections
WHERE organization_id = %s AND creator_id = %s AND state = 'waiting'
"""
_REFUSE = """
UPDATE creator_connections SET state = 'ended', ended_at = now(), revoke_at = now()
WHERE organization_id = %s AND creator_id = %s AND state = 'waiting'
"""
_CONNECTED_AS = """
SELECT l.id FROM creator_list l
JOIN creator_connections c ON c.creator_id = l.id AND c.state = 'connected'
WHERE l.tiktok_handle = %(handle)s
AND (%(organization)s::uuid IS NULL OR l.organization_id = %(organization)s)
ORDER BY c.connected_at DESC LIMIT 1
"""


class Consent(Struct, frozen=True, kw_only=True):
    """A consent that was given just now, with its sealed tokens."""

    id: UUID
    organization_id: UUID
    creator_id: UUID
    provider: ConnectionProvider
    account: bytes
    sealed: bytes
    link_id: UUID


class StoredConsent(Struct, frozen=True, kw_only=True):
    """A stored consent; ``sealed`` is null once its tokens are gone."""

    id: UUID
    organization_id: UUID
    creator_id: UUID
    provider: ConnectionProvider
    state: ConsentState
    sealed: bytes | None
    scopes: list[str]
    link_id: UUID | None
    account: bytes


class ShownConnection(Struct, frozen=True, kw_only=True):
    """A creator's newest connection for its organization."""

    id: UUID
    provider: ConnectionProvider
    state: ConsentState
    scopes: list[str]
    consented_at: datetime
    connected_at: datetime | None
    last_used_at: datetime | None
    ended_at: datetime | None
    reason: ConnectionEnd | None
    sealed: bytes | None


def times_of(grant: TokenGrant) -> dict[str, float]:
    """Return the seconds until the tokens end, and until they must be refreshed."""
    seconds = grant.access_seconds
    return {
        "access": seconds,
        "early": max(seconds - EARLY_SECONDS, seconds / 2),
        "refresh": grant.refresh_seconds,
    }


def add_consent(cursor: Cursor[TupleRow], consent: Consent, grant: TokenGrant) -> None:
    """Store a consent in place of one that is neither confirmed nor accepted yet."""
    values = {
        "id": consent.id,
        "organization": consent.organization_id,
        "creator": consent.creator_id,
        "provider": consent.provider,
        "account": consent.account,
        "sealed": consent.sealed,
        "scopes": list(grant.scopes),
        "link": consent.link_id,
        **times_of(grant),
    }
    of = f"{consent.creator_id} {consent.provider}"
    cursor.execute(_ONE_AT_A_TIME, (of, AdvisoryLock.TAKE_CONSENT))
    cursor.execute(_END_CONSENTING, values)
    cursor.execute(_ADD, values)


def hold_connections(cursor: Cursor[TupleRow], creator_ids: list[UUID]) -> None:
    """Lock the connections of creators, in an append's transaction.

    A worker that refreshes a token locks its row until TikTok answers. Nothing can be
    appended while this transaction waits, so it fails instead.

    Raises:
        BusyError: a token of one of them is being refreshed.
    """
    try:
        cursor.execute(_HOLD, (creator_ids,))
    except LockNotAvailable:
        raise BusyError(
            "TikTok is being asked for a new token of this creator; try again."
        ) from None


def creators_with(cursor: Cursor[TupleRow], account: bytes) -> list[UUID]:
    """Return the creators of all organizations that are connected with an account."""
    return [row[0] for row in cursor.execute(_CREATORS_WITH, (account,))]


def connect(
    cursor: Cursor[TupleRow], consent: StoredConsent, *, position: int, at: datetime
) -> bool:
    """Make a consent the creator's connection since an event; return False if it ended.

    Raises:
        BusyError: a token of the connection that is replaced is being refreshed.
    """
    hold_connections(cursor, [consent.creator_id])
    values = {
        "id": consent.id,
        "creator": consent.creator_id,
        "provider": consent.provider,
        "position": position,
        "at": at,
    }
    cursor.execute(_REPLACE, values)
    return cursor.execute(_CONNECT, values).rowcount == 1


def wait_for_member(cursor: Cursor[TupleRow], connection_id: UUID) -> bool:
    """Let a consent wait until a member accepts it; return False if it has ended."""
    return cursor.execute(_WAIT, (connection_id,)).rowcount == 1


def give_back(cursor: Cursor[TupleRow], connection_id: UUID) -> bool:
    """End a consent that connects nobody, and let it be revoked at TikTok."""
    return cursor.execute(_GIVE_BACK, (connection_id,)).rowcount == 1


def find_consent(
    cursor: Cursor[TupleRow], connection_id: UUID, *, lock: bool = False
) -> StoredConsent | None:
    """Return a consent; ``lock`` keeps others from changing it in this transaction."""
    query = f"{_FIND} FOR UPDATE" if lock else _FIND
    rows = cursor.execute(query.encode(), (connection_id,)).fetchall()
    return next(iter(structs(StoredConsent, rows)), None)


def waiting_consent(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> StoredConsent | None:
    """Return the waiting consent of an owner who says that they are the creator."""
    rows = cursor.execute(_WAITING, (organization_id, creator_id)).fetchall()
    return next(iter(structs(StoredConsent, rows)), None)


def refuse_waiting(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> None:
    """End the waiting consent, if there is one, and let it be revoked at TikTok."""
    cursor.execute(_REFUSE, (organization_id, creator_id))


def shown_connection(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> ShownConnection | None:
    """Return a creator's waiting consent, else its connection, else its last one."""
    rows = cursor.execute(_SHOWN, (organization_id, creator_id)).fetchall()
    return next(iter(structs(ShownConnection, rows)), None)


def connected_creator(
    connection: Connection[TupleRow], handle: str, organization_id: UUID | None
) -> UUID | None:
    """Return the creator that is connected under a handle, if there is one.

    Without ``organization_id``, creators of all organizations are searched.
    """
    values = {"handle": handle, "organization": organization_id}
    row = connection.execute(_CONNECTED_AS, values).fetchone()
    return None if row is None else row[0]
