"""Selects the due jobs that are enqueued for workers now; organizations take turns."""

import time
from collections import deque
from collections.abc import Callable
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from infra.database import Pool

# As many jobs wait in the queue as are running, so that a new job waits for about one
# job's time, however long that is and however many workers there are. If jobs take
# almost no time, as many wait as are started in START_RATE_SECONDS.
LEAST_ENQUEUED = 16
MOST_ENQUEUED = 500
START_RATE_SECONDS = 0.5
ENQUEUE_AGAIN_SECONDS = 15
# If the queue is as long as this, no worker takes messages, so more would not help.
MOST_MESSAGES = 1_000

# The first row of an index decides; PostgreSQL would plan EXISTS as if most were due.
# A job on the queue or at work may be lost at any time.
_NEXT = """
SELECT CASE WHEN EXISTS (SELECT FROM scrape_job WHERE state = 'leased')
    OR EXISTS (SELECT FROM scrape_job WHERE state = 'ready' AND enqueued_at IS NOT NULL)
THEN 0 ELSE extract(epoch FROM (
    SELECT due_at FROM waiting_job ORDER BY due_at LIMIT 1
) - clock_timestamp())::float8 END
"""
_ANYTHING = """
SELECT coalesce((SELECT due_at <= statement_timestamp()
                 FROM waiting_job ORDER BY due_at LIMIT 1), false),
       coalesce((SELECT enqueued_at < statement_timestamp() - make_interval(secs => %s)
                 FROM scrape_job WHERE state = 'ready' AND enqueued_at IS NOT NULL
                 ORDER BY enqueued_at LIMIT 1), false)
"""
_TAKE_TURN = "SELECT organization_id FROM enqueue_turn FOR UPDATE SKIP LOCKED"
_SAVE_TURN = "UPDATE enqueue_turn SET organization_id = %s"
_FORGET = """
UPDATE scrape_job SET enqueued_at = NULL
WHERE state = 'ready' AND enqueued_at IS NOT NULL
    AND enqueued_at < statement_timestamp() - make_interval(secs => %s)
"""
_LEASED_AND_WAITING = """
SELECT (SELECT count(*) FROM scrape_job WHERE state = 'leased'),
       (SELECT count(*) FROM scrape_job
        WHERE state = 'ready' AND enqueued_at IS NOT NULL)
"""
# Goes through the organizations from the one after the last, with one index look-up
# each, until enough have a due job; then takes an equal share of each.
_CHOOSE = """
WITH RECURSIVE onward AS (
    (SELECT organization_id FROM waiting_job
     WHERE organization_id > %(turn)s
     ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT following.organization_id FROM onward, LATERAL (
        SELECT organization_id FROM waiting_job
        WHERE organization_id > onward.organization_id
        ORDER BY organization_id LIMIT 1) AS following
), anew AS (
    (SELECT organization_id FROM waiting_job
     WHERE organization_id <= %(turn)s
     ORDER BY organization_id LIMIT 1)
    UNION ALL
    SELECT following.organization_id FROM anew, LATERAL (
        SELECT organization_id FROM waiting_job
        WHERE organization_id > anew.organization_id
          AND organization_id <= %(turn)s
        ORDER BY organization_id LIMIT 1) AS following
), circle AS (
    SELECT organization_id, row_number() OVER () AS place FROM (
        SELECT organization_id FROM (
            SELECT organization_id FROM onward
            UNION ALL SELECT organization_id FROM anew
        ) AS found
        WHERE EXISTS (
            SELECT FROM (VALUES (0), (1)) AS level (priority), LATERAL (
                SELECT FROM waiting_job AS j
                WHERE j.organization_id = found.organization_id
                  AND j.priority = level.priority AND j.due_at <= statement_timestamp()
                LIMIT 1) AS due
        ) LIMIT %(room)s
    ) AS having_work
), share AS (
    SELECT (%(room)s + count(*) - 1) / greatest(count(*), 1) AS size FROM circle
), chosen AS (
    SELECT scrape_id, organization_id, nth, place FROM (
        SELECT first.scrape_id, circle.organization_id, circle.place,
               row_number() OVER (PARTITION BY circle.organization_id
                                  ORDER BY first.priority, first.due_at) AS nth
        FROM circle, (VALUES (0), (1)) AS level (priority), LATERAL (
            SELECT scrape_id, j.priority, due_at FROM waiting_job AS j
            WHERE j.organization_id = circle.organization_id
              AND j.priority = level.priority AND due_at <= statement_timestamp()
            ORDER BY due_at LIMIT (SELECT size FROM share)) AS first
    ) AS numbered
    WHERE nth <= (SELECT size FROM share) ORDER BY nth, place LIMIT %(room)s
)
UPDATE scrape_job AS j SET enqueued_at = clock_timestamp() FROM chosen
WHERE j.scrape_id = chosen.scrape_id AND j.state = 'ready' AND j.enqueued_at IS NULL
RETURNING chosen.nth, chosen.place, j.scrape_id, chosen.organization_id
"""


