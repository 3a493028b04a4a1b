"""Verdicts: three runs in a row that find no public account disable the creator."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from infra.database import Pool
from infra.handlers.creators import disable_creator
from infra.recorder import Context
from infra.store import Recorded, Store

DISABLING_STREAK = 3
COUNTED: frozenset[e.Outcome] = frozenset({"not_found", "private", "unavailable"})

_COUNT = """
INSERT INTO verdict_streak AS s (creator_id, streak) VALUES (%(creator)s, 1)
ON CONFLICT (creator_id) DO UPDATE SET streak = s.streak + 1,
    due_verdict = CASE WHEN s.streak + 1 = %(enough)s THEN %(verdict)s
                  ELSE s.due_verdict END,
    due_scrape_id = CASE WHEN s.streak + 1 = %(enough)s THEN %(scrape)s
                    ELSE s.due_scrape_id END
"""
_RESET = "DELETE FROM verdict_streak WHERE creator_id = ANY(%s)"
_DUE = """
SELECT creator_id, due_verdict, due_scrape_id FROM verdict_streak
WHERE due_scrape_id IS NOT NULL
"""
_DONE = """
UPDATE verdict_streak SET due_verdict = NULL, due_scrape_id = NULL
WHERE creator_id = %s AND due_scrape_id = %s
"""


class VerdictStreaks:
    """The projection that counts such runs, a row a creator that has any."""

    name = "verdict_streaks"
    version = 1
    facts = frozenset(
        {
            "scrape_failed",
            "scrape_succeeded",
            "handle_changed",
            "creator_reenabled",
            "creator_reactivated",
            "creator_removed",
        }
    )

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Count or reset, in log order; other failures do neither."""
        over: set[UUID] = set()
        for recorded in facts:
            fact = recorded.fact
            if not isinstance(fact, e.ScrapeFailed):
                over.add(_creator(recorded))
                continue
            if fact.outcome not in COUNTED:
                continue
            self._forget(cursor, over & {fact.creator_id})
            over.discard(fact.creator_id)
            cursor.execute(
                _COUNT,
                {
                    "creator": fact.creator_id,
                    "enough": DISABLING_STREAK,
                    "verdict": fact.outcome,
                    "scrape": recorded.stream,
                },
            )
        self._forget(cursor, over)

    def _forget(self, cursor: Cursor[TupleRow], creators: set[UUID]) -> None:
        if creators:
            cursor.execute(_RESET, (list(creators),))


def disable_due(store: Store, pool: Pool) -> int:
    """Disable every creator whose streak is long enough; return how many were due.

    Asking twice disables once: the creator remembers the scrape that did it.
    """
    with pool.connection() as connection:
        due = connection.execute(_DUE).fetchall()
    for creator_id, verdict, scrape_id in due:
        disable_creator(
            store,
            creator_id,
            c.AutoDisable(verdict=verdict, scrape_id=scrape_id),
            context=Context(
                actor="policy:auto_disable",
                command_id=uuid5(scrape_id, "auto_disable"),
                correlation_id=scrape_id,
            ),
        )
        with pool.connection() as connection:
            connection.execute(_DONE, (creator_id, scrape_id))
    return len(due)


def _creator(recorded: Recorded) -> UUID:
    fact: Any = recorded.fact
    if isinstance(fact, e.ScrapeSucceeded):
        return fact.creator_id
    return recorded.stream
