"""Verdicts: three runs in a row that find no public account disable the creator."""

from collections.abc import Sequence
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import astuple
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.messages import IMPORT_PROVIDER
from infra.database import Pool
from infra.eventstore.append import Context
from infra.eventstore.store import RecordedEvent, Store
from infra.handlers.creators import disable_creator

DISABLING_STREAK = 3
COUNTED: frozenset[e.Outcome] = frozenset({"not_found", "private", "unavailable"})

_LOAD = """
SELECT creator_id, streak, position, due_verdict, due_scrape_id FROM verdict_streak
WHERE creator_id = ANY(%b::uuid[])
"""
_SAVE = """
INSERT INTO verdict_streak (creator_id, streak, position, due_verdict, due_scrape_id)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (creator_id) DO UPDATE SET streak = excluded.streak,
    position = excluded.position, due_verdict = excluded.due_verdict,
    due_scrape_id = excluded.due_scrape_id
"""
_DUE = """
SELECT creator_id, due_verdict, due_scrape_id FROM verdict_streak
WHERE due_scrape_id IS NOT NULL
"""
_DONE = """
UPDATE verdict_streak SET due_verdict = NULL, due_scrape_id = NULL
WHERE creator_id = %s AND due_scrape_id = %s
"""


class Streak(msgspec.Struct, frozen=True, gc=False):
    """How many such runs a creator had in a row, and what is due because of it."""

    creator_id: UUID
    length: int
    position: int
    due_verdict: e.Outcome | None = None
    due_scrape_id: UUID | None = None


class VerdictStreaks:
    """The projection that counts such runs, a row a creator that has any."""

    name = "verdict_streaks"
    version = 1
    events = frozenset(
        {
            "scrape_failed",
            "scrape_succeeded",
            "handle_changed",
            "creator_reenabled",
            "creator_reactivated",
            "creator_removed",
        }
    )

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Count or reset, in log order; other failures do neither."""
        told = [
            (key, event) for event in events if (key := _creator(event)) is not None
        ]
        creators = list(dict.fromkeys(key for key, _ in told))
        rows = cursor.execute(_LOAD, (creators,), prepare=True).fetchall()
        before = {row[0]: Streak(*row) for row in rows}
        after = dict(before)
        for creator_id, recorded in told:
            counted = count(after.get(creator_id), recorded)
            if counted is not None:
                after[creator_id] = counted
        changed = [row for key, row in after.items() if row is not before.get(key)]
        if changed:
            cursor.executemany(_SAVE, [astuple(row) for row in changed])


def count(streak: Streak | None, recorded: RecordedEvent) -> Streak | None:
    """Return a creator's streak after an event of its; None while it never had one."""
    if streak is not None and streak.position >= recorded.position:
        return streak
    event = recorded.event
    if not isinstance(event, e.ScrapeFailed):
        # Where nothing was counted, nothing has to be forgotten.
        if streak is None or streak.length == 0:
            return streak
        return Streak(streak.creator_id, 0, recorded.position)
    if event.outcome not in COUNTED or event.creator_id is None:
        return streak
    length = 1 if streak is None else streak.length + 1
    due = None if streak is None else streak.due_verdict
    scrape_id = None if streak is None else streak.due_scrape_id
    if length == DISABLING_STREAK:
        due, scrape_id = event.outcome, recorded.stream
    return Streak(event.creator_id, length, recorded.position, due, scrape_id)


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


def _creator(recorded: RecordedEvent) -> UUID | None:
    """Return whose streak an event is about; None for runs that are of no creator.

    What was imported is of the past and says nothing of the account as it is.
    """
    event = recorded.event
    if isinstance(event, e.ScrapeFailed | e.ScrapeSucceeded):
        return None if event.provider == IMPORT_PROVIDER else event.creator_id
    return recorded.stream
