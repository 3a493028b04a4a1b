"""Traces: a request with its commands, events, projections and scrapes, as one tree."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor, sql
from psycopg.rows import TupleRow, class_row, dict_row

from api.http.request import correlation_of
from api.system.all_projections import ALL_PROJECTIONS
from domain.errors import NotFoundError
from infra.eventstore.envelope import STORED_EVENTS, StoredEvent
from infra.eventstore.store import Store
from projections.engine.dead_letters import NEVER_HELD, without_rows
from projections.engine.projection import Projection

MOST_EVENTS = 200
"""The number of events of one command or scrape that a trace has; the first ones."""

# Events of one command or scrape are near each other, and the log has no index of them.
_NEAR = 20_000
_LONGEST_REQUEST = timedelta(minutes=10)
_FOREVER = 2**63 - 1

_AT = f"{STORED_EVENTS} WHERE notification_id = %s"
_FIRST_OF_STREAM = (
    f"{STORED_EVENTS} WHERE originator_id = %s AND originator_version = 1"
)
_LAST_OF_STREAM = """
SELECT max(notification_id) FROM goatherd_events WHERE originator_id = %s
"""
_OF_COMMAND = f"""
{STORED_EVENTS} WHERE causation_id = %s AND notification_id BETWEEN %s AND %s
ORDER BY notification_id LIMIT {MOST_EVENTS}
"""
_OF_REQUEST = f"""
{STORED_EVENTS} WHERE correlation_id = %s AND notification_id BETWEEN %s AND %s
ORDER BY notification_id LIMIT {MOST_EVENTS}
"""
_OF_SCRAPE = f"""
{STORED_EVENTS} WHERE (originator_id = %(id)s AND originator_version > 1
                  OR correlation_id = %(id)s)
AND notification_id BETWEEN %(first)s AND %(last)s
ORDER BY notification_id LIMIT {MOST_EVENTS}
"""
_LOG_END = "SELECT coalesce(position, 0) FROM goatherd_log_end(%s, NULL)"
_POSITIONS = "SELECT name, position FROM projection"
_DEAD_LETTERS = """
SELECT projection, position, stream, error FROM dead_letter
WHERE position = ANY(%s) OR stream = ANY(%s)
"""
_SKIPPED = """
SELECT projection, position, reason FROM dead_letter_decision
WHERE position = ANY(%s) AND decision = 'skipped'
"""
_JOB = """
SELECT state, attempts, due_at, started_at, finished_at, outcome, error, provider, tried
FROM scrape_job WHERE scrape_id = %s
"""
_RUN = """
SELECT status AS state, attempts, NULL AS due_at, requested_at AS started_at,
       finished_at, outcome, error, provider, tried
FROM scrape_runs WHERE id = %s
"""
# The columns by which an index finds rows: the first one, and the one after the
# organization's.
_KEYS = """
SELECT DISTINCT c.relname, a.attname, first.attname = 'organization_id'
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_attribute AS first ON first.attrelid = c.oid AND first.attnum = i.indkey[0]
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.atttypid = 'uuid'::regtype
    AND (a.attnum = i.indkey[0]
         OR first.attname = 'organization_id' AND a.attnum = i.indkey[1])
