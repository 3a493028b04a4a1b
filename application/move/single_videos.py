"""Single videos that are a creator's: found in the read models and in the log's end."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.streams import video_stream
from domain.video.handlers.merge import SingleVideo

_POSITIONS = """
SELECT (SELECT coalesce(max(notification_id), 0) FROM goatherd_events),
       coalesce((SELECT position FROM projection WHERE name = 'videos'), 0)
"""
_SAME = """
FROM videos s JOIN videos v ON v.organization_id = s.organization_id
    AND v.tiktok_video_id = s.tiktok_video_id AND v.creator_id = %(creator)s
WHERE s.organization_id = %(organization)s AND s.creator_id IS NULL
AND s.merged_into IS NULL
"""
_IN_PROJECT = f"SELECT s.id, v.id {_SAME} AND s.project_id = %(project)s"
_ELSEWHERE = f"""
SELECT s.project_id, s.id, v.id, v.tiktok_video_id {_SAME}
AND s.project_id <> v.project_id ORDER BY s.project_id, s.id
"""
# Videos that the table of videos may not have yet. Pseudonyms are in the clear.
_LATE = """
WITH late AS MATERIALIZED (
    SELECT state FROM goatherd_events
    WHERE notification_id > %(since)s AND notification_id < %(before)s
    AND (topic = 'video_added' AND position(%(project_text)s::bytea IN state) > 0
      OR topic = 'video_discovered' AND position(%(creator_text)s::bytea IN state) > 0)
)
SELECT DISTINCT convert_from(state, 'UTF8')::jsonb ->> 'pseudonym' FROM late
"""
_NOTES = """
SELECT scope_id, id FROM annotations
WHERE organization_id = %(organization)s AND kind = 'note' AND scope = 'video'
AND scope_id = ANY(%(videos)s) ORDER BY id
"""
_OF_WHO_MOVED = """
SELECT v.id FROM moved_creators m JOIN videos v
    ON v.organization_id = m.organization_id AND v.creator_id = m.id
WHERE m.organization_id = %(organization)s AND m.project_id = %(project)s
AND v.tiktok_video_id = %(tiktok_video_id)s
"""
_FOUND_LATE = """
SELECT originator_id FROM goatherd_events
WHERE notification_id > (SELECT position FROM projection WHERE name = 'videos')
AND topic = 'video_discovered' AND position(%(pseudonym)s::bytea IN state) > 0
"""
_MOVED = "SELECT project_id FROM moved_creators WHERE organization_id = %s AND id = %s"


class FoundSingles(msgspec.Struct, frozen=True, kw_only=True):
    """Single videos that may be a creator's, as known at a position of the log."""

    singles: Sequence[SingleVideo]
    position: int


class PossibleMerge(msgspec.Struct, frozen=True, kw_only=True):
    """A single video of a project that a move there would merge into the creator's."""

    project_id: UUID
    video_id: UUID
    into_video_id: UUID
    tiktok_video_id: str


def singles_of(
    cursor: Cursor[TupleRow],
    *,
    organization_id: UUID,
    creator_id: UUID,
    origin_id: UUID,
    project_id: UUID,
) -> FoundSingles:
    """Return the single videos of a project that may be a creator's.

    ``origin_id`` is the project that the ids of the creator's videos follow from.
    """
    head, known = _first(cursor, _POSITIONS, {})
    params = {
        "organization": organization_id,
        "creator": creator_id,
        "project": project_id,
    }
    pairs = dict(cursor.execute(_IN_PROJECT.encode(), params).fetchall())
    for name in late_videos(
        cursor, creator_id, project_id, since=known, before=head + 1
    ):
        pairs[video_stream(project_id, name)] = video_stream(origin_id, name)
    notes = notes_on(cursor, organization_id, pairs)
    singles = [
        SingleVideo(video_id, into, notes.get(video_id, ()))
        for video_id, into in sorted(pairs.items())
        if video_id != into
    ]
    return FoundSingles(singles=singles, position=head)


def late_videos(
    cursor: Cursor[TupleRow],
    creator_id: UUID,
    project_id: UUID,
    *,
    since: int,
    before: int,
) -> list[str]:
    """Return what videos go by that came to a project or creator between positions."""
    params = {
        "since": since,
        "before": before,
        "project_text": str(project_id).encode(),
        "creator_text": str(creator_id).encode(),
    }
    rows = cursor.execute(_LATE.encode(), params).fetchall()
    return [name for (name,) in rows if name is not None]


def notes_on(
    cursor: Cursor[TupleRow], organization_id: UUID, video_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[UUID]]:
    """Return the notes on videos, by video."""
    if not video_ids:
        return {}
    params = {"organization": organization_id, "videos": list(video_ids)}
    found: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for video_id, annotation_id in cursor.execute(_NOTES.encode(), params):
        found[video_id].append(annotation_id)
    return found


def notes_where_it_moved(
    cursor: Cursor[TupleRow],
    organization_id: UUID,
    creator_id: UUID,
    pseudonyms: Collection[str],
) -> Mapping[UUID, Sequence[UUID]]:
    """Return the notes on single videos of these in the project a creator moved to."""
    row = cursor.execute(_MOVED, (organization_id, creator_id)).fetchone()
    if row is None:
        return {}
    singles = [video_stream(row[0], name) for name in pseudonyms]
    return notes_on(cursor, organization_id, singles)


def videos_of_who_moved(
    cursor: Cursor[TupleRow],
    *,
    organization_id: UUID,
    project_id: UUID,
    tiktok_video_id: str,
    pseudonym: str,
) -> list[UUID]:
    """Return videos that may be this one, of creators that moved into a project."""
    params: dict[str, Any] = {
        "organization": organization_id,
        "project": project_id,
        "tiktok_video_id": tiktok_video_id,
        "pseudonym": f'"{pseudonym}"'.encode(),
    }
    return [
        row[0]
        for query in (_OF_WHO_MOVED, _FOUND_LATE)
        for row in cursor.execute(query.encode(), params)
    ]


def possible_merges(
    cursor: Cursor[TupleRow], organization_id: UUID, creator_id: UUID
) -> list[PossibleMerge]:
    """Return the single videos of other projects that are the creator's."""
    params = {"organization": organization_id, "creator": creator_id}
    rows = cursor.execute(_ELSEWHERE.encode(), params).fetchall()
    return [
        PossibleMerge(
            project_id=row[0],
            video_id=row[1],
            into_video_id=row[2],
            tiktok_video_id=row[3],
        )
        for row in rows
    ]


def _first(
    cursor: Cursor[TupleRow], query: str, params: Mapping[str, object]
) -> TupleRow:
    row = cursor.execute(query.encode(), params).fetchone()
    assert row is not None
    return row
