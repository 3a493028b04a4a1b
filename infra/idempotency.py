"""Idempotency keys: a lease on a request, and the response stored for it.

A lease is short, so that the request of a dead process can be repeated soon. The
process that works on the request renews the lease.
"""

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from uuid import UUID

import msgspec
import psycopg
import structlog
from msgspec.structs import replace
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from infra import database
from infra.database import Pool
from infra.ids import new_id
from infra.locks import AdvisoryLock

LEASE_SECONDS = 4.0
KEPT_HOURS = 24

# Two renewals may fail, or wait for a connection, before a lease ends.
_RENEW_SECONDS = 0.75
# A thread without leases to renew ends after this time.
_IDLE_SECONDS = 10.0

_log = structlog.get_logger()


class IdempotentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request with an Idempotency-Key; ``fingerprint`` is a hash of its content.

    ``idempotency_key`` is a keyed hash, because clients put names into their keys. The
    plain fields are hashes without a secret, which earlier releases stored.
    """

    organization_id: UUID
    key_id: UUID
    idempotency_key: str
    plain_key: str
    route: str
    fingerprint: bytes
    plain_fingerprint: bytes


class IdempotencyLease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to answer a request; it ends when another process takes it over.

    ``erasure`` is the number of the newest erasure of a person at its beginning.
    """

    request: IdempotentRequest
    holder: UUID
    erasure: int


class StoredResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response to an earlier request with the same key."""

    status: int
    headers: dict[str, str]
    body: bytes


class KeyUnavailable(msgspec.Struct, frozen=True, kw_only=True):
    """The key is of another route or body, or its first request is still running."""

    reason: Literal["other_route", "other_body", "in_flight"]
    route: str


class LeaseLostError(Exception):
    """Another process took over the request, so this response must not be stored."""


# A key that an earlier release stored by its plain hash is found by that for a day.
_STORED_KEY = """
coalesce(
    (SELECT idempotency_key FROM idempotency
     WHERE organization_id = %(organization)s AND key_id = %(key)s
     AND idempotency_key = %(plain)s
     AND created_at >= clock_timestamp() - make_interval(hours => %(kept)s)),
    %(text)s)
"""
# A key can be taken if it is unused, if it is older than a day, or if the lease of the
# process that works on the same request has ended. All times are of the database's
# clock. A living process renews its lease, so a lease that ends later than a new one
# would belongs to a process that died before the clock was set back.
_ACQUIRE = """
INSERT INTO idempotency AS i (organization_id, key_id, idempotency_key, route,
                              fingerprint, holder, lease_until)
VALUES (%(organization)s, %(key)s, STORED_KEY, %(route)s, %(fingerprint)s, %(holder)s,
        clock_timestamp() + make_interval(secs => %(lease)s))
ON CONFLICT (organization_id, key_id, idempotency_key) DO UPDATE SET
    route = excluded.route, fingerprint = excluded.fingerprint,
    holder = excluded.holder, lease_until = excluded.lease_until,
    status = NULL, headers = NULL, body = NULL, created_at = clock_timestamp()
WHERE i.holder = excluded.holder
   OR i.created_at < clock_timestamp() - make_interval(hours => %(kept)s)
   OR i.status IS NULL
      AND i.lease_until NOT BETWEEN clock_timestamp()
          AND clock_timestamp() + make_interval(secs => %(lease)s)
      AND i.route = excluded.route
      AND i.fingerprint IN (excluded.fingerprint, %(plain_fingerprint)s)
RETURNING holder, (SELECT coalesce(max(erasure), 0) FROM subject_keys),
          idempotency_key
