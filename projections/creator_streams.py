"""The streams that belong to a creator: its own, its videos' and its scrapes'."""

from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import NotFoundError

# Rows of read models name the streams. Those of a creator that was erased with its
# figures are gone, and are named by the event that says so.
_OWN = """
SELECT topic, state FROM goatherd_events WHERE originator_id = %s
AND (topic = 'creator_added' OR topic = 'subject_erased') ORDER BY originator_version
"""
_STREAMS = """
SELECT id FROM videos WHERE organization_id = %(organization)s
AND creator_id = %(creator)s
UNION SELECT id FROM scrape_runs WHERE organization_id = %(organization)s
AND creator_id = %(creator)s ORDER BY 1
"""


class _Named(msgspec.Struct, frozen=True):
    """What the events of a creator name."""

    organization_id: UUID
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
        NotFoundError: there is no such creator, or it is not the organization's.
    """
    rows = connection.execute(_OWN, (creator_id,)).fetchall()
    named = [msgspec.json.decode(state, type=_Named) for _, state in rows]
    owner = named[0].organization_id if named else None
    if owner is None or organization_id not in {None, owner}:
        raise NotFoundError("creator")
    places = {"organization": owner, "creator": creator_id}
    found = [stream for (stream,) in connection.execute(_STREAMS, places)]
    erased = [one for each in named for one in (*each.video_ids, *each.scrape_ids)]
    return list(dict.fromkeys([creator_id, *found, *erased]))
