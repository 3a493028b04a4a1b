"""The follower: applies the events of the log to one projection, batch by batch."""

from collections.abc import Sequence
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from infra.database import Pool
from infra.eventstore.codec import Codec
from infra.eventstore.envelope import ENVELOPE
from infra.eventstore.store import open_envelopes
from infra.logs import masked
from projections.engine.dead_letters import (
    NEVER_HELD,
    DeadLetterAction,
    DeadLetterDecision,
    FailedAgainError,
    NoDeadLetterError,
    TakenLetter,
    difference,
    is_held,
    note_decision,
    note_failure,
    take_letter,
    written_rows,
)
from projections.engine.projection import CustomDecoding, Projection, codec_for

LIVE_BATCH = 500
CATCHING_UP_BATCH = 5_000
# The batch size for large events that are decoded into small values.
COMPACT_BATCH = 1_500
# Thousands of events with the numbers of hundreds of videos each would take hundreds of
# megabytes.
LARGE_EVENTS = frozenset({"video_stats_snapshot_recorded"})
MOST_DEAD_LETTERS_AT_ONCE = 20
HEARTBEAT_SECONDS = 5

_log = structlog.get_logger()

_REGISTER = """
INSERT INTO projection (name, version) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING
"""
# The lock on this row lets one follower work; the others try again later.
_TAKE = """
SELECT version, position, heartbeat_at < clock_timestamp() - make_interval(secs => %s)
FROM projection WHERE name = %s FOR UPDATE SKIP LOCKED
"""
_TAKE_PATIENTLY = "SELECT version, position FROM projection WHERE name = %s FOR UPDATE"
# The bodies of events that the projection does not read, or that a dead letter of their
# stream holds back, are not fetched. The bodies of unknown events are, so that they
# become dead letters: they may be of a newer release, and the projection may need them.
_COLUMNS = f"SELECT {ENVELOPE}, CASE WHEN topic <> ALL(%s::text[])"
_READ = f"""
{_COLUMNS} AND (originator_id <> ALL(ARRAY(
           SELECT stream FROM dead_letter WHERE projection = %s AND stream IS NOT NULL
       )) OR topic = ANY(%s::text[])) THEN state END
FROM goatherd_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s
"""
_READ_STREAM = f"""
{_COLUMNS} THEN state END
FROM goatherd_events WHERE originator_id = %s AND notification_id BETWEEN %s AND %s
ORDER BY notification_id
"""
_READ_NAMES = f"""
{_COLUMNS} THEN state END
FROM goatherd_events WHERE topic = ANY(%s::text[]) AND notification_id BETWEEN %s AND %s
ORDER BY notification_id
"""
# A stream may be long, and a log has many erasures.
_PATIENTLY = """
SELECT set_config('statement_timeout', '5min', true),
       set_config('idle_in_transaction_session_timeout', '5min', true)
"""
_CHECKPOINT = """
UPDATE projection SET position = %s, heartbeat_at = clock_timestamp() WHERE name = %s
"""
_ADD_DEAD_LETTER = """
INSERT INTO dead_letter (projection, position, name, error, stream)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT (projection, position) DO NOTHING
"""
_DELETE_DEAD_LETTERS = """
DELETE FROM dead_letter
WHERE projection = %s AND name = ANY(%s::text[]) AND stream IS NULL
"""

# Errors of the database or its schema, which no event causes.
_OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.ProgrammingError)


def _array(names: Sequence[str]) -> str:
    """Return names of events as an array of SQL's, to be written once for all steps."""
    return f"{{{','.join(names)}}}"


def most_at_once(projection: Projection) -> int:
    large = projection.events & LARGE_EVENTS
    if not large:
        return CATCHING_UP_BATCH
    if isinstance(projection, CustomDecoding) and large <= projection.decoders.keys():
        return COMPACT_BATCH
    return LIVE_BATCH


class FencedError(Exception):
    """The tables belong to another version of the projection, which alone may write."""


