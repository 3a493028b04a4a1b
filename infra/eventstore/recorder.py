"""The recorder, which writes batches of events to PostgreSQL in order."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Never
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    NotSupportedError,
    StoredEvent,
    Tracking,
)
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.decisions import QuotaCounter
from domain.errors import LimitReachedError
from domain.subjects import SubjectErasedError
from infra import arrays
from infra.backoff import Backoff
from infra.database import NO_CONNECTION, Pool, run_read
from infra.eventstore.append import (
    AfterAppend,
    Appended,
    Batch,
    BeforeAppend,
    Context,
    write,
)
from infra.eventstore.envelope import ENVELOPES
from infra.eventstore.sealing import subjects_in

# If the answer to an append is lost, the search for its events lasts this long.
_LOOK_UP_SECONDS = 10.0
_LOST_ANSWERS = Backoff(0.06, 1.0)
# Readers at the end of the log look for new events this often.
_POLL_SECONDS = 0.1


class AppendConflictError(IntegrityError):
    """Another writer changed a stream after its history was read; decide again."""


class KeyConflictError(AppendConflictError):
    """Another writer stored a key of the same subject; seal with that key."""


_TABLE = "goatherd_events"
_FIND_OURS = """
SELECT notification_id, recorded_at, causation_id FROM goatherd_events
WHERE originator_id = %s AND originator_version = %s
"""
_SELECT_STREAMS = f"""
{ENVELOPES} WHERE originator_id = ANY(%b::uuid[])
ORDER BY originator_id, originator_version
"""
_SELECT_STREAM = """
SELECT originator_id, originator_version, topic, state FROM goatherd_events
WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s
ORDER BY originator_version
"""
_SELECT_NOTIFICATIONS = """
SELECT originator_id, originator_version, topic, state, notification_id
FROM goatherd_events WHERE notification_id >= %s AND notification_id <= %s
AND (%s::text[] = '{}' OR topic = ANY(%s)) ORDER BY notification_id LIMIT %s
"""
_FOREVER = 2**63 - 1


class LogSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """Yields the events of the log in order, and polls for new ones at its end."""

    def _loop_on_pull(self) -> None:
        # The library's own loop waits for a notification without a time limit, so a
        # lost notification would stop its reader until the next append.
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(_POLL_SECONDS)
        except BaseException as error:  # noqa: BLE001 - the reader's thread raises it
            self._thread_error = error
            self.stop()


class Recorder(ApplicationRecorder):
    """The eventsourcing library's recorder, on one append function and one pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def append(
        self,
        batch: Batch,
        *,
        context: Context,
        guards: Sequence[tuple[UUID, int]] = (),
        quota_counters: Sequence[QuotaCounter] = (),
        before_append: BeforeAppend | None = None,
        in_transaction: AfterAppend | None = None,
    ) -> Appended:
        """Store all of ``batch`` or none, and return its place in the log.

        ``guards`` are (stream, version) pairs that the decision used without writing to
        them. ``before_append`` runs in the same transaction before the append,
        ``in_transaction`` after it, as ``infra.eventstore.append.write`` says. If the
        answer is lost on the way, the recorder reads the stream and finds out whether
        the commit took place, so that a success is never reported as a conflict.

        Raises:
            AppendConflictError: a stream of the batch or a guarded one has new events.
            KeyConflictError: a subject that was to get a new key has one already.
            LimitReachedError: a quota counter would pass its maximum.
            SubjectErasedError: an event is sealed for a subject that was erased.
            psycopg.OperationalError: the database stays out of reach.
        """
        unknown_outcome = False
        give_up_at = time.monotonic() + _LOOK_UP_SECONDS
        failures = 0
        while True:
            try:
                with self._pool.connection() as connection:
                    if unknown_outcome and (
                        ours := _find_ours(connection, batch, context)
                    ):
                        return ours
                    return write(
                        connection,
                        batch,
                        context,
                        guards,
                        quota_counters,
                        before_append=before_append,
                        in_transaction=in_transaction,
                    )
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                was_sent = not isinstance(error, NO_CONNECTION)
                if _is_final(error) or not (was_sent or unknown_outcome):
                    raise
                if time.monotonic() > give_up_at:
                    raise
                unknown_outcome = True
                failures += 1
                time.sleep(_LOST_ANSWERS.seconds(failures))
            except psycopg.DatabaseError as error:
                if unknown_outcome and (ours := self._found(batch, context)):
                    return ours
                _translate(error, quota_counters)

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        **kwargs: Any,  # noqa: ANN401 - as the library passes them on
    ) -> Sequence[int]:
        """Append the events, and return the position of each; see ``append``.

        Raises:
            NotSupportedError: ``tracking`` is given, which this recorder cannot store.
        """
        if tracking is not None:
            raise NotSupportedError("A tracking cannot be stored with the event log.")
        if not stored_events:
            return []
        batch = Batch(
            [UUID(str(event.originator_id)) for event in stored_events],
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
            subjects_in(event.state for event in stored_events),
        )
        first = self.append(batch, **kwargs).first_position
        return list(range(first, first + len(stored_events)))

    def select_streams(self, streams: Sequence[UUID]) -> list[TupleRow]:
        """Return the events of several streams, in stream order, in one round trip.

        Each event is (position, stream, version, recorded_at, actor, correlation id,
        causation id, name, body).
        """
        parameters = (arrays.uuids(streams),)
        return run_read(
            self._pool,
            lambda connection: (
                connection.cursor(binary=True)
                .execute(_SELECT_STREAMS, parameters, prepare=True)
                .fetchall()
            ),
        )

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return one stream's events with versions above ``gt`` and up to ``lte``."""
        bounds = (originator_id, gt or 0, _FOREVER if lte is None else lte)
        with self._pool.connection() as connection:
            rows = connection.cursor(binary=True).execute(
                _SELECT_STREAM, bounds, prepare=True
            )
            events = [StoredEvent(*row) for row in rows]
        if desc:
            events.reverse()
        return events[:limit]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return up to ``limit`` events of the whole log in order of position."""
        first = 0 if start is None else start + (not inclusive_of_start)
        names = list(topics)
        with self._pool.connection() as connection:
            rows = connection.execute(
                _SELECT_NOTIFICATIONS,
                (first, _FOREVER if stop is None else stop, names, names, limit),
            )
            return [Notification(*row) for row in rows]

    def max_notification_id(self) -> int | None:
        """Return the position of the newest event, None in an empty log."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT max(notification_id) FROM goatherd_events"
            ).fetchone()
        return None if row is None else row[0]

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> LogSubscription:
        """Return an endless iterator over the events after position ``gt``.

        Runners of the eventsourcing library use it. Goatherd's own read models are kept
        by ``projections.engine.follower``, which reads in batches.
        """
        return LogSubscription(self, gt, topics)

    def _found(self, batch: Batch, context: Context) -> Appended | None:
        with self._pool.connection() as connection:
            return _find_ours(connection, batch, context)


