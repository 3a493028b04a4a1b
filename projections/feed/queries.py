"""Reads the feed: public events after a position, in the order of the log.

A follower alone writes the table, in the order of the log, and the rows of a position
at once. An event that is there has all earlier ones before it, so a reader that goes on
after the last position that it read misses nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.feed.event import PublicEvent, Subject, event_id
from domain.feed.making import EventOrigin
from domain.feed.types import BY_NAME
from domain.tags import tag_key
from infra.eventstore.codec import Codec
from projections.creator_history.unreadable import of_nobody
from projections.engine.reader import Reader

_LAST: Final = 2**31 - 1


class FeedPlace(NamedTuple):
    """A place in the feed: a position, and an event there.

    Without the ordinal it is behind all events of the position.
    """

    position: int
    ordinal: int = _LAST


class FeedFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The events to return; None is any.

    An event about a creator's videos is one about the creator. A campaign's events are
    those of its members and of reports about it, too, and a tag's those of the creators
    and videos with it now.
    ``min_milestone`` leaves out smaller milestones, and nothing else.
    """

    types: Collection[str] | None = None
    project_id: UUID | None = None
    creator_id: UUID | None = None
    campaign_id: UUID | None = None
    tag: str | None = None
    min_milestone: int | None = None


class FeedEvent(msgspec.Struct, frozen=True):
    """A public event, and its place in the feed."""

    place: FeedPlace
    event: PublicEvent


class FeedPage(msgspec.Struct, frozen=True):
    """Events in order, and the position after which the next page begins.

    A page ends with the last event of a position.
    """

    events: Sequence[FeedEvent]
    next_after: int


_CONDITIONS = {
    "types": "f.type = ANY(%(types)s)",
    "project_id": "(f.project_id = %(project_id)s "
    "OR f.from_project_id = %(project_id)s)",
    "creator_id": "f.creator_id = %(creator_id)s",
    "campaign_id": "(f.subject_id = %(campaign_id)s "
    "OR f.subject_id IN (SELECT item_id FROM inside) "
    "OR f.creator_id IN (SELECT item_id FROM inside) "
    "OR f.type = 'report.ready' AND f.subject_id IN (SELECT r.id FROM reports r "
    "WHERE r.organization_id = %(organization)s AND r.scope_type = 'campaign' "
    "AND (r.scope_id = %(campaign_id)s "
    "OR r.scope_id IN (SELECT item_id FROM inside))))",
    "tag": "(EXISTS (SELECT FROM creator_list c "
    "WHERE c.organization_id = %(organization)s AND c.id = f.creator_id "
    "AND c.tag_keys @> ARRAY[%(tag)s]) "
    "OR EXISTS (SELECT FROM videos v "
    "WHERE v.organization_id = %(organization)s AND v.id = f.subject_id "
    "AND v.tag_keys @> ARRAY[%(tag)s]))",
    "min_milestone": "(f.milestone IS NULL OR f.milestone >= %(min_milestone)s)",
}
_INSIDE = """
inside AS (
    SELECT item_type, item_id FROM campaign_items
    WHERE organization_id = %(organization)s AND campaign_id = %(campaign_id)s
    UNION
    SELECT i.item_type, i.item_id FROM inside
    JOIN campaign_items i ON i.organization_id = %(organization)s
    AND inside.item_type = 'campaign' AND i.campaign_id = inside.item_id
),
"""


def feed_query(
    organization_id: UUID, requested: FeedFilter, *, after: FeedPlace, limit: int
) -> tuple[bytes, dict[str, object]]:
    """Return the query of a page, and its parameters.

    Its first row has the position of the organization's newest event, as the reader
    sees it, and no event.
    """
    given: dict[str, object] = {
        name: value
        for name in requested.__struct_fields__
        if (value := getattr(requested, name)) is not None
    }
    where = "".join(f" AND {_CONDITIONS[name]}" for name in given)
    if requested.types is not None:
        given["types"] = sorted(requested.types)
    if requested.tag is not None:
        given["tag"] = tag_key(requested.tag)
    inside = _INSIDE if requested.campaign_id is not None else ""
    query = f"""
WITH RECURSIVE {inside} page AS MATERIALIZED (
    SELECT f.position, f.ordinal FROM feed f
    WHERE f.organization_id = %(organization)s
    AND (f.position, f.ordinal) > (%(position)s, %(ordinal)s){where}
    ORDER BY f.position FETCH FIRST %(limit)s ROWS WITH TIES
), newest AS (
    SELECT position FROM feed WHERE organization_id = %(organization)s
    ORDER BY position DESC LIMIT 1
)
SELECT position, {_NO_EVENT} FROM newest
UNION ALL
SELECT * FROM goatherd_feed_events(
    ARRAY(SELECT position FROM page ORDER BY position, ordinal),
    ARRAY(SELECT ordinal FROM page ORDER BY position, ordinal))
"""
    place = {"position": after.position, "ordinal": after.ordinal}
    return query.encode(), {
        **given,
        **place,
        "organization": organization_id,
        "limit": limit,
    }