class Follower:
    """Follows the log for one projection. One of several followers works at a time."""

    def __init__(self, projection: Projection, *, pool: Pool, codec: Codec) -> None:
        self.projection = projection
        self._pool = pool
        self._codec = codec_for(projection, codec)
        self._passed_over = _array(codec.names_except(projection.events))
        self._never_held = _array(sorted(NEVER_HELD))
        self._most = most_at_once(projection)

    def register(self) -> None:
        """Create the checkpoint at the start of the log, if there is none.

        Dead letters are deleted if an older release did not know their events and this
        projection does not read them.
        """
        name = self.projection.name
        with self._pool.connection() as connection:
            connection.execute(_REGISTER, (name, self.projection.version))
            connection.execute(_DELETE_DEAD_LETTERS, (name, self._passed_over))

    def step(self, limit: int = LIVE_BATCH) -> int:
        """Apply up to ``limit`` events and move the checkpoint, in one transaction.

        The result is the number of events of the log that were passed; 0 when it is
        caught up, or when another follower works. The number is below ``limit`` if
        events are large.

        Raises:
            FencedError: the tables belong to another version of the projection.
        """
        name = self.projection.name
        with (
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor(binary=True) as cursor,
        ):
            row = cursor.execute(
                _TAKE, (HEARTBEAT_SECONDS, name), prepare=True
            ).fetchone()
            if row is None:
                return 0
            version, position, is_heartbeat_due = row
            self.check_version(version)
            rows = cursor.execute(
                _READ,
                (
                    *(self._passed_over, name, self._never_held),
                    *(position, min(limit, self._most)),
                ),
                prepare=True,
            ).fetchall()
            if rows:
                self._apply(connection, cursor, rows)
            if rows or is_heartbeat_due:
                reached = rows[-1][0] if rows else position
                cursor.execute(_CHECKPOINT, (reached, name), prepare=True)
            return len(rows)

    def catch_up(self) -> int:
        """Step until caught up with the log; return the number of passed events."""
        total = passed = self.step(CATCHING_UP_BATCH)
        # A batch below the smallest size means that no events are left.
        while passed >= LIVE_BATCH:
            passed = self.step(CATCHING_UP_BATCH)
            total += passed
        return total

    def retry(self, position: int, *, by: str, reason: str) -> DeadLetterDecision:
        """Apply the event of a dead letter, and those of its stream that it held back.

        Erasures since then are applied again after them. If a later event fails, that
        one is the stream's dead letter from now on.

        Raises:
            NoDeadLetterError: there is no dead letter at the position.
            FailedAgainError: the event failed again, and nothing was applied.
            FencedError: the tables belong to another version of the projection.
        """
        try:
            return self._decide(position, "retried", by=by, reason=reason)
        except FailedAgainError as error:
            with self._pool.connection() as connection:
                note_failure(connection, self.projection.name, position, str(error))
            raise

    def skip(self, position: int, *, by: str, reason: str) -> DeadLetterDecision:
        """Leave the event of a dead letter out, and apply those that it held back.

        Raises:
            NoDeadLetterError: there is none at the position.
            FencedError: the tables belong to another version of the projection.
        """
        return self._decide(position, "skipped", by=by, reason=reason)

    def _decide(
        self, position: int, decision: DeadLetterAction, *, by: str, reason: str
    ) -> DeadLetterDecision:
        name = self.projection.name
        with (
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor(binary=True) as cursor,
        ):
            cursor.execute(_PATIENTLY)
            taken = cursor.execute(_TAKE_PATIENTLY, (name,)).fetchone()
            letter = take_letter(cursor, name, position)
            if taken is None or letter is None:
                raise NoDeadLetterError(name, position)
            version, reached = taken
            self.check_version(version)
            first = position if decision == "retried" else position + 1
            rows = self._again(cursor, letter, first=first, until=reached)
            before = written_rows(cursor)
            failed = self._apply_singly(connection, cursor, rows)
            if position in failed:
                raise FailedAgainError(failed[position])
            own = [row[0] for row in rows if row[8] and row[1] == letter.in_stream]
            failing = min(failed.keys() & {*own}, default=None)
            return note_decision(
                cursor,
                DeadLetterDecision(
                    projection=name,
                    position=position,
                    name=letter.name,
                    decision=decision,
                    decided_by=by,
                    reason=reason,
                    events=own.index(failing) if failing else len(own),
                    rows=difference(before, written_rows(cursor)),
                    next_position=failing,
                ),
            )

    def _again(
        self, cursor: Cursor[TupleRow], letter: TakenLetter, *, first: int, until: int
    ) -> list[TupleRow]:
        """Return the rows of the log to apply, from ``first`` up to ``until``.

        They are those of the stream, or the letter's own if it held back none, and all
        erasures: an event that is applied late may bring back what these removed.
        """
        last = until if letter.stream is not None else min(letter.position, until)
        stream = (self._passed_over, letter.in_stream, first, last)
        rows = cursor.execute(_READ_STREAM, stream).fetchall()
        erasures = (self._passed_over, self._never_held, letter.position + 1, until)
        rows += cursor.execute(_READ_NAMES, erasures).fetchall()
        by_position = {row[0]: row for row in rows}
        return [by_position[position] for position in sorted(by_position)]

    def check_version(self, version: int) -> None:
        """Raise ``FencedError`` unless the tables belong to this version."""
        name, ours = self.projection.name, self.projection.version
        if version != ours:
            msg = f"{name} is at version {version}, this release has {ours}."
            raise FencedError(msg)

    def _apply(
        self,
        connection: Connection[TupleRow],
        cursor: Cursor[TupleRow],
        rows: Sequence[TupleRow],
    ) -> None:
        read = [row for row in rows if row[8] is not None]
        if not read:
            return
        try:
            with connection.transaction():
                events = open_envelopes(read, self._codec, connection)
                self.projection.write(cursor, events)
        except _OUTAGES:
            raise
        except Exception:  # noqa: BLE001 - whatever it was, find the event it came from
            failed = self._apply_singly(connection, cursor, rows)
            for row in rows:
                if row[0] in failed:
                    _log.error(
                        "event_failed", projection=self.projection.name,
                        position=row[0], topic=row[7], error=failed[row[0]],
                    )  # fmt: skip

    def _apply_singly(
        self,
        connection: Connection[TupleRow],
        cursor: Cursor[TupleRow],
        rows: Sequence[TupleRow],
    ) -> dict[int, str]:
        """Apply one event after the other; return the errors of those that failed.

        An event that fails becomes a dead letter, which holds back its stream.
        """
        failed: dict[int, str] = {}
        held: set[UUID] = set()
        for row in rows:
            if row[8] is None or is_held(row, held):
                continue
            try:
                with connection.transaction():
                    events = open_envelopes([row], self._codec, connection)
                    self.projection.write(cursor, events)
            except _OUTAGES:
                raise
            except Exception as error:
                if len(failed) == MOST_DEAD_LETTERS_AT_ONCE:
                    # This many failures in a row are the fault of the release: wait for
                    # a better one.
                    raise
                failed[row[0]] = self._add_dead_letter(cursor, row, error)
                # Nobody can say which streams need an event that only a newer release
                # knows, and older releases run on while it is installed.
                if self._codec.knows(row[7]):
                    held.add(row[1])
        return failed

    def _add_dead_letter(
        self, cursor: Cursor[TupleRow], row: TupleRow, error: Exception
    ) -> str:
        """Store an event as a dead letter; return the reason as it is stored."""
        name, position, stream, event = self.projection.name, row[0], row[1], row[7]
        # PostgreSQL's details have values of rows, which may name persons.
        reason = masked(repr(error))
        holding = stream if self._codec.knows(event) else None
        cursor.execute(_ADD_DEAD_LETTER, (name, position, event, reason, holding))
        return reason
