"""Table moved_creators, and the projects of videos whose creators moved.

A video's own events have the project that its creator was added to.
"""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import RecordedEvent
from projections.engine.handlers import stored_names

MOVE_EVENTS = stored_names(e.CreatorMoved)
_MOVED = """
INSERT INTO moved_creators AS held (organization_id, id, project_id, position)
SELECT DISTINCT ON (o, c) o, c, p, n
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::bigint[]) AS moved (o, c, p, n)
ORDER BY o, c, n DESC
ON CONFLICT (organization_id, id) DO UPDATE
SET project_id = excluded.project_id, position = excluded.position
WHERE held.position < excluded.position
"""
_FOLLOW = """
UPDATE videos v SET project_id = m.project_id
FROM moved_creators m
WHERE m.organization_id = v.organization_id AND m.id = v.creator_id
AND (m.organization_id, m.id) IN (SELECT * FROM unnest(%b::uuid[], %b::uuid[]))
AND v.project_id <> m.project_id
"""


def follow_creators(cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
    """Store moves, and put the videos of moved creators into their present projects.

    The events must have been folded into the videos before.
    """
    concerned: set[tuple[UUID, UUID]] = set()
    moved: list[tuple[UUID, UUID, UUID, int]] = []
    for recorded in events:
        event = recorded.event
        if isinstance(event, e.CreatorMoved):
            key = event.organization_id, recorded.stream
            moved.append((*key, event.new_project_id, recorded.position))
            concerned.add(key)
        elif isinstance(event, e.VideoDiscovered):
            concerned.add((event.organization_id, event.creator_id))
    if moved:
        columns = [list(column) for column in zip(*moved, strict=True)]
        cursor.execute(_MOVED, columns, prepare=True)
    if concerned:
        some = sorted(concerned)
        cursor.execute(
            _FOLLOW,
            ([one[0] for one in some], [one[1] for one in some]),
            prepare=True,
        )
