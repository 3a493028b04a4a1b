"""All stored data of a creator as a person: the opened events of all of its streams."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied
from domain.streams import membership_stream
from domain.summaries import actor_label
from infra import arrays
from infra.database import NO_HURRY
from infra.eventstore.codec import Codec
from infra.eventstore.envelope import ENVELOPES
from infra.eventstore.sealing import ERASED
from infra.eventstore.store import BusyError, RecordedEvent, open_envelopes
from infra.keys.master_key import MasterKey
from infra.keys.sealed_addresses import CREATOR_CONTACTS
from infra.locks import AdvisoryLock
from projections.creator_history.unreadable import without_person
from projections.creator_streams import streams_of_creator
from projections.creators.creator import Creator
from projections.people import ACTOR_NAMES, actor_ids

_TAKE_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
# Read models forget deleted notes, and an erased handle names no claim any more.
# Therefore the log itself is searched for events that name the creator or may be notes
# about them.
_NAMING = """
SELECT originator_id, state FROM goatherd_events
WHERE topic IN ('handle_claimed', 'handle_released', 'account_pinned',
    'erasure_numbered', 'video_discovered', 'scrape_requested', 'annotation_added')
AND position(%(organization)s::bytea IN state) > 0
AND (topic = 'annotation_added' OR position(%(creator)s::bytea IN state) > 0
    OR topic = 'scrape_requested' AND position('"video_id":"'::bytea IN state) > 0)
"""
_EVENTS = f"""
{ENVELOPES} WHERE originator_id = ANY(%b::uuid[])
ORDER BY notification_id
"""
_SAME_ACCOUNT = """
SELECT other.creator_id FROM creator_identity AS this
JOIN creator_identity AS other ON other.user_id = this.user_id
    AND other.organization_id = this.organization_id
    AND other.creator_id <> this.creator_id
WHERE this.creator_id = %s AND this.organization_id = %s ORDER BY 1
"""


class PersonalEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event of the log; ``payload`` has its sealed fields in the clear.

    The personal fields of an erased person are null, empty or `erased`.
    """

    position: int
    stream: UUID
    version: int
    name: str
    recorded_at: datetime
    actor: str
    actor_name: str
    correlation_id: UUID | None
    causation_id: UUID | None
    payload: msgspec.Raw


class KeptFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The number of figures in the events, and of pictures, which are stored elsewhere.

    ``video_figures`` is the number of counts of videos. ``pictures`` is the number of
    pictures that the events name; the server's data directory may have copies of those
    that somebody looked at.
    """

    profile_snapshots: int
    video_snapshots: int
    video_figures: int
    pictures: int


class PersonalData(msgspec.Struct, frozen=True, kw_only=True):
    """All stored data of a person, in the order of recording.

    ``creator`` is the row of the read models, all of which follows from ``events``.
    ``contact_email`` is the contact address, which is in no event.
    ``same_account`` are the organization's other creators with the same TikTok account,
    each with personal data of its own.
    """

    creator: Creator
    contact_email: str | None
    read_at: datetime
    is_erased: bool
    same_account: tuple[UUID, ...]
    figures: KeptFigures
    events: tuple[PersonalEvent, ...]


def personal_data(
    connection: Connection[TupleRow],
    creator: Creator,
    codec: Codec,
    *,
    master_key: MasterKey,
) -> PersonalData:
    """Return all stored data of a creator, made in memory, one at a time.

    Raises:
        BusyError: another search of the log for such data is running.
        UnknownEventError: the log has an event that cannot be read.
        MasterKeyError: another key encrypted the contact address.
    """
    with connection.transaction():
        connection.execute(NO_HURRY)
        row = connection.execute(
            _TAKE_LOCK, (AdvisoryLock.READ_PERSONAL_DATA,)
        ).fetchone()
        if row is None or not row[0]:
            raise BusyError("Personal data is being read just now; try again.")
        found = _events_of(connection, creator, codec)
        others = connection.execute(_SAME_ACCOUNT, (creator.id, creator.org_id))
        same_account = tuple(other for (other,) in others)
        contact = CREATOR_CONTACTS.get(connection.cursor(), master_key, creator.id)
        params = {"organization": creator.org_id, "ids": actor_ids(found)}
        actors: dict[UUID, str] = dict(
            connection.execute(ACTOR_NAMES, params).fetchall()
        )
    is_erased = any(isinstance(each.event, e.SubjectErased) for each in found)
    if is_erased:
        found = [replace(each, event=_emptied(each.event)) for each in found]
    return PersonalData(
        creator=creator,
        contact_email=contact,
        read_at=datetime.now(UTC),
        is_erased=is_erased,
        same_account=same_account,
        figures=_figures([each.event for each in found]),
        events=tuple(_shown(each, codec, actors) for each in found),
    )


class _WhoIsNamed(msgspec.Struct, frozen=True, gc=False):
    """The persons and things that an event names."""

    organization_id: UUID
    creator_id: UUID | None = None
    scope_id: UUID | None = None
    video_id: UUID | None = None


_named: Callable[[bytes], _WhoIsNamed] = msgspec.json.Decoder(_WhoIsNamed).decode


def _events_of(
    connection: Connection[TupleRow], creator: Creator, codec: Codec
) -> list[RecordedEvent]:
    streams = dict.fromkeys(
        streams_of_creator(connection, creator.id, organization_id=creator.org_id)
    )
    names = {
        "organization": f'"organization_id":"{creator.org_id}"'.encode(),
        "creator": f'"creator_id":"{creator.id}"'.encode(),
    }
    rows = connection.cursor(binary=True).execute(_NAMING, names).fetchall()
    naming = [(stream, _named(body)) for stream, body in rows]
    streams |= {
        stream: None for stream, named in naming if named.creator_id == creator.id
    }
    # These are the creator's videos by now, too.
    streams |= {
        stream: None
        for stream, named in naming
        if named.scope_id in streams
        or (named.creator_id is None and named.video_id in streams)
    }
    streams |= {membership_stream(each): None for each in tuple(streams)}
    cursor = connection.cursor(binary=True)
    events = cursor.execute(_EVENTS, (arrays.uuids([*streams]),)).fetchall()
    # Other creators may hold the same handle before and after.
    return [
        each
        for each in open_envelopes(events, codec, connection)
        if getattr(each.event, "creator_id", None) in {None, creator.id}
    ]


def _emptied(event: e.Event) -> e.Event:
    """Return an event of an erased person without personal data."""
    event = without_person(event, handle=ERASED)
    if isinstance(event, e.VideoStatsSnapshotRecorded) and not event.has_pseudonyms:
        return replace(event, video_ids=(ERASED,) * len(event.video_ids))
    return event


def _figures(events: Sequence[e.Event]) -> KeptFigures:
    profiles = [o for o in events if isinstance(o, e.ProfileSnapshotRecorded)]
    videos = [o for o in events if isinstance(o, e.VideoStatsSnapshotRecorded)]
    pictures = [each.avatar_url for each in profiles]
    pictures += [url for each in videos for url in each.thumbnail_urls]
    return KeptFigures(
        profile_snapshots=len(profiles),
        video_snapshots=len(videos),
        video_figures=sum(len(each.video_ids) for each in videos),
        # The rest of an address is signed anew each time.
        pictures=len({urlsplit(url)[1:3] for url in pictures if url}),
    )


def _shown(
    recorded: RecordedEvent, codec: Codec, actors: dict[UUID, str]
) -> PersonalEvent:
    event: Any = recorded.event
    return copied(
        recorded,
        PersonalEvent,
        name=codec.name_of(event),
        recorded_at=recorded.recorded_at.astimezone(UTC),
        actor_name=actor_label(recorded.actor, actors),
        payload=msgspec.Raw(codec.encode(event)),
    )
