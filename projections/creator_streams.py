"""The streams of a creator: its own, its videos' and its scrapes'."""

from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import NotFoundError
from domain.messages import ErasedFigures

# Rows of read models name the streams. They are gone for a creator that was erased with
# its figures. Its single videos are then named by the event of the erasure, and the
# other streams name the creator themselves.
_FORGOTTEN = """
SELECT notification_id, state FROM goatherd_events
WHERE topic = 'earlier_texts_forgotten'
AND position(convert_to(%s, 'UTF8') IN state) > 0
ORDER BY notification_id DESC LIMIT 1
"""
_OWN = """
SELECT topic, state, notification_id FROM goatherd_events WHERE originator_id = %s
AND (topic = 'creator_added' OR topic = 'subject_erased') ORDER BY originator_version
"""
_STREAMS = """
SELECT id FROM videos WHERE organization_id = %(organization)s
AND creator_id = %(creator)s
UNION SELECT id FROM scrape_runs WHERE organization_id = %(organization)s
AND creator_id = %(creator)s ORDER BY 1
"""


_NAMING = """
SELECT DISTINCT originator_id FROM goatherd_events
WHERE topic IN ('video_discovered', 'scrape_requested')
AND position(%s::bytea IN state) > 0 ORDER BY 1
"""


class _Named(msgspec.Struct, frozen=True):
    """The names in the events of an erased creator."""

    organization_id: UUID
    figures: ErasedFigures = "anonymous"
    video_ids: tuple[UUID, ...] = ()
    scrape_ids: tuple[UUID, ...] = ()


def streams_of_creator(
    connection: Connection[TupleRow],
    creator_id: UUID,
    *,
    organization_id: UUID | None = None,
) -> list[UUID]:
    """Return a creator's stream first, then those of its videos and its scrapes.

    Raises:
        NotFoundError: the organization has no creator with this id.
    """
    rows = connection.execute(_OWN, (creator_id,)).fetchall()
    named = [msgspec.json.decode(state, type=_Named) for _, state, _ in rows]
    owner = named[0].organization_id if named else None
    if owner is None or organization_id not in {None, owner}:
        raise NotFoundError("creator")
    places = {"organization": owner, "creator": creator_id}
    found = [stream for (stream,) in connection.execute(_STREAMS, places)]
    erased = [one for each in named for one in (*each.video_ids, *each.scrape_ids)]
    if any(each.figures == "drop" for each in named):
        naming = f'"creator_id":"{creator_id}"'.encode()
        found += [stream for (stream,) in connection.execute(_NAMING, (naming,))]
    return list(dict.fromkeys([creator_id, *found, *erased]))


def erasure_of(
    connection: Connection[TupleRow], creator_id: UUID
) -> tuple[int, UUID] | None:
    """Return the position of a creator's erasure and its organization, if there is one.

    The id may also be of a campaign, project, key or organization whose earlier texts
    were forgotten.

    Raises:
        NotFoundError: there is no creator with this id.
    """
    forgotten = connection.execute(_FORGOTTEN, (f'"of":"{creator_id}"',)).fetchone()
    if forgotten is not None:
        position, state = forgotten
        return position, msgspec.json.decode(state, type=_Named).organization_id
    rows = connection.execute(_OWN, (creator_id,)).fetchall()
    if not rows:
        raise NotFoundError("creator")
    topic, state, position = rows[-1]
    if topic != "subject_erased":
        return None
    return position, msgspec.json.decode(state, type=_Named).organization_id
