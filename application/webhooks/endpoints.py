"""The state of endpoints: cursors, and events that wait for another try."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from msgspec import Struct, convert
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from application.due.work import IS_FREE, DueWork, plan_now, renew_lease
from domain.webhook import retries
from domain.webhook.events import (
    WebhookFilters,
    WebhookPayload,
    WebhookSignature,
)
from infra.database import Pool
from infra.structs import structs

# The kind of due work that sends to an endpoint; the id of its webhook is the key.
WORK: LiteralString = "webhook"
# Longer than a batch may take. A process that dies loses its leases at once, so that
# only one that hangs makes others wait for so long.
LEASE: Final = timedelta(seconds=60)

_ADD: LiteralString = """
INSERT INTO webhook_cursors (webhook_id, organization_id, position)
SELECT id, organization_id, starts_after FROM webhooks w
WHERE removed_at IS NULL
AND NOT EXISTS (SELECT FROM webhook_cursors c WHERE c.webhook_id = w.id)
ON CONFLICT DO NOTHING
"""
# An endpoint without room gets no new events, so these do not make it due. The one that
# fell due first comes first.
_DUE: LiteralString = f"""
SELECT c.webhook_id, c.is_slow OR c.failures > 0 FROM webhook_cursors c
JOIN webhooks w ON w.organization_id = c.organization_id AND w.id = c.webhook_id
LEFT JOIN due_work d ON d.kind = '{WORK}' AND d.key = c.webhook_id::text
WHERE w.removed_at IS NULL AND w.disabled_reason IS NULL AND c.not_before <= now()
AND (c.number - coalesce((SELECT min(t.number) FROM webhook_waiting t
                          WHERE t.webhook_id = c.webhook_id), c.number) < %(ahead)s
     AND EXISTS (SELECT FROM feed f WHERE f.organization_id = c.organization_id
             AND f.position >= greatest(c.position, w.starts_after)
             AND (f.position, f.ordinal) > (c.position, c.ordinal)
             AND f.position > w.starts_after)
     OR EXISTS (SELECT FROM webhook_waiting t WHERE t.webhook_id = c.webhook_id
                AND t.next_try_at <= now())
     OR EXISTS (SELECT FROM webhook_replays r WHERE r.webhook_id = c.webhook_id
                AND r.not_before <= now()))
AND NOT EXISTS (SELECT FROM due_work
                WHERE kind = d.kind AND key = d.key AND {IS_FREE} IS NOT TRUE)
ORDER BY d.due_at, c.webhook_id
"""  # noqa: S608 - constants only
# Planned work is done at this moment, or waits for a thread.
_NEXT: LiteralString = f"""
SELECT extract(epoch FROM min(greatest(at, now())) - now())::float8 FROM (
    SELECT webhook_id, not_before FROM webhook_cursors WHERE not_before > now()
    UNION ALL SELECT webhook_id, next_try_at FROM webhook_waiting
    UNION ALL SELECT webhook_id, not_before FROM webhook_replays
    UNION ALL SELECT key::uuid, now() FROM due_work WHERE kind = '{WORK}'
) AS due (webhook_id, at)
JOIN webhook_cursors c USING (webhook_id)
JOIN webhooks w ON w.organization_id = c.organization_id AND w.id = c.webhook_id
WHERE w.removed_at IS NULL AND w.disabled_reason IS NULL
"""  # noqa: S608 - constants only
# Changed webhooks, and events that are due again, notify this channel.
NOTICES: LiteralString = "goatherd_webhooks"
_ANY: LiteralString = """
SELECT c.webhook_id, c.organization_id, w.url, w.types, w.project_id, w.filters,
       w.payload, w.signatures,
       greatest(c.position, w.starts_after),
       CASE WHEN c.position >= w.starts_after THEN c.ordinal ELSE 2147483647 END,
       c.number, c.failures, c.counted_at, c.pauses, now()
FROM webhook_cursors c
JOIN webhooks w ON w.organization_id = c.organization_id AND w.id = c.webhook_id
WHERE w.removed_at IS NULL AND c.webhook_id = %s
"""
_ENABLED: LiteralString = f"{_ANY} AND w.disabled_reason IS NULL"
_WAITING: LiteralString = """
SELECT number, position, ordinal, event_id, subject_id, tries, first_try_at,
       next_try_at, was_sent
