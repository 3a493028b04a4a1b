"""Dead letters: the events that projections could not apply, with the reason.

A dead letter holds back the later events of its stream, so that they can be applied in
their order. The events of all other streams are applied.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.structs import structs
from projections.engine.folds import stored_names

DeadLetterAction = Literal["retried", "skipped"]

NEVER_HELD: Final = stored_names(e.SubjectErased, e.EarlierTextsForgotten)
"""Events that remove personal data, by stored name: no dead letter holds them back."""

# PostgreSQL adds these parts to an error, and they quote rows of any organization.
_ROWS = re.compile(r"\s*(?:\\n|\n)(?:DETAIL|CONTEXT):.*", re.DOTALL)

_NEWEST = """
SELECT projection, position, name, error, failed_at FROM (
    SELECT *, row_number() OVER (PARTITION BY projection ORDER BY position DESC) AS nth
    FROM dead_letter
) AS dead WHERE nth <= %s ORDER BY projection, position DESC
"""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a projection could not apply and therefore left out."""

    position: int
    name: str
    error: str
    failed_at: datetime


def without_rows(error: str) -> str:
    """Return an error without the rows that PostgreSQL adds to it."""
    return _ROWS.sub("", error)


def newest_dead_letters(
    connection: Connection[TupleRow], *, limit: int
) -> Mapping[str, list[DeadLetter]]:
    """Return up to ``limit`` dead letters of each projection, newest first."""
    found: dict[str, list[DeadLetter]] = {}
    for projection, *columns in connection.execute(_NEWEST, (limit,)):
        found.setdefault(projection, []).extend(structs(DeadLetter, [columns]))
    return found


class NoDeadLetterError(Exception):
    """The projection has no dead letter at the position."""

    def __init__(self, projection: str, position: int) -> None:
        super().__init__(f"{projection} has no dead letter at position {position}.")


class FailedAgainError(Exception):
    """The event of a dead letter could not be applied again; the message says why."""


class TakenLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter that somebody decides on; it is deleted with the decision.

    ``stream`` is null if it holds back nothing, ``in_stream`` is its event's.
    """

    position: int
    name: str
    stream: UUID | None
    in_stream: UUID


class DeadLetterDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision on a dead letter, as it is stored, and its result.

    ``events`` were applied: its own unless it was skipped, and those that it held back.
    ``rows`` counts the written rows of each table. ``next_position`` is that of the
    dead letter that the stream has from now on, null if all events were applied.
    """

    projection: str
    position: int
    name: str
    decision: DeadLetterAction
    decided_by: str
    reason: str
    events: int
    rows: dict[str, int]
    next_position: int | None


_TAKE_LETTER = """
DELETE FROM dead_letter AS d USING goatherd_events AS e
WHERE d.projection = %s AND d.position = %s AND e.notification_id = d.position
RETURNING d.position, d.name, d.stream, e.originator_id
"""
_NOTE_DECISION = """
INSERT INTO dead_letter_decision
    (projection, position, name, decision, decided_by, reason, events, decided_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_NOTE_FAILURE = """
UPDATE dead_letter SET error = %s, failed_at = clock_timestamp()
WHERE projection = %s AND position = %s
"""
# The statistics are those of the current transaction. The tables of followers are no
# read models.
_WRITTEN_ROWS = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
AND relname NOT IN ('projection', 'dead_letter', 'dead_letter_decision')
"""


def is_held(row: TupleRow, held: Collection[UUID]) -> bool:
    """Tell whether a row of the log is of a stream that is held back."""
    return row[1] in held and row[7] not in NEVER_HELD


def without_held(rows: Sequence[TupleRow], held: Collection[UUID]) -> list[TupleRow]:
    """Return rows of the log, those that are held back without their bodies.

    A projection passes over a row without a body.
    """
    return [(*row[:8], None) if is_held(row, held) else row for row in rows]


def take_letter(
    cursor: Cursor[TupleRow], projection: str, position: int
) -> TakenLetter | None:
    """Delete the dead letter at a position and return it; None if there is none."""
    row = cursor.execute(_TAKE_LETTER, (projection, position)).fetchone()
    if row is None:
        return None
    return TakenLetter(position=row[0], name=row[1], stream=row[2], in_stream=row[3])


def note_decision(
    cursor: Cursor[TupleRow], decision: DeadLetterDecision
) -> DeadLetterDecision:
    """Store the decision, and return it."""
    d = decision
    cursor.execute(
        _NOTE_DECISION,
        (
            *(d.projection, d.position, d.name, d.decision, d.decided_by, d.reason),
            *(d.events, datetime.now(UTC)),
        ),
    )
    return decision


def note_failure(
    connection: Connection[TupleRow], projection: str, position: int, error: str
) -> None:
    """Store the reason for which the event of a dead letter failed again."""
    connection.execute(_NOTE_FAILURE, (error, projection, position))


def written_rows(cursor: Cursor[Any]) -> dict[str, int]:
    """Return the number of rows that the current transaction has written, by table."""
    return dict(cursor.execute(_WRITTEN_ROWS).fetchall())


def difference(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return the rows written after ``before``, by table in the order of names."""
    return {
        table: count - before.get(table, 0)
        for table, count in sorted(after.items())
        if count > before.get(table, 0)
    }
