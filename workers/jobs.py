"""Jobs: who may do which scrape, until when, and what became of the attempt."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.database import Pool
from infra.store import Recorded

MAX_ATTEMPTS = 5
LEASE_SECONDS = 60
RING_AGAIN_SECONDS = 15
RING_AT_MOST = 1_000

_ADD = """
INSERT INTO scrape_job (scrape_id, organization_id, creator_id, job_type)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[])
ON CONFLICT (scrape_id) DO NOTHING
"""
_RING = """
UPDATE scrape_job SET rung_at = clock_timestamp() WHERE scrape_id IN (
    SELECT scrape_id FROM scrape_job
    WHERE state <> 'done' AND due_at <= clock_timestamp()
      AND (state = 'ready' OR lease_until < clock_timestamp())
      AND (rung_at IS NULL OR rung_at < due_at
           OR rung_at < clock_timestamp() - make_interval(secs => %s))
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING scrape_id
"""
_LEASE = """
UPDATE scrape_job SET state = 'leased', fence = fence + 1, attempts = attempts + 1,
    started_at = clock_timestamp(),
    lease_until = clock_timestamp() + make_interval(secs => %s)
WHERE scrape_id = %s AND due_at <= clock_timestamp()
  AND (state = 'ready' OR state = 'leased' AND lease_until < clock_timestamp())
RETURNING organization_id, creator_id, job_type, attempts, fence, started_at
"""
_POSTPONE = """
UPDATE scrape_job SET state = 'ready', outcome = %s, error = %s, lease_until = NULL,
    due_at = clock_timestamp() + make_interval(secs => %s)
WHERE scrape_id = %s AND fence = %s AND state = 'leased'
"""
_FINISH = """
UPDATE scrape_job SET state = 'done', outcome = %s, error = %s, lease_until = NULL,
    finished_at = clock_timestamp()
WHERE scrape_id = %s AND fence = %s AND state = 'leased'
"""


class FencedOffError(Exception):
    """The lease went to somebody else meanwhile; this attempt's result is void."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to do one run until the lease ends; ``attempt`` counts from 1."""

    scrape_id: UUID
    organization_id: UUID
    creator_id: UUID | None
    job_type: e.JobType
    attempt: int
    fence: int
    started_at: datetime


class ScrapeJobs:
    """The projection that derives one job from each requested run."""

    name = "scrape_jobs"
    version = 1
    facts = frozenset({"scrape_requested"})

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Add a job for each request that has none."""
        asked = [
            (recorded.stream, recorded.fact)
            for recorded in facts
            if isinstance(recorded.fact, e.ScrapeRequested)
        ]
        cursor.execute(
            _ADD,
            (
                [scrape_id for scrape_id, _ in asked],
                [fact.organization_id for _, fact in asked],
                [fact.creator_id for _, fact in asked],
                [fact.job_type for _, fact in asked],
            ),
            prepare=True,
        )


def ring(pool: Pool, send: Callable[[list[UUID]], None]) -> int:
    """Send every job that is due and that nobody works on; return how many.

    A job is sent again only after a while, in case the message was lost. When sending
    fails nothing is marked, and the next call tries again.
    """
    with pool.connection() as connection, connection.transaction():
        rows = connection.execute(_RING, (RING_AGAIN_SECONDS, RING_AT_MOST))
        due = [row[0] for row in rows]
        if due:
            send(due)
    return len(due)


def lease(pool: Pool, scrape_id: UUID, *, seconds: int | None = None) -> Lease | None:
    """Take the job for some seconds, counting the attempt before it starts.

    None: there is no such job, it is not due, done, or somebody else's.
    """
    length = LEASE_SECONDS if seconds is None else seconds
    with pool.connection() as connection:
        row = connection.execute(_LEASE, (length, scrape_id)).fetchone()
    if row is None:
        return None
    organization_id, creator_id, job_type, attempt, fence, started_at = row
    return Lease(
        scrape_id=scrape_id,
        organization_id=organization_id,
        creator_id=creator_id,
        job_type=job_type,
        attempt=attempt,
        fence=fence,
        started_at=started_at,
    )


def postpone(
    pool: Pool, leased: Lease, *, outcome: e.Outcome, error: str, seconds: float
) -> None:
    """Give the job back, to be tried again after ``seconds``.

    Raises:
        FencedOffError: the lease is somebody else's by now.
    """
    with pool.connection() as connection:
        done = connection.execute(
            _POSTPONE, (outcome, error, seconds, leased.scrape_id, leased.fence)
        )
        if done.rowcount != 1:
            raise FencedOffError


def finish(
    cursor: Cursor[TupleRow],
    leased: Lease,
    *,
    outcome: e.Outcome | None,
    error: str | None = None,
) -> None:
    """Mark the job done, in the transaction that appends its result.

    Raises:
        FencedOffError: the lease is somebody else's by now; the result must not stand.
    """
    cursor.execute(_FINISH, (outcome, error, leased.scrape_id, leased.fence))
    if cursor.rowcount != 1:
        raise FencedOffError


def backoff(attempt: int, *, floor: float = 0) -> float:
    """Return how many seconds to wait after failed ``attempt`` (counted from 1).

    Doubles from 10 seconds up to an hour, with half of it jitter, and is not less than
    ``floor`` (a provider's Retry-After), up to a day: nobody means a year by that.
    """
    longest = min(10 * 2 ** (attempt - 1), 3_600)
    wait = random.uniform(longest / 2, longest)  # noqa: S311
    return max(wait, min(floor, 86_400))