FROM webhook_waiting WHERE webhook_id = %s ORDER BY number
"""
_SAVE: LiteralString = """
UPDATE webhook_cursors SET position = %(position)s, ordinal = %(ordinal)s,
    number = %(number)s, failures = %(failures)s, counted_at = %(counted_at)s,
    pauses = %(pauses)s, is_slow = %(is_slow)s,
    not_before = now() + make_interval(secs => %(paused)s),
    last_delivery_at = coalesce(%(delivered_at)s, last_delivery_at)
WHERE webhook_id = %(webhook)s
"""
_WAIT: LiteralString = """
INSERT INTO webhook_waiting (webhook_id, organization_id, number, position, ordinal,
    event_id, subject_id, tries, first_try_at, next_try_at, was_sent)
VALUES (%(webhook)s, %(organization)s, %(number)s, %(position)s, %(ordinal)s,
    %(event)s, %(subject)s, %(tries)s, %(first_try_at)s, %(next_try_at)s, %(was_sent)s)
"""
# A retry by hand may have delivered it meanwhile: then it waits no longer.
_WAIT_AGAIN: LiteralString = """
UPDATE webhook_waiting SET tries = %(tries)s, first_try_at = %(first_try_at)s,
    next_try_at = %(next_try_at)s, was_sent = %(was_sent)s
WHERE webhook_id = %(webhook)s AND number = %(number)s
"""
_DONE: LiteralString = """
DELETE FROM webhook_waiting WHERE webhook_id = %s AND number = ANY(%s)
"""
_TAKEN: LiteralString = """
DELETE FROM webhook_waiting WHERE webhook_id = %s AND event_id = %s
"""
# Transactions that remove or add rows that wait hold the row of the endpoint first, so
# that each sees the rows that the one before left.
_HOLD: LiteralString = """
SELECT FROM webhook_cursors WHERE webhook_id = %s FOR UPDATE
"""
# The first event of a subject that waits is tried as soon as the ones before are gone.
_UNBLOCK: LiteralString = """
UPDATE webhook_waiting t SET next_try_at = now()
WHERE webhook_id = %s AND next_try_at IS NULL AND NOT EXISTS (
    SELECT FROM webhook_waiting o WHERE o.webhook_id = t.webhook_id
    AND o.subject_id = t.subject_id AND o.number < t.number)
