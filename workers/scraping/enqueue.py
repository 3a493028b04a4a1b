"""Ringing: which due jobs workers are told of now, and in whose turn."""

import time
from collections import deque
from collections.abc import Callable
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from infra.database import Pool

# As many wait at workers' doors as are being done, so that a newcomer waits for about
# one job's time, however long jobs take and however many are behind the doors. Where
# they take next to no time, as many wait as are started in PACE_SECONDS.
LEAST_RUNG = 16
MOST_RUNG = 500
PACE_SECONDS = 0.5
RING_AGAIN_SECONDS = 15
# Nobody takes messages off a queue of this length, so more would not help either.
MOST_MESSAGES = 1_000

# The first by an index decides; EXISTS would be planned as if most were due.
_ANYTHING = """
SELECT coalesce((SELECT due_at <= statement_timestamp()
                 FROM waiting_job ORDER BY due_at LIMIT 1), false),
       coalesce((SELECT rung_at < statement_timestamp() - make_interval(secs => %s)
                 FROM scrape_job WHERE state = 'ready' AND rung_at IS NOT NULL
                 ORDER BY rung_at LIMIT 1), false)
"""
_TAKE = "SELECT organization_id FROM ringing_turn FOR UPDATE SKIP LOCKED"
_HAND_ON = "UPDATE ringing_turn SET organization_id = %s"
_FORGET = """
UPDATE scrape_job SET rung_at = NULL WHERE state = 'ready' AND rung_at IS NOT NULL
    AND rung_at < statement_timestamp() - make_interval(secs => %s)
"""
_LEASED_AND_WAITING = """
SELECT (SELECT count(*) FROM scrape_job WHERE state = 'leased'),
       (SELECT count(*) FROM scrape_job WHERE state = 'ready' AND rung_at IS NOT NULL)
"""
# Goes round the organizations from the one after the last, by one index look-up each,
# until enough have something due; then takes an equal share of each one's first.
_RING = """
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
UPDATE scrape_job AS j SET rung_at = clock_timestamp() FROM chosen
WHERE j.scrape_id = chosen.scrape_id AND j.state = 'ready' AND j.rung_at IS NULL
RETURNING chosen.nth, chosen.place, j.scrape_id, chosen.organization_id
"""


class Pace:
    """How many of the jobs that this dispatcher rang for were started of late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rung = 0
        self._started: deque[tuple[float, int]] = deque()

    def note_rung(self, amount: int) -> None:
        """Remember that so many were rung for."""
        self._rung += amount

    def started(self, waiting: int) -> int:
        """Return how many were started in the last PACE_SECONDS; ``waiting`` are not.

        What another dispatcher rings for is not told from what stays waiting here, so
        with several of them it says less than there were, never more for long.
        """
        now = self._clock()
        self._started.append((now, self._rung - waiting))
        while self._started[0][0] < now - PACE_SECONDS:
            self._started.popleft()
        return self._started[-1][1] - self._started[0][1]


def ring(
    pool: Pool,
    send: Callable[[list[UUID]], None],
    *,
    pace: Pace | None = None,
    waiting_messages: Callable[[], int] = lambda: 0,
) -> int:
    """Send some of the jobs that are due and not rung for yet; return how many.

    Only few are rung for and not started at a time, and organizations take turns. One
    that is not started within a while is rung for again, in case its message was lost.
    ``pace`` lets more wait where they are done quickly. When sending fails nothing is
    marked, and the next call tries again. While somebody else rings, this does nothing.
    """
    with pool.connection() as connection:
        found = connection.execute(_ANYTHING, (RING_AGAIN_SECONDS,)).fetchone()
        is_any_due, is_any_overdue = found or (False, False)
        is_any_overdue = is_any_overdue and waiting_messages() < MOST_MESSAGES
        if not is_any_due and not is_any_overdue:
            return 0
        with connection.transaction():
            row = connection.execute(_TAKE).fetchone()
            if row is None:
                return 0
            if is_any_overdue:
                connection.execute(_FORGET, (RING_AGAIN_SECONDS,))
            return _ring(connection, send, turn=row[0], pace=pace or Pace())


def _ring(
    connection: Connection[TupleRow],
    send: Callable[[list[UUID]], None],
    *,
    turn: UUID,
    pace: Pace,
) -> int:
    row = connection.execute(_LEASED_AND_WAITING).fetchone()
    leased, waiting = row or (0, 0)
    may_wait = min(max(LEAST_RUNG, leased, pace.started(waiting)), MOST_RUNG)
    room = may_wait - waiting
    if room <= 0:
        return 0
    rung = connection.execute(_RING, {"turn": turn, "room": room}).fetchall()
    if not rung:
        return 0
    in_turn = sorted(rung)
    connection.execute(_HAND_ON, (in_turn[-1][3],))
    send([scrape_id for _, _, scrape_id, _ in in_turn])
    pace.note_rung(len(in_turn))
    return len(in_turn)
