"""The jobs of scrapes: leased for an attempt, then finished or postponed."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import msgspec
import psycopg
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from infra.database import Pool
from infra.eventstore.store import RecordedEvent
from infra.locks import AdvisoryLock
from projections.engine.erasures import ERASURE_EVENTS, cut_at_erasures
from projections.engine.folds import stored_names
from workers.lease_watch import LeaseWatch
from workers.scraping.identity import Identity
from workers.scraping.retry_policy import DIED

LEASE_SECONDS = 20

# Users wait for runs with these triggers, which precede all other runs.
_URGENT = frozenset(
    {"added", "reactivated", "renamed", "reenabled", "connected", "manual"}
)
_FIRST, _LATER = 0, 1

# Errors of providers contain the handle of the person.
_WITHOUT_PERSON = """
UPDATE scrape_job SET error = NULL, tried = NULL
WHERE organization_id = %(organization)s
AND (creator_id = %(creator)s OR scrape_id = ANY(%(scrapes)s))
"""
_ADD = """
INSERT INTO scrape_job (scrape_id, organization_id, creator_id, job_type, priority)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[], %b::smallint[])
ON CONFLICT (scrape_id) DO NOTHING
"""
# A crash of the server may undo the last leases. A worker with a lost lease may still
# end its job once, unless another worker has leased it. So a lease need not wait for
# the disk.
_LEASE = """
WITH quietly AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
)
UPDATE scrape_job SET state = 'leased', fence = fence + 1, attempts = attempts + 1,
    started_at = clock_timestamp(), enqueued_at = NULL,
    lease_until = clock_timestamp() + make_interval(secs => %s)
FROM quietly
WHERE scrape_id = %s AND state = 'ready' AND due_at <= clock_timestamp()
RETURNING organization_id, creator_id, job_type, attempts, fence,
    (SELECT ARRAY[user_id, sec_uid, position::text] FROM creator_identity AS i
     WHERE i.creator_id = scrape_job.creator_id AND user_id IS NOT NULL)
"""
_RENEW = """
UPDATE scrape_job SET lease_until = clock_timestamp() + make_interval(secs => %s)
FROM unnest(%s::uuid[], %s::bigint[]) AS held (id, held_fence)
WHERE scrape_id = id AND fence = held_fence AND state = 'leased'
RETURNING scrape_id
"""
# No worker leases the job in this state, so that the former worker may still bring a
# result until another one leases it.
_TAKE_BACK = """
UPDATE scrape_job SET state = 'ready', lease_until = NULL, enqueued_at = NULL,
    outcome = NULL, error = 'Attempt ' || attempts || ' died without an answer.',
    due_at = clock_timestamp() + make_interval(secs =>
        CASE WHEN attempts >= %(tries)s THEN 0
        ELSE least(%(first)s * power(%(factor)s, attempts - 1), %(longest)s)
             * (0.5 + random() / 2) END)
WHERE scrape_id IN (
    SELECT scrape_id FROM scrape_job
    WHERE state = 'leased' AND (
        lease_until < statement_timestamp()
        OR (scrape_id, lease_until) IN (
            SELECT * FROM unnest(%(ended)s::uuid[], %(until)s::timestamptz[])))
    FOR UPDATE SKIP LOCKED
)
"""
_HELD = "SELECT scrape_id, lease_until FROM scrape_job WHERE state = 'leased'"
# Reasons may name a person, and are not kept for a run that an erasure has ended. Under
# the append lock either that has happened, or this row is wiped afterwards.
_POSTPONE = """
UPDATE scrape_job SET state = 'ready', outcome = %(outcome)s,
    error = CASE WHEN NOT is_over THEN %(error)s END, provider = %(provider)s,
    tried = CASE WHEN NOT is_over THEN %(tried)s::jsonb END, lease_until = NULL,
    enqueued_at = NULL, due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
FROM (SELECT EXISTS (SELECT FROM goatherd_events WHERE originator_id = %(scrape)s
                     AND topic IN ('scrape_failed', 'scrape_succeeded'))) AS r (is_over)
WHERE scrape_id = %(scrape)s AND fence = %(fence)s AND state IN ('ready', 'leased')
"""
# The attempt asked no provider, so it does not count.
_PUT_OFF = """
UPDATE scrape_job SET state = 'ready', outcome = NULL, error = %s, lease_until = NULL,
    enqueued_at = NULL, attempts = attempts - 1,
    due_at = date_trunc('day', clock_timestamp(), 'UTC') + interval '1 day'
             + random() * interval '10 minutes'
WHERE scrape_id = %s AND fence = %s AND state IN ('ready', 'leased')
"""
_FINISH = "SELECT goatherd_end_job(%s, %s, %s, %s, %s)"
_FENCED_OFF = "GH003"


class FencedOffError(Exception):
    """Another worker leased the job meanwhile; this attempt's result is void."""


