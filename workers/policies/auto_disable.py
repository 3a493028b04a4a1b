"""Disables a creator after three runs in a row that find no public account."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid5

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.creator.handlers.change import auto_disable_creator
from domain.messages import IMPORT_PROVIDER
from domain.scrape.outcomes import OF_THE_ACCOUNT
from infra.database import Pool, run_read
from infra.eventstore.append import Context
from infra.eventstore.execute import execute
from infra.eventstore.store import RecordedEvent, Store
from projections.engine.folds import Folds
from projections.engine.table import Table

DISABLING_STREAK = 3

_STREAK = "SELECT streak FROM verdict_streak WHERE creator_id = %s"
_DUE = """
SELECT creator_id, due_verdict, due_scrape_id FROM verdict_streak
WHERE due_scrape_id IS NOT NULL
"""
_DONE = """
UPDATE verdict_streak SET due_verdict = NULL, due_scrape_id = NULL
WHERE creator_id = %s AND due_scrape_id = %s
"""


def is_third_strike(pool: Pool, creator_id: UUID) -> bool:
    """Return whether another such run would disable the creator."""
    row = run_read(
        pool,
        lambda connection: connection.execute(_STREAK, (creator_id,)).fetchone(),
    )
    return row is not None and row[0] >= DISABLING_STREAK - 1


class Streak(msgspec.Struct, frozen=True, gc=False):
    """The number of such runs of a creator in a row, and the command that follows."""

    creator_id: UUID
    streak: int
    position: int
    due_verdict: e.Outcome | None = None
    due_scrape_id: UUID | None = None


on = Folds[[Streak | None, RecordedEvent], Streak | None]()


@on(e.ScrapeFailed)
def _failed(
    event: e.ScrapeFailed, streak: Streak | None, recorded: RecordedEvent
) -> Streak | None:
    """Count a verdict on the account; other failures neither count nor reset."""
    if event.outcome not in OF_THE_ACCOUNT or event.creator_id is None:
        return streak
    length = 1 if streak is None else streak.streak + 1
    due = None if streak is None else streak.due_verdict
    scrape_id = None if streak is None else streak.due_scrape_id
    if length == DISABLING_STREAK:
        due, scrape_id = event.outcome, recorded.stream
    return Streak(event.creator_id, length, recorded.position, due, scrape_id)


@on(
    e.ScrapeSucceeded,
    e.HandleChanged,
    e.CreatorReenabled,
    e.CreatorReactivated,
    e.CreatorRemoved,
    e.SubjectErased,
)
def _reset(_: e.Event, streak: Streak | None, recorded: RecordedEvent) -> Streak | None:
    # Without a count, there is nothing to reset.
    if streak is None or streak.streak == 0:
        return streak
    return Streak(streak.creator_id, 0, recorded.position)


class VerdictStreaks:
    """The projection that counts such runs, with a row for each creator with any."""

    name = "verdict_streaks"
    version = 1
    events = on.events

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Count or reset, in the order of the log."""
        _TABLE.fold(cursor, events, key=_key, fold=_fold)


_TABLE = Table(Streak, name="verdict_streak", key=("creator_id",))


def _key(recorded: RecordedEvent) -> tuple[UUID] | None:
    """Return the key of the creator of an event; None for runs without a creator.

    Imported runs are left out, because they say nothing about the present account.
    """
    event = recorded.event
    if not isinstance(event, e.ScrapeFailed | e.ScrapeSucceeded):
        return (recorded.stream,)
    if event.provider == IMPORT_PROVIDER or event.creator_id is None:
        return None
    return (event.creator_id,)


def _fold(streak: Streak | None, recorded: RecordedEvent) -> Streak | None:
    if streak is not None and streak.position >= recorded.position:
        return streak
    return on.fold(recorded.event, streak, recorded)


def disable_due(store: Store, pool: Pool) -> int:
    """Disable every creator whose streak is long enough; return the number of due ones.

    A repeated command disables once, because the creator remembers the scrape that
    disabled it.
    """
    with pool.connection() as connection:
        due = connection.execute(_DUE).fetchall()
    for creator_id, verdict, scrape_id in due:
        command = c.AutoDisable(verdict=verdict, scrape_id=scrape_id)
        execute(
            store,
            partial(auto_disable_creator, creator_id, command),
            context=Context(
                actor="policy:auto_disable",
                command_id=uuid5(scrape_id, "auto_disable"),
                correlation_id=scrape_id,
            ),
        )
        with pool.connection() as connection:
            connection.execute(_DONE, (creator_id, scrape_id))
    return len(due)