class StartRate:
    """The number of this dispatcher's enqueued jobs that were started recently."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._enqueued = 0
        self._started: deque[tuple[float, int]] = deque()

    def note_enqueued(self, amount: int) -> None:
        """Record that ``amount`` jobs were enqueued."""
        self._enqueued += amount

    def started(self, waiting: int) -> int:
        """Return the number of jobs that were started in the last START_RATE_SECONDS.

        ``waiting`` jobs are enqueued and not started. They include jobs of other
        dispatchers, so with several of them the result is too low, and never too high
        for long.
        """
        now = self._clock()
        self._started.append((now, self._enqueued - waiting))
        while self._started[0][0] < now - START_RATE_SECONDS:
            self._started.popleft()
        return self._started[-1][1] - self._started[0][1]


def next_job_due(pool: Pool) -> float | None:
    """Return the seconds until a job may need the dispatcher, None if there is none."""
    with pool.connection() as connection:
        row = connection.execute(_NEXT, prepare=True).fetchone()
    return None if row is None else row[0]


def enqueue_due(
    pool: Pool,
    send: Callable[[list[UUID]], None],
    *,
    start_rate: StartRate | None = None,
    waiting_messages: Callable[[], int] = lambda: 0,
) -> int:
    """Enqueue some of the jobs that are due and not enqueued yet; return their number.

    Only few wait in the queue at a time, and organizations take turns. A job that is
    not started within a while is enqueued again, in case its message was lost.
    ``start_rate`` lets more wait if jobs are done quickly. If sending fails, nothing is
    marked and the next call tries again. While another dispatcher does the same,
    nothing happens.
    """
    with pool.connection() as connection:
        found = connection.execute(_ANYTHING, (ENQUEUE_AGAIN_SECONDS,)).fetchone()
        is_any_due, is_any_overdue = found or (False, False)
        is_any_overdue = is_any_overdue and waiting_messages() < MOST_MESSAGES
        if not is_any_due and not is_any_overdue:
            return 0
        with connection.transaction():
            row = connection.execute(_TAKE_TURN).fetchone()
            if row is None:
                return 0
            if is_any_overdue:
                connection.execute(_FORGET, (ENQUEUE_AGAIN_SECONDS,))
            return _enqueue(
                connection, send, turn=row[0], start_rate=start_rate or StartRate()
            )


def _enqueue(
    connection: Connection[TupleRow],
    send: Callable[[list[UUID]], None],
    *,
    turn: UUID,
    start_rate: StartRate,
) -> int:
    row = connection.execute(_LEASED_AND_WAITING).fetchone()
    leased, waiting = row or (0, 0)
    may_wait = min(
        max(LEAST_ENQUEUED, leased, start_rate.started(waiting)), MOST_ENQUEUED
    )
    room = may_wait - waiting
    if room <= 0:
        return 0
    enqueued = connection.execute(_CHOOSE, {"turn": turn, "room": room}).fetchall()
    if not enqueued:
        return 0
    in_turn = sorted(enqueued)
    connection.execute(_SAVE_TURN, (in_turn[-1][3],))
    send([scrape_id for _, _, scrape_id, _ in in_turn])
    start_rate.note_enqueued(len(in_turn))
    return len(in_turn)
