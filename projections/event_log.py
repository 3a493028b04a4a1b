"""The log of one organization: its events and its observations, page by page.

Reads end at a fixed position. Positions become visible in order, so nothing up to that
position ever changes, and no transaction has to stay open.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.errors import NotFoundError
from domain.events import Event, HandleChanged, ScrapeRequested
from infra.eventstore.codec import Codec
from infra.eventstore.envelope import EventMetadata
from infra.keys.keyring import Keys

# One event may have 500 videos, so a page of large events is about ten megabytes.
POSITIONS_AT_ONCE = 250

# An organization's own stream has its id, and every other event of a tenant contains
# it. Searching the bytes is much faster than parsing every body of every organization.
# The found bodies are then parsed, because notes may contain the same bytes.
_EVENTS = """
SELECT e.notification_id, e.originator_id, e.originator_version, e.topic, e.actor,
       e.recorded_at, e.correlation_id, e.causation_id, e.state,
       CASE WHEN %(project)s::uuid IS NOT NULL THEN first.state END
FROM goatherd_events e
LEFT JOIN goatherd_events first ON %(project)s::uuid IS NOT NULL
    AND first.originator_id = e.originator_id AND first.originator_version = 1
WHERE e.notification_id > %(after)s AND e.notification_id <= %(to)s
AND (e.originator_id = %(organization)s OR position(%(named)s::bytea IN e.state) > 0)
ORDER BY e.notification_id
"""
# The handle and the project are in the first event of the run.
_OBSERVATIONS = """
SELECT e.notification_id, e.originator_id, e.recorded_at, e.topic, e.state,
       request.state
FROM goatherd_events e JOIN goatherd_events request
    ON request.originator_id = e.originator_id AND request.originator_version = 1
    AND request.topic = 'scrape_requested'
WHERE e.notification_id > %(after)s AND e.notification_id <= %(to)s
AND e.topic IN ('profile_snapshot_recorded', 'video_stats_snapshot_recorded',
                'scrape_failed')
AND position(%(named)s::bytea IN request.state) > 0
ORDER BY e.notification_id
"""
_FIRST_EVENTS = """
SELECT originator_id, topic, state FROM goatherd_events
WHERE originator_id = ANY(%s) AND originator_version = 1
"""
_MOVED = """
SELECT DISTINCT ON (originator_id) originator_id,
       (convert_from(state, 'UTF8')::jsonb ->> 'new_project_id')::uuid
FROM goatherd_events
WHERE topic = 'creator_moved' AND position(%s::bytea IN state) > 0
ORDER BY originator_id, originator_version DESC
"""
# The newest name of each renamed creator, and the erased creators.
_RENAMED = """
SELECT DISTINCT ON (originator_id) originator_id, topic, state FROM goatherd_events
WHERE topic IN ('handle_changed', 'subject_erased') AND position(%s::bytea IN state) > 0
ORDER BY originator_id, originator_version DESC
"""
_BEGIN = """
SELECT notification_id FROM goatherd_events
WHERE originator_id = %s AND originator_version = 1 AND topic = 'organization_created'
"""
_HEAD = "SELECT max(notification_id) FROM goatherd_events"


class LoggedEvent(EventMetadata, frozen=True, kw_only=True, gc=False):
    """An event of the log; ``payload`` is opened JSON without any secret."""

    payload: msgspec.Raw


class ObservationEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event with the observations of a run, and the request of the run.

    ``project_id`` is the present project of the creator.
    """

    position: int
    scrape_id: UUID
    recorded_at: datetime
    event: Event
    request: ScrapeRequested
    project_id: UUID | None


class PositionRange(msgspec.Struct, frozen=True, kw_only=True):
    """The positions after ``after``, up to and including ``until``."""

    after: int
    until: int