class JobLease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to do one run until the lease ends; ``attempt`` counts from 1.

    ``identity`` is the creator's stored one, read in the same round trip.
    """

    scrape_id: UUID
    organization_id: UUID
    creator_id: UUID | None
    identity: Identity | None
    job_type: e.JobType
    attempt: int
    fence: int


class ScrapeJobs:
    """The projection that derives one job from each requested run."""

    name = "scrape_jobs"
    version = 1
    events = stored_names(e.ScrapeRequested) | ERASURE_EVENTS

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Add a job for each request that has none."""
        for part, erasure in cut_at_erasures(events):
            if part:
                self._add(cursor, part)
            if erasure is not None:
                erasure.execute(cursor, _WITHOUT_PERSON)

    def _add(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        requested = [
            (recorded.stream, recorded.event)
            for recorded in events
            if isinstance(recorded.event, e.ScrapeRequested)
            and recorded.event.trigger != "imported"
        ]
        cursor.execute(
            _ADD,
            (
                [scrape_id for scrape_id, _ in requested],
                [event.organization_id for _, event in requested],
                [event.creator_id for _, event in requested],
                [event.job_type for _, event in requested],
                [
                    _FIRST if event.trigger in _URGENT else _LATER
                    for _, event in requested
                ],
            ),
            prepare=True,
        )


def lease(
    pool: Pool, scrape_id: UUID, *, seconds: int | None = None
) -> JobLease | None:
    """Lease the job for some seconds, and count the attempt before it starts.

    None means that there is no such job, that it is not due or done, or that another
    worker has it.
    """
    length = LEASE_SECONDS if seconds is None else seconds
    with pool.connection() as connection:
        row = connection.execute(_LEASE, (length, scrape_id)).fetchone()
    if row is None:
        return None
    organization_id, creator_id, job_type, attempt, fence, known = row
    return JobLease(
        scrape_id=scrape_id,
        organization_id=organization_id,
        creator_id=creator_id,
        identity=None
        if known is None
        else Identity(
            creator_id,
            organization_id,
            user_id=known[0],
            sec_uid=known[1],
            position=int(known[2]),
        ),
        job_type=job_type,
        attempt=attempt,
        fence=fence,
    )


def renew(pool: Pool, held: Mapping[UUID, int], *, seconds: int) -> set[UUID]:
    """Extend leases, by fence, to ``seconds`` from now.

    Return those that still exist.
    """
    with pool.connection() as connection:
        renewed = connection.execute(
            _RENEW, (seconds, list(held), list(held.values()))
        ).fetchall()
    return {row[0] for row in renewed}


def take_back(pool: Pool, watch: LeaseWatch[UUID, datetime] | None = None) -> int:
    """Make jobs whose lease has ended ready again, after a wait; return their number.

    A job that kills its worker would otherwise kill the next one at once. After its
    last attempt it does not wait: the next worker that leases it gives it up.
    ``watch``, the same at each call, finds ended leases if the clock was set back.
    """
    with pool.connection() as connection:
        ended: dict[UUID, datetime] = {}
        if watch is not None:
            ended = watch.ended(dict(connection.execute(_HELD).fetchall()))
        done = connection.execute(
            _TAKE_BACK,
            {
                **msgspec.structs.asdict(DIED),
                "ended": list(ended),
                "until": list(ended.values()),
            },
        )
        return done.rowcount


def postpone(
    pool: Pool,
    leased: JobLease,
    *,
    outcome: e.Outcome,
    error: str,
    seconds: float,
    provider: str,
    tried: Sequence[c.Tried] = (),
) -> None:
    """Release the job, to be tried again after ``seconds``.

    ``provider`` gave the outcome, and ``tried`` were asked as well.

    Raises:
        FencedOffError: another worker has the lease.
    """
    run = {"scrape": leased.scrape_id, "fence": leased.fence, "seconds": seconds}
    said = {"outcome": outcome, "error": error, "provider": provider}
    others = msgspec.json.encode(tried).decode() if tried else None
    with pool.connection() as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (AdvisoryLock.APPEND,))
        done = connection.execute(_POSTPONE, {**run, **said, "tried": others})
        if done.rowcount != 1:
            raise FencedOffError


def put_off(pool: Pool, leased: JobLease, *, error: str) -> None:
    """Release the job until some minutes after the next midnight UTC.

    Raises:
        FencedOffError: another worker has the lease.
    """
    with pool.connection() as connection:
        done = connection.execute(_PUT_OFF, (error, leased.scrape_id, leased.fence))
        if done.rowcount != 1:
            raise FencedOffError


def finish(
    cursor: Cursor[TupleRow],
    leased: JobLease,
    *,
    outcome: e.Outcome | None,
    error: str | None = None,
    quarantined: bool = False,
) -> None:
    """Mark the job done, in the transaction that appends its result.

    ``quarantined`` says that the run was given up, because its attempts died. Nothing
    is fetched. If another worker has the lease, the transaction fails, and ``fenced``
    recognizes that.
    """
    state = "quarantined" if quarantined else "done"
    cursor.execute(_FINISH, (leased.scrape_id, leased.fence, state, outcome, error))


@contextmanager
def fenced() -> Generator[None]:
    """Recognize the server's error for a lost lease.

    Raises:
        FencedOffError: another worker has the lease, and the result is not stored.
    """
    try:
        yield
    except psycopg.DatabaseError as error:
        if error.sqlstate == _FENCED_OFF:
            raise FencedOffError from error
        raise