def _find_ours(
    connection: Connection[TupleRow], batch: Batch, context: Context
) -> Appended | None:
    row = connection.execute(
        _FIND_OURS, (batch.streams[0], batch.versions[0])
    ).fetchone()
    if row is None or row[2] != context.command_id:
        return None
    return Appended(row[0], row[1])


def _is_final(error: psycopg.Error) -> bool:
    """Tell whether the server itself refused, so that nothing can have been stored."""
    if error.sqlstate is None:
        return False
    # Among the errors that an operator's action causes (class 57), only a statement
    # timeout proves that nothing was stored.
    return error.sqlstate[:2] not in {"08", "57"} or error.sqlstate == "57014"


def _translate(
    error: psycopg.DatabaseError, quota_counters: Iterable[QuotaCounter]
) -> Never:
    match error.sqlstate:
        case "GH001":
            raise AppendConflictError(str(error)) from error
        case "23505" | "23502" if error.diag.table_name == _TABLE:
            # The version exists already, or the previous version does not.
            raise AppendConflictError(str(error)) from error
        case "23505" if error.diag.table_name == "subject_keys":
            raise KeyConflictError(str(error)) from error
        case "GH005":
            raise SubjectErasedError from error
        case "GH002":
            index, current = (error.diag.message_detail or "").split()
            counter = list(quota_counters)[int(index)]
            raise LimitReachedError(
                counter.limit_key, current=int(current), maximum=counter.maximum or 0
            ) from error
        case _:
            raise error