class _FeedRead(msgspec.Struct, frozen=True):
    """A row of the query, in the order of its columns."""

    position: int
    ordinal: int | None
    type: str
    at: datetime
    subject_id: UUID
    project_id: UUID | None
    creator_id: UUID | None
    milestone: int | None
    count: int | None
    stream: UUID
    version: int
    recorded_at: datetime
    actor: str
    name: str
    body: bytes | None
    named_name: str | None
    named_body: bytes | None
    erased_body: bytes | None


_NO_EVENT = ", ".join(["NULL"] * (len(_FeedRead.__struct_fields__) - 1))


async def public_events(
    reader: Reader,
    organization_id: UUID,
    requested: FeedFilter,
    *,
    after: FeedPlace,
    limit: int,
) -> FeedPage:
    """Return the first ``limit`` events after a place, and the rest of the position.

    The reader sees the events of its projects alone, and no id of another project.
    """
    query, parameters = feed_query(organization_id, requested, after=after, limit=limit)
    rows = await reader.rows(organization_id, query, parameters)
    return await reader.decoded(
        lambda codec: _page(
            rows, codec, organization_id, reader.project_ids, after, limit
        )
    )


_NEWEST = b"""
WITH newest AS MATERIALIZED (
    SELECT position, ordinal FROM feed
    WHERE organization_id = %(organization)s AND type = %(type)s
    ORDER BY position DESC, ordinal DESC LIMIT 1
)
SELECT * FROM goatherd_feed_events(
    ARRAY(SELECT position FROM newest), ARRAY(SELECT ordinal FROM newest))
"""


async def newest_event(
    reader: Reader, organization_id: UUID, type_: str
) -> PublicEvent | None:
    """Return the newest event of a type that the reader may see."""
    parameters = {"organization": organization_id, "type": type_}
    rows = await reader.rows(organization_id, _NEWEST, parameters)
    seen = reader.project_ids
    page = await reader.decoded(
        lambda codec: _page(rows, codec, organization_id, seen, FeedPlace(0), 1)
    )
    return page.events[0].event if page.events else None


_AS_ORGANIZATION = """
SELECT set_config('goatherd.organization_id', %s, true)
"""


def public_events_now(
    connection: Connection[TupleRow],
    codec: Codec,
    organization_id: UUID,
    requested: FeedFilter,
    *,
    after: FeedPlace,
    limit: int,
) -> FeedPage:
    """Return the same as ``public_events``, for workers, in all projects.

    The connection may read all organizations. The query sees this one alone.
    """
    query, parameters = feed_query(organization_id, requested, after=after, limit=limit)
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        cursor.execute(_AS_ORGANIZATION, (str(organization_id),))
        rows = cursor.execute(query, parameters, prepare=True).fetchall()
    return _page(rows, codec, organization_id, None, after, limit, connection)


def _page(
    rows: Sequence[TupleRow],
    codec: Codec,
    organization_id: UUID,
    project_ids: frozenset[UUID] | None,
    after: FeedPlace,
    limit: int,
    connection: Connection[TupleRow] | None = None,
) -> FeedPage:
    read = [_FeedRead(*row) for row in rows]
    found = [row for row in read if row.ordinal is not None]
    bodies = [
        body
        for row in found
        for body in (row.body, row.named_body, row.erased_body)
        if body is not None
    ]
    keys = codec.keys_for(bodies, connection)

    def decoded(name: str | None, body: bytes | None) -> e.Event | None:
        if name is None or body is None:
            return None
        return codec.decode(name, body, keys)

    events: list[FeedEvent] = []
    for row in found:
        event, named = (
            decoded(row.name, row.body),
            decoded(row.named_name, row.named_body),
        )
        erasure = decoded(e.SubjectErased.stored_name, row.erased_body)
        if isinstance(erasure, e.SubjectErased):
            event = event and of_nobody(event, erasure)
            named = named and of_nobody(named, erasure)
        origin = EventOrigin(
            stream=row.stream,
            subject_id=row.subject_id,
            creator_id=row.creator_id,
            event=event,
            named=named,
            milestone=row.milestone,
            count=row.count,
            project_ids=project_ids,
        )
        assert row.ordinal is not None
        place = FeedPlace(row.position, row.ordinal)
        events.append(FeedEvent(place, _event(row, origin, organization_id)))
    return FeedPage(events, _next_after(read, found, after, limit))


def _next_after(
    read: Sequence[_FeedRead], found: Sequence[_FeedRead], after: FeedPlace, limit: int
) -> int:
    """Return the position of the last event, of all events if the page is the last.

    A reader that filters need not read the others again.
    """
    last = found if len(found) >= limit else read
    return max((row.position for row in last), default=after.position)


def _event(row: _FeedRead, origin: EventOrigin, organization_id: UUID) -> PublicEvent:
    type_ = BY_NAME[row.type]
    data: Any = msgspec.to_builtins(type_.made(origin))
    return PublicEvent(
        id=event_id(
            organization_id,
            row.type,
            position=row.position,
            subject_id=row.subject_id,
            milestone=row.milestone,
        ),
        type=row.type,
        timestamp=row.at,
        recorded_at=row.recorded_at,
        version=type_.version,
        position=row.position,
        organization_id=organization_id,
        project_id=row.project_id,
        subject=Subject(type=type_.subject, id=row.subject_id),
        actor=row.actor,
        data=data,
    )