class OrganizationLog:
    """The log of one organization, or of one of its projects.

    Events about a moved creator belong to the creator's present project. The connection
    must not be used for anything else meanwhile, and shows times in UTC. ``codec``
    opens sealed events.
    """

    def __init__(
        self,
        connection: Connection[TupleRow],
        organization_id: UUID,
        project_id: UUID | None = None,
        *,
        codec: Codec,
    ) -> None:
        self._connection = connection
        self._codec = codec
        self._organization_id = organization_id
        self._project_id = project_id
        connection.execute("SET timezone TO 'UTC'")
        named = f'"organization_id":"{organization_id}"'.encode()
        moved = connection.execute(_MOVED, (named,)).fetchall()
        self._moved: dict[UUID, UUID] = dict(moved)

    def position_range(self, *, after: int = 0) -> PositionRange:
        """Return the range of positions with all events of the organization so far.

        The range begins after ``after``, which may lie beyond the end of the log.

        Raises:
            NotFoundError: there is no organization with this id.
        """
        begin = self._connection.execute(_BEGIN, (self._organization_id,)).fetchone()
        head = self._connection.execute(_HEAD).fetchone()
        if begin is None or head is None:
            raise NotFoundError("organization")
        return PositionRange(after=max(begin[0] - 1, after), until=head[0])

    def present_handles(self) -> dict[UUID, str | None]:
        """Return the handles of renamed creators, and null for erased ones."""
        named = f'"organization_id":"{self._organization_id}"'.encode()
        with self._connection.cursor(binary=True) as cursor:
            rows = cursor.execute(_RENAMED, (named,)).fetchall()
        keys = self._codec.keys_for(row[2] for row in rows)
        events = [(row[0], self._codec.decode(row[1], row[2], keys)) for row in rows]
        return {
            creator_id: event.new if isinstance(event, HandleChanged) else None
            for creator_id, event in events
        }

    def events(self, span: PositionRange) -> Iterator[tuple[int, list[LoggedEvent]]]:
        """Yield the number of further positions read, and the events found there."""
        for passed, rows in self._pages(_EVENTS, span):
            ours = [row for row in rows if self._is_ours(row)]
            keys = self._codec.keys_for(row[8] for row in ours)
            yield passed, [_logged(row, self._codec, keys) for row in ours]

    def observations(
        self, span: PositionRange
    ) -> Iterator[tuple[int, list[ObservationEvent]]]:
        """Yield the number of further positions read, and the observations there.

        Raises:
            UnknownEventError: the log has an event that cannot be read.
        """
        for passed, rows in self._pages(_OBSERVATIONS, span):
            ours = [row for row in rows if self._is_named(self._now(_whose(row[5])))]
            keys = self._codec.keys_for(
                body for row in ours for body in (row[4], row[5])
            )
            yield passed, [self._observed(row, keys) for row in ours]

    def _observed(self, row: TupleRow, keys: Keys) -> ObservationEvent:
        position, scrape_id, recorded_at, name, body, requested = row
        request = self._codec.decode(ScrapeRequested.stored_name, requested, keys)
        assert isinstance(request, ScrapeRequested)
        return ObservationEvent(
            position=position,
            scrape_id=scrape_id,
            recorded_at=recorded_at,
            event=self._codec.decode(name, body, keys),
            request=request,
            project_id=self._now(_whose(requested)).project_id,
        )

    def first_events(self, streams: Sequence[UUID]) -> dict[UUID, Event]:
        """Return the first event of each stream that has any."""
        if not streams:
            return {}
        with self._connection.cursor(binary=True) as cursor:
            found = cursor.execute(_FIRST_EVENTS, (list(streams),), prepare=True)
            rows = found.fetchall()
        keys = self._codec.keys_for(body for _, _, body in rows)
        return {
            stream: self._codec.decode(name, body, keys) for stream, name, body in rows
        }

    def _pages(
        self, query: str, span: PositionRange
    ) -> Iterator[tuple[int, Sequence[TupleRow]]]:
        named = f'"organization_id":"{self._organization_id}"'.encode()
        params: Mapping[str, object] = {
            "organization": self._organization_id,
            "project": self._project_id,
            "named": named,
        }
        with self._connection.cursor(binary=True) as cursor:
            for after in range(span.after, span.until, POSITIONS_AT_ONCE):
                to = min(after + POSITIONS_AT_ONCE, span.until)
                yield to - after, _page(cursor, query, params, after=after, to=to)

    def _is_ours(self, row: TupleRow) -> bool:
        whose = _whose(row[8])
        if row[1] != self._organization_id:
            first = row[9] and _whose(row[9])
            of_stream = _Whose(
                organization_id=whose.organization_id,
                project_id=whose.project_id or (first and first.project_id),
                creator_id=row[1]
                if row[1] in self._moved
                else whose.creator_id or (first and first.creator_id),
            )
            return self._is_named(self._now(of_stream))
        return self._project_id is None or whose.project_id == self._project_id

    def _now(self, whose: "_Whose") -> "_Whose":
        """Return the same with the present project of the creator."""
        moved = self._moved.get(whose.creator_id) if whose.creator_id else None
        return msgspec.structs.replace(whose, project_id=moved) if moved else whose

    def _is_named(self, whose: "_Whose") -> bool:
        return whose.organization_id == self._organization_id and (
            self._project_id is None or whose.project_id == self._project_id
        )


class _Whose(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    organization_id: UUID | None = None
    project_id: UUID | None = None
    creator_id: UUID | None = None


_whose = msgspec.json.Decoder(_Whose).decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
# The API shows only the other fields of an API key.
_SECRETS = {"api_key_created": ("digest",)}


def _page(
    cursor: Cursor[TupleRow],
    query: str,
    params: Mapping[str, object],
    *,
    after: int,
    to: int,
) -> list[TupleRow]:
    values = {**params, "after": after, "to": to}
    return cursor.execute(query.encode(), values, prepare=True).fetchall()


def _logged(row: TupleRow, codec: Codec, keys: Keys) -> LoggedEvent:
    position, stream, version, name, actor, at, correlation, causation, body, _ = row
    body = codec.opened(name, body, keys)
    if secrets := _SECRETS.get(name):
        fields = _fields(body)
        for secret in secrets:
            fields.pop(secret, None)
        body = msgspec.json.encode(fields)
    return LoggedEvent(
        position=position,
        stream=stream,
        version=version,
        name=name,
        actor=actor,
        recorded_at=at,
        correlation_id=correlation,
        causation_id=causation,
        payload=msgspec.Raw(body),
    )
