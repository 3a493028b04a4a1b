"""The values that an erasure erases: the personal values of events, by their kinds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast
from uuid import UUID

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from domain.creator.handlers.erase import CreatorRecords
from domain.messages import Event
from domain.subjects import personal_fields
from infra import arrays
from infra.eventstore.codec import Codec
from infra.eventstore.envelope import ENVELOPES
from infra.eventstore.sealing import SUBJECT
from infra.eventstore.store import open_envelopes
from infra.keys.subject_text import subject_text
from projections.creator_streams import streams_of_creator

# The personal fields of events, and the kinds of their values.
KINDS: Mapping[str, str] = {
    "handle": "handle",
    "old": "handle",
    "new": "handle",
    "user_id": "user id",
    "sec_uid": "sec_uid",
    "open_id": "open_id",
    "tiktok_video_id": "video id",
    "tiktok_video_ids": "video id",
    "avatar_url": "picture",
    "thumbnail_urls": "picture",
    "display_name": "name",
    "title": "title",
    "titles": "title",
    "description": "description",
    "readme": "readme",
    "metadata": "text of metadata",
    "text": "note",
}
# Tags, sounds and hashtags are words that others have as well. The texts of a run are
# Goatherd's own sentences, which name a person by a handle. A reason belongs to a ban,
# which stays.
NO_KINDS = frozenset(
    {"tags", "attributes", "error", "listed_reason", "tried_details", "reason"}
    # Kinds of a tenant's own things, whose streams are not searched.
    | {"name", "texts", "query", "columns", "client", "comment"}
    # Webhooks and shared links have these.
    | {"url", "filters", "origins"}
    # Addresses of colleagues and recipients, whose streams are not searched either.
    | {"email", "recipients", "address"}
    # The address of a channel in short.
    | {"shown"}
)

_AT_ONCE = 500
# Most snapshots of videos name nobody, because they do not repeat known texts.
_OF_STREAMS = f"""
{ENVELOPES} WHERE originator_id = ANY(%b::uuid[])
AND (topic <> 'video_stats_snapshot_recorded'
     OR starts_with(encode(substring(state FROM 1 FOR 11), 'escape'), '{{"sealed":"'))
"""
# Events of these subjects from after the read of the read models.
_SINCE = f"""
{ENVELOPES} WHERE notification_id > %s
AND substring(state FROM %s FOR %s) = ANY(%s::bytea[])
"""


class ErasedValue(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A value that must not be stored anywhere any more, and its kind."""

    kind: str
    text: str


def values_of(events: Iterable[Event]) -> set[ErasedValue]:
    return {
        ErasedValue(KINDS[name], text)
        for event in events
        for name in personal_fields(type(event))
        if name in KINDS
        for text in texts_of(getattr(event, name))
    }


def streams_that_belong(
    connection: Connection[TupleRow], records: Sequence[CreatorRecords]
) -> set[UUID]:
    """Return the streams of creators and of their data."""
    streams: set[UUID] = set()
    for each in records:
        streams |= {
            *streams_of_creator(connection, each.creator_id),
            *each.video_ids,
            *each.scrape_ids,
            *each.open_scrape_ids,
            *each.annotation_ids,
        }
    return streams


def values_that_belong(
    connection: Connection[TupleRow], codec: Codec, records: Sequence[CreatorRecords]
) -> set[ErasedValue]:
    """Return the personal values of creators and their data, past and present."""
    streams = streams_that_belong(connection, records)
    rows = connection.cursor(binary=True).execute(
        _OF_STREAMS, (arrays.uuids([*streams]),)
    )
    return _values_in(rows, codec, connection)


def values_since(
    connection: Connection[TupleRow],
    codec: Codec,
    subjects: Iterable[UUID],
    *,
    position: int,
) -> set[ErasedValue]:
    """Return the personal values of events of subjects after a position."""
    texts = [subject_text(subject) for subject in subjects]
    length = SUBJECT.stop - SUBJECT.start
    rows = connection.cursor(binary=True).execute(
        _SINCE, (position, SUBJECT.start + 1, length, texts)
    )
    return _values_in(rows, codec, connection)


def _values_in(
    rows: Cursor[TupleRow], codec: Codec, connection: Connection[TupleRow]
) -> set[ErasedValue]:
    found: set[ErasedValue] = set()
    while part := rows.fetchmany(_AT_ONCE):
        opened = open_envelopes(part, codec, connection)
        found |= values_of(each.event for each in opened)
    return found


def texts_of(value: object) -> Iterator[str]:
    """Yield the texts in a JSON value that are not blank."""
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, Mapping):
        for each in cast("Mapping[str, object]", value).values():
            yield from texts_of(each)
    elif isinstance(value, Sequence):
        for each in cast("Sequence[object]", value):
            yield from texts_of(each)
