"""Idempotency keys: who works on a request, and what was answered to it."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from infra import database
from infra.database import Pool
from infra.ids import new_id

LEASE_SECONDS = 60
KEPT_HOURS = 24


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request with an Idempotency-Key; ``fingerprint`` is of everything it says."""

    organization_id: UUID
    key_id: UUID
    idempotency_key: str
    route: str
    fingerprint: bytes


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to answer an ask; void once somebody else took it over."""

    ask: Ask
    holder: UUID


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was given before."""

    status: int
    headers: dict[str, str]
    body: bytes


class Unanswerable(msgspec.Struct, frozen=True, kw_only=True):
    """The key belongs to another route or body, or its first ask is still running."""

    reason: Literal["other_route", "other_body", "in_flight"]
    route: str


class ClaimLostError(Exception):
    """Somebody else took the request over meanwhile; this answer must not stand."""


# A key is free when nobody had it for a day, or when whoever works on the very same
# request has been silent for longer than the lease.
_CLAIM = """
INSERT INTO idempotency AS i (organization_id, key_id, idempotency_key, route,
                              fingerprint, holder, lease_until)
VALUES (%(organization)s, %(key)s, %(text)s, %(route)s, %(fingerprint)s, %(holder)s,
        clock_timestamp() + make_interval(secs => %(lease)s))
ON CONFLICT (organization_id, key_id, idempotency_key) DO UPDATE SET
    route = excluded.route, fingerprint = excluded.fingerprint,
    holder = excluded.holder, lease_until = excluded.lease_until,
    status = NULL, headers = NULL, body = NULL, created_at = clock_timestamp()
WHERE i.holder = excluded.holder
   OR i.created_at < clock_timestamp() - make_interval(hours => %(kept)s)
   OR i.status IS NULL AND i.lease_until < clock_timestamp()
      AND i.route = excluded.route AND i.fingerprint = excluded.fingerprint
RETURNING holder
"""
_LOOK = """
SELECT route, fingerprint, status, headers::text, body FROM idempotency
WHERE organization_id = %s AND key_id = %s AND idempotency_key = %s
"""
_KEEP = """
UPDATE idempotency SET status = %s, headers = %s, body = %s
WHERE organization_id = %s AND key_id = %s AND idempotency_key = %s AND holder = %s
"""
_RELEASE = """
DELETE FROM idempotency WHERE organization_id = %s AND key_id = %s
AND idempotency_key = %s AND holder = %s AND status IS NULL
"""
_PRUNE = """
DELETE FROM idempotency
WHERE created_at < clock_timestamp() - make_interval(hours => %s)
"""


def claim(pool: Pool, ask: Ask) -> Claim | Given | Unanswerable:
    """Take the ask on, or say what was answered to it or why it cannot be."""
    holder = new_id()
    wanted = {
        "organization": ask.organization_id,
        "key": ask.key_id,
        "text": ask.idempotency_key,
        "route": ask.route,
        "fingerprint": ask.fingerprint,
        "holder": holder,
        "lease": LEASE_SECONDS,
        "kept": KEPT_HOURS,
    }

    def take_or_look(connection: Connection[TupleRow]) -> TupleRow | None:
        taken = connection.execute(_CLAIM, wanted).fetchone()
        return taken or connection.execute(_LOOK, _key(ask)).fetchone()

    row = database.ask(pool, take_or_look)
    if row == (holder,):
        return Claim(ask=ask, holder=holder)
    if row is None:
        # It was released between the two looks: as good as still running.
        return Unanswerable(reason="in_flight", route=ask.route)
    route, fingerprint, status, headers, body = row
    if route != ask.route:
        return Unanswerable(reason="other_route", route=route)
    if fingerprint != ask.fingerprint:
        return Unanswerable(reason="other_body", route=route)
    if status is None:
        return Unanswerable(reason="in_flight", route=route)
    return Given(
        status=status,
        headers=msgspec.json.decode(headers, type=dict[str, str]),
        body=body,
    )


def keep(
    cursor: Cursor[TupleRow],
    claimed: Claim,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    """Keep the answer, in the transaction of whatever it answers.

    Raises:
        ClaimLostError: somebody else took the request over.
    """
    parameters: tuple[Any, ...] = (
        *(status, msgspec.json.encode(headers).decode(), body),
        *_key(claimed.ask),
        claimed.holder,
    )
    cursor.execute(_KEEP, parameters)
    if cursor.rowcount != 1:
        raise ClaimLostError


def release(pool: Pool, claimed: Claim) -> None:
    """Give the ask back unanswered, so that the next try starts anew."""
    with pool.connection() as connection:
        connection.execute(_RELEASE, (*_key(claimed.ask), claimed.holder))


def prune(pool: Pool) -> int:
    """Forget answers older than a day; return how many."""
    with pool.connection() as connection:
        return connection.execute(_PRUNE, (KEPT_HOURS,)).rowcount


def _key(ask: Ask) -> tuple[UUID, UUID, str]:
    return ask.organization_id, ask.key_id, ask.idempotency_key