WHERE c.oid = ANY(SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
AND a.attname <> 'organization_id'
"""
# A log without an index by request is read from beginning to end for some requests.
_PATIENTLY = "SET LOCAL statement_timeout = '5min'"

State = Literal["applied", "waiting", "dead letter", "held back", "skipped"]


class TracedProjection(msgspec.Struct, frozen=True, kw_only=True):
    """A projection that reads an event, and its result there.

    ``position`` is how far the projection is. ``rows`` counts the rows about the
    event's stream, creator and video, by table. ``why`` is the reason of a state other
    than ``applied`` and ``waiting``.
    """

    name: str
    position: int
    state: State
    rows: dict[str, int] = {}
    why: str | None = None


class TracedScrape(msgspec.Struct, frozen=True, kw_only=True):
    """A scrape: its job or run, the source that answered, and what followed.

    ``state`` is null while no job has been made of the request. ``tried`` has the
    sources that were tried, in their order, null if there was only one.
    """

    scrape_id: UUID
    state: str | None
    attempts: int
    due_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    error: str | None
    source: str | None
    tried: list[dict[str, Any]] | None
    commands: "list[TracedCommand]"


class TracedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event, the projections that read it, and the scrape that it requested."""

    position: int
    name: str
    stream: UUID
    version: int
    recorded_at: datetime
    projections: list[TracedProjection]
    scrape: TracedScrape | None = None


class TracedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command and its events. ``command_id`` is null for events without one."""

    command_id: UUID | None
    actor: str
    events: list[TracedEvent]


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A request and what it caused.

    ``request_id`` is null for commands without a request, such as those of the command
    line and of policies.
    """

    request_id: UUID | None
    commands: list[TracedCommand]


class _Ids(msgspec.Struct, frozen=True):
    organization_id: UUID | None = None
    creator_id: UUID | None = None
    video_id: UUID | None = None


def trace(store: Store, target: str) -> Trace:
    """Return the trace of a position, a request id or a scrape id.

    The trace of a position has the events of its request, or without one those of its
    command. The trace of a scrape has the event that requested it.

    Raises:
        NotFoundError: the log has no such event.
    """
    with store.pool.connection() as connection, connection.transaction():
        connection.execute(_PATIENTLY)
        return _Tracer(connection.cursor(binary=True)).trace(target)


def trace_of_position(connection: Connection[TupleRow], position: int) -> Trace:
    """Return the trace of a position without texts that may have personal data.

    These are what sources said about accounts, and the rows that an error quotes. A
    request reads it, so it takes no longer than requests may.

    Raises:
        NotFoundError: the log has no event there.
    """
    with connection.transaction():
        tracer = _Tracer(connection.cursor(binary=True), has_details=False)
        return tracer.of_position(position)


class _Tracer:
    """Reads a trace; ``has_details`` includes texts that may have personal data."""

    def __init__(self, cursor: Cursor[TupleRow], *, has_details: bool = True) -> None:
        self._cursor = cursor
        self._has_details = has_details
        self._positions: dict[str, int] = dict(cursor.execute(_POSITIONS).fetchall())
        tables = {table for each in ALL_PROJECTIONS for table in _tables(each)}
        self._keys: dict[str, list[tuple[str, bool]]] = {}
        for table, column, *is_second in cursor.execute(_KEYS, (sorted(tables),)):
            self._keys.setdefault(table, []).append((column, is_second[0]))
        self._counts: dict[tuple[str, _Ids, UUID], int] = {}

    def trace(self, target: str) -> Trace:
        if target.isdecimal():
            return self.of_position(int(target))
        try:
            scrape = self._scrape_request(UUID(target))
        except ValueError:
            scrape = None
        if scrape is not None:
            return self._of_events([scrape])
        return self._of_request(correlation_of(target))

    def of_position(self, position: int) -> Trace:
        found = self._events(_AT, (position,)) if position <= _FOREVER else []
        if not found:
            raise NotFoundError("event")
        event = found[0]
        for scrape_id in (event.stream, event.correlation_id):
            scrape = None if scrape_id is None else self._scrape_request(scrape_id)
            # The event that requests a scrape belongs to its own command.
            if scrape is not None and scrape != event:
                return self._of_events([scrape])
        near = position - _NEAR, position + _NEAR
        for query, cause in (
            (_OF_REQUEST, event.correlation_id),
            (_OF_COMMAND, event.causation_id),
        ):
            found = self._events(query, (cause, *near))
            # One with very many events may not have the position among its first.
            if event in found:
                return self._of_events(found)
        return self._of_events([event])

    def _of_request(self, request_id: UUID) -> Trace:
        first, last = self._around(request_id)
        found = self._events(_OF_REQUEST, (request_id, first, last))
        if not found:
            found = self._events(_OF_REQUEST, (request_id, 0, _FOREVER))
        if not found:
            raise NotFoundError("event")
        return self._of_events(found)

    def _around(self, request_id: UUID) -> tuple[int, int]:
        """Return the positions between which a request's events are, by its id's time.

        Ids that clients choose may have no time, or a wrong one.
        """
        if request_id.version != 7:
            return 0, -1
        try:
            began = datetime.fromtimestamp((request_id.int >> 80) / 1000, UTC)
        except (OverflowError, ValueError):
            return 0, -1
        return (
            self._log_end(began - _LONGEST_REQUEST),
            self._log_end(began + _LONGEST_REQUEST),
        )

    def _log_end(self, at: datetime) -> int:
        ((position,),) = self._cursor.execute(_LOG_END, (at,)).fetchall()
        return position

    def _scrape_request(self, scrape_id: UUID) -> StoredEvent | None:
        found = self._events(_FIRST_OF_STREAM, (scrape_id,))
        return found[0] if found and found[0].name == "scrape_requested" else None

    def _of_events(self, events: Sequence[StoredEvent]) -> Trace:
        commands = self._commands(events, with_scrapes=True)
        return Trace(request_id=events[0].correlation_id, commands=commands)

    def _commands(
        self, events: Sequence[StoredEvent], *, with_scrapes: bool
    ) -> list[TracedCommand]:
        projections = self._projections(events)
        by_command: dict[tuple[UUID | None, str], list[TracedEvent]] = {}
        for event in events:
            is_request = event.name == "scrape_requested" and event.version == 1
            scrape = self._scrape(event) if with_scrapes and is_request else None
            by_command.setdefault((event.causation_id, event.actor), []).append(
                TracedEvent(
                    position=event.position,
                    name=event.name,
                    stream=event.stream,
                    version=event.version,
                    recorded_at=event.recorded_at,
                    projections=projections[event.position],
                    scrape=scrape,
                )
            )
        return [
            TracedCommand(command_id=command_id, actor=actor, events=found)
            for (command_id, actor), found in by_command.items()
        ]

    def _scrape(self, request: StoredEvent) -> TracedScrape:
        scrape_id, cursor = request.stream, self._cursor
        with cursor.connection.cursor(row_factory=dict_row) as rows:
            job = rows.execute(_JOB, (scrape_id,)).fetchone()
            run = rows.execute(_RUN, (scrape_id,)).fetchone()
        # The job says more while it waits, and the run has the end.
        shown = run if run is not None and run["finished_at"] else job or run or {}
        ((last,),) = cursor.execute(_LAST_OF_STREAM, (scrape_id,)).fetchall()
        within = {"id": scrape_id, "first": request.position, "last": last + _NEAR}
        after = self._events(_OF_SCRAPE, within)
        return TracedScrape(
            scrape_id=scrape_id,
            state=shown.get("state"),
            attempts=shown.get("attempts") or 0,
            due_at=shown.get("due_at"),
            finished_at=shown.get("finished_at"),
            outcome=shown.get("outcome"),
            error=shown.get("error") if self._has_details else None,
            source=shown.get("provider"),
            tried=self._tried(shown.get("tried")),
            commands=self._commands(after, with_scrapes=False),
        )

    def _tried(self, tried: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        if tried is None or self._has_details:
            return tried
        return [{k: v for k, v in each.items() if k != "detail"} for each in tried]

    def _projections(
        self, events: Sequence[StoredEvent]
    ) -> dict[int, list[TracedProjection]]:
        positions = [event.position for event in events]
        streams = [event.stream for event in events]
        failed: dict[tuple[str, int], str] = {}
        holding: dict[tuple[str, UUID], int] = {}
        for name, position, stream, error in self._cursor.execute(
            _DEAD_LETTERS, (positions, streams)
        ):
            failed[name, position] = error
            if stream is not None:
                holding[name, stream] = position
        skipped = {
            (name, position): reason
            for name, position, reason in self._cursor.execute(_SKIPPED, (positions,))
        }

        def traced(projection: Projection, event: StoredEvent) -> TracedProjection:
            name, at = projection.name, event.position
            holder = holding.get((name, event.stream))
            reached = self._positions.get(name, 0)
            state: State = "applied" if at <= reached else "waiting"
            why = None
            if (name, at) in failed:
                error = failed[name, at]
                state = "dead letter"
                why = error if self._has_details else without_rows(error)
            elif holder is not None and holder < at and event.name not in NEVER_HELD:
                state, why = "held back", f"by the dead letter at position {holder}"
            elif (name, at) in skipped:
                state, why = "skipped", skipped[name, at]
            rows = self._rows(projection, event)
            return TracedProjection(
                name=name, position=reached, state=state, rows=rows, why=why
            )

        return {
            event.position: [
                traced(projection, event)
                for projection in ALL_PROJECTIONS
                if event.name in projection.events
            ]
            for event in events
        }

    def _rows(self, projection: Projection, event: StoredEvent) -> dict[str, int]:
        ids = msgspec.json.decode(event.body, type=_Ids)
        found = {
            table: self._count(table, ids, event.stream)
            for table in _tables(projection)
        }
        return {table: count for table, count in found.items() if count}

    def _count(self, table: str, ids: _Ids, stream: UUID) -> int:
        key = (table, ids, stream)
        if key not in self._counts:
            self._counts[key] = max(self._counted(table, ids, stream), default=0)
        return self._counts[key]

    def _counted(self, table: str, ids: _Ids, stream: UUID) -> Iterator[int]:
        """Yield how many rows each indexed column of the table finds."""
        about = [one for one in {stream, ids.creator_id, ids.video_id} if one]
        for column, is_second in self._keys.get(table, ()):
            query = sql.SQL("SELECT count(*) FROM {} WHERE {} = ANY(%s)").format(
                sql.Identifier(table), sql.Identifier(column)
            )
            values: list[object] = [about]
            if is_second:
                query += sql.SQL(" AND organization_id = %s")
                values.append(ids.organization_id or stream)
            yield self._cursor.execute(query, values).fetchall()[0][0]

    def _events(
        self, query: str, values: Sequence[object] | Mapping[str, object]
    ) -> list[StoredEvent]:
        connection = self._cursor.connection
        with connection.cursor(
            row_factory=class_row(StoredEvent), binary=True
        ) as cursor:
            return cursor.execute(query.encode(), values).fetchall()


def _tables(projection: Projection) -> Sequence[str]:
    """Return the tables of a read model; those of other projections are not listed."""
    return getattr(projection, "tables", ())