"""
_BACK: LiteralString = """
UPDATE webhook_waiting SET next_try_at = now()
WHERE webhook_id = %s AND NOT was_sent AND next_try_at IS NOT NULL
"""
_SKIP: LiteralString = """
DELETE FROM webhook_waiting t USING webhooks w
WHERE t.webhook_id = %s AND w.id = t.webhook_id AND t.position <= w.starts_after
"""


class Endpoint(Struct, frozen=True, kw_only=True):
    """An endpoint as one process may send to it, and how far it has come.

    ``number`` counts its events so far, and ``failures`` those in a row, of which the
    last one that counted was at ``counted_at``. ``pauses`` counts the times in a row
    that it got nothing for a while. ``now`` is the database's present.
    """

    webhook_id: UUID
    organization_id: UUID
    url: str
    types: list[str]
    project_id: UUID | None
    filters: WebhookFilters | None
    payload: WebhookPayload
    signatures: list[WebhookSignature]
    position: int
    ordinal: int
    number: int
    failures: int
    counted_at: datetime | None
    pauses: int
    now: datetime


class WaitingEvent(Struct, frozen=True, kw_only=True):
    """An event that was tried, or waits for an earlier one of its subject."""

    number: int
    position: int
    ordinal: int
    event_id: str
    subject_id: UUID
    tries: int = 0
    first_try_at: datetime | None = None
    next_try_at: datetime | None = None
    was_sent: bool = True


class DueEndpoint(Struct, frozen=True, kw_only=True):
    """An endpoint with something to send; ``is_troubled`` if it is slow or fails."""

    webhook_id: UUID
    is_troubled: bool


class BatchProgress(Struct, frozen=True, kw_only=True):
    """The change by a batch: the new state, and events that wait or are done with.

    ``paused_seconds`` is the time in which the endpoint gets nothing. With ``is_back``
    the endpoint can be reached again, so events that did not reach it are due.
    """

    position: int
    ordinal: int
    number: int
    failures: int
    counted_at: datetime | None
    pauses: int
    is_slow: bool
    paused_seconds: float
    delivered_at: datetime | None
    is_back: bool
    waiting: Sequence[WaitingEvent]
    done: Sequence[int]


def due_endpoints(pool: Pool) -> list[DueEndpoint]:
    """Plan work for endpoints that have something to send, and return those to take.

    Work that another worker does is left out.
    """
    with pool.connection() as connection:
        connection.execute(_ADD)
        params = {"ahead": retries.MOST_AHEAD}
        due = structs(DueEndpoint, connection.execute(_DUE, params).fetchall())
        plan_now(connection.cursor(), WORK, [str(each.webhook_id) for each in due])
    return due


def next_endpoint_due(pool: Pool) -> float | None:
    """Return the seconds until an endpoint has something to send, None if unknown.

    New events of the feed are not foreseen.
    """
    with pool.connection() as connection:
        row = connection.execute(_NEXT).fetchone()
    return None if row is None else row[0]


def read_endpoint(connection: Connection[TupleRow], work: DueWork) -> Endpoint | None:
    """Return the endpoint of some work with a new lease; None if it is off or gone.

    Raises:
        WorkLostError: another process has the endpoint.
    """
    webhook_id = UUID(work.key)
    with connection.transaction():
        renew_lease(connection.cursor(), work, lease=LEASE)
        connection.execute(_HOLD, (webhook_id,))
        if connection.execute(_SKIP, (webhook_id,)).rowcount:
            unblock(connection.cursor(), webhook_id)
    return _endpoint(connection.execute(_ENABLED, (webhook_id,)).fetchone())


def any_endpoint(connection: Connection[TupleRow], webhook_id: UUID) -> Endpoint | None:
    """Return an endpoint that nobody needs to have leased; None if it is gone."""
    connection.execute(_ADD)
    return _endpoint(connection.execute(_ANY, (webhook_id,)).fetchone())


def _endpoint(row: TupleRow | None) -> Endpoint | None:
    if row is None:
        return None
    values: dict[str, Any] = dict(zip(Endpoint.__struct_fields__, row, strict=True))
    filters = values.pop("filters")
    return Endpoint(
        **values,
        filters=None if filters is None else convert(filters, WebhookFilters),
    )


def waiting_events(
    connection: Connection[TupleRow], webhook_id: UUID
) -> list[WaitingEvent]:
    """Return the events that an endpoint did not take yet, in their order."""
    rows = connection.execute(_WAITING, (webhook_id,)).fetchall()
    return structs(WaitingEvent, rows)


def unblock(cursor: Cursor[TupleRow], webhook_id: UUID) -> None:
    """Let each event be due whose subject no longer has an earlier one that waits.

    The transaction has changed or locked the row of the endpoint.
    """
    cursor.execute(_UNBLOCK, (webhook_id,))


def wait_no_longer(cursor: Cursor[TupleRow], webhook_id: UUID, event_id: str) -> None:
    """Note that an endpoint took an event, whose followers are due now."""
    cursor.execute(_HOLD, (webhook_id,))
    cursor.execute(_TAKEN, (webhook_id, event_id))
    unblock(cursor, webhook_id)


@contextmanager
def saving(
    pool: Pool, endpoint: Endpoint, work: DueWork, progress: BatchProgress
) -> Generator[Cursor[TupleRow]]:
    """Save a batch in a transaction, in which the block saves more; renew the lease.

    Raises:
        WorkLostError: another process has the endpoint; the batch is sent again.
    """
    webhook = {"webhook": endpoint.webhook_id}
    with pool.connection() as connection, connection.transaction():
        cursor = connection.cursor()
        renew_lease(cursor, work, lease=LEASE)
        cursor.execute(
            _SAVE,
            {
                **webhook,
                "position": progress.position,
                "ordinal": progress.ordinal,
                "number": progress.number,
                "failures": progress.failures,
                "counted_at": progress.counted_at,
                "pauses": progress.pauses,
                "is_slow": progress.is_slow,
                "paused": progress.paused_seconds,
                "delivered_at": progress.delivered_at,
            },
        )
        if progress.done:
            cursor.execute(_DONE, (endpoint.webhook_id, [*progress.done]))
        for each in progress.waiting:
            cursor.execute(
                _WAIT if each.number > endpoint.number else _WAIT_AGAIN,
                {
                    **webhook,
                    "organization": endpoint.organization_id,
                    "number": each.number,
                    "position": each.position,
                    "ordinal": each.ordinal,
                    "event": each.event_id,
                    "subject": each.subject_id,
                    "tries": each.tries,
                    "first_try_at": each.first_try_at,
                    "next_try_at": each.next_try_at,
                    "was_sent": each.was_sent,
                },
            )
        if progress.done or progress.waiting:
            unblock(cursor, endpoint.webhook_id)
        if progress.is_back:
            cursor.execute(_BACK, (endpoint.webhook_id,))
        yield cursor