""".replace("STORED_KEY", _STORED_KEY).encode()
_SELECT = """
SELECT route, fingerprint, status, headers::text, body FROM idempotency
WHERE organization_id = %(organization)s AND key_id = %(key)s
AND idempotency_key = STORED_KEY
""".replace("STORED_KEY", _STORED_KEY).encode()
_STORE_RESPONSE = """
UPDATE idempotency SET status = %s, headers = %s, body = %s
WHERE organization_id = %s AND key_id = %s AND idempotency_key = %s AND holder = %s
"""
# A locked row is about to get its response.
_RENEW = """
UPDATE idempotency
SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE (organization_id, key_id, idempotency_key) IN (
    SELECT organization_id, key_id, idempotency_key
    FROM unnest(%(organizations)s::uuid[], %(keys)s::uuid[], %(texts)s::text[],
                %(holders)s::uuid[])
        AS held (organization_id, key_id, idempotency_key, holder)
    JOIN idempotency USING (organization_id, key_id, idempotency_key, holder)
    WHERE status IS NULL
    FOR UPDATE OF idempotency SKIP LOCKED
)
"""
# An erasure overwrites stored answers, under the append lock.
_HOLD_ERASURES = "SELECT pg_advisory_xact_lock_shared(%s)"
_ERASURE = "SELECT coalesce(max(erasure), 0) FROM subject_keys"
_RELEASE = """
DELETE FROM idempotency WHERE organization_id = %s AND key_id = %s
AND idempotency_key = %s AND holder = %s AND status IS NULL
"""
_PRUNE = """
DELETE FROM idempotency
WHERE created_at < clock_timestamp() - make_interval(hours => %s)
"""


def acquire(
    pool: Pool, request: IdempotentRequest
) -> IdempotencyLease | StoredResponse | KeyUnavailable:
    """Take a lease on the request, or return its response or why there is none."""
    holder = new_id()
    parameters = {
        "organization": request.organization_id,
        "key": request.key_id,
        "text": request.idempotency_key,
        "plain": request.plain_key,
        "route": request.route,
        "fingerprint": request.fingerprint,
        "plain_fingerprint": request.plain_fingerprint,
        "holder": holder,
        "lease": LEASE_SECONDS,
        "kept": KEPT_HOURS,
    }

    def acquire_or_select(connection: Connection[TupleRow]) -> TupleRow | None:
        taken = connection.execute(_ACQUIRE, parameters).fetchone()
        return taken or connection.execute(_SELECT, parameters).fetchone()

    row = database.run_read(pool, acquire_or_select)
    if row is not None and row[0] == holder:
        stored = replace(request, idempotency_key=row[2])
        return IdempotencyLease(request=stored, holder=holder, erasure=row[1])
    if row is None:
        # The lease was released between the two statements: answer as if it still ran.
        return KeyUnavailable(reason="in_flight", route=request.route)
    route, fingerprint, status, headers, body = row
    if route != request.route:
        return KeyUnavailable(reason="other_route", route=route)
    if fingerprint not in {request.fingerprint, request.plain_fingerprint}:
        return KeyUnavailable(reason="other_body", route=route)
    if status is None:
        return KeyUnavailable(reason="in_flight", route=route)
    return StoredResponse(
        status=status,
        headers=msgspec.json.decode(headers, type=dict[str, str]),
        body=body,
    )


class HeldLeases:
    """The leases that this process holds, and the thread that renews them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._held: dict[UUID, tuple[IdempotencyLease, float]] = {}
        self._is_running = False

    @contextmanager
    def renewing(self, lease: IdempotencyLease) -> Generator[None]:
        with self._lock:
            self._held[lease.holder] = lease, time.monotonic()
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="leases", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                del self._held[lease.holder]

    def _run(self) -> None:
        needed_at = time.monotonic()
        while True:
            time.sleep(_RENEW_SECONDS)
            now = time.monotonic()
            with self._lock:
                held = [*self._held.values()]
                if held:
                    needed_at = now
                elif now - needed_at > _IDLE_SECONDS:
                    self._is_running = False
                    return
            # Most requests are done before this time.
            if old := [lease for lease, at in held if now - at > _RENEW_SECONDS / 2]:
                self._renew(old)

    def _renew(self, leases: list[IdempotencyLease]) -> None:
        requests = [lease.request for lease in leases]
        parameters = {
            "lease": LEASE_SECONDS,
            "organizations": [request.organization_id for request in requests],
            "keys": [request.key_id for request in requests],
            "texts": [request.idempotency_key for request in requests],
            "holders": [lease.holder for lease in leases],
        }
        try:
            with self._pool.connection() as connection:
                connection.execute(_RENEW, parameters)
        except psycopg.Error as error:
            # The end of a lease does no harm, because its holder notices before the
            # commit.
            _log.warning("leases_not_renewed", leases=len(leases), error=repr(error))


def store_response(
    cursor: Cursor[TupleRow],
    lease: IdempotencyLease,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    """Store the response in the transaction that makes the request's changes.

    Raises:
        LeaseLostError: another process took the request over.
    """
    parameters: tuple[Any, ...] = (
        *(status, msgspec.json.encode(headers).decode(), body),
        *_key(lease.request),
        lease.holder,
    )
    cursor.execute(_STORE_RESPONSE, parameters)
    if cursor.rowcount != 1:
        raise LeaseLostError


def is_nobody_erased_since(cursor: Cursor[TupleRow], lease: IdempotencyLease) -> bool:
    """Tell whether data that was read under the lease may still be answered.

    Until the transaction ends, no erasure can happen.
    """
    cursor.execute(_HOLD_ERASURES, (AdvisoryLock.APPEND,))
    return cursor.execute(_ERASURE).fetchone() == (lease.erasure,)


def release(pool: Pool, lease: IdempotencyLease) -> None:
    """Give up the lease, so that the next request with this key starts anew."""
    with pool.connection() as connection:
        connection.execute(_RELEASE, (*_key(lease.request), lease.holder))


def prune(pool: Pool) -> int:
    """Delete responses older than a day; return their number."""
    with pool.connection() as connection:
        return connection.execute(_PRUNE, (KEPT_HOURS,)).rowcount


def _key(request: IdempotentRequest) -> tuple[UUID, UUID, str]:
    return request.organization_id, request.key_id, request.idempotency_key
