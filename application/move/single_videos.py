"""Single videos that are a creator's, from the read models and the end of the log."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from application.move.single_observations import observations_of_singles, were_observed
from domain.streams import video_stream
from domain.video.handlers.merge import SingleObservation, SingleVideo
from infra.eventstore.recorder import AppendConflictError

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


class FoundSingles(msgspec.Struct, frozen=True, kw_only=True):
    """Single videos that may be a creator's, as known at a position of the log.

    ``project_id`` is the project that tracks the single videos.
    """

    project_id: UUID
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
    with_observations: bool,
) -> FoundSingles:
    """Return the single videos of a project that may be a creator's.

    ``origin_id`` is the project with which the ids of the creator's videos are
    computed. Without observations, earlier numbers of the single videos do not count
    any more.
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
    pairs = {single: into for single, into in pairs.items() if single != into}
    notes = notes_on(cursor, organization_id, pairs)
    observations = observations_of_singles(
        cursor,
        pairs if with_observations else (),
        organization_id=organization_id,
        project_id=project_id,
    )
    singles = _singles(pairs, notes, observations)
    return FoundSingles(project_id=project_id, singles=singles, position=head)


def check_unobserved(
    cursor: Cursor[TupleRow], found: FoundSingles, *, before: int
) -> None:
    """Check that no run has observed these single videos since they were found.

    Raises:
        AppendConflictError: a run has, so its numbers would be lost.
    """
    video_ids = {each.video_id for each in found.singles}
    if video_ids and were_observed(
        cursor, video_ids, found.project_id, since=found.position, before=before
    ):
        raise AppendConflictError


def late_videos(
    cursor: Cursor[TupleRow],
    creator_id: UUID,
    project_id: UUID,
    *,
    since: int,
    before: int,
) -> list[str]:
    """Return the ids of videos that came to a project or creator between positions."""
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
    if not video_ids:
        return {}
    params = {"organization": organization_id, "videos": list(video_ids)}
    found: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for video_id, annotation_id in cursor.execute(_NOTES.encode(), params):
        found[video_id].append(annotation_id)
    return found


def singles_of_names(
    cursor: Cursor[TupleRow],
    pseudonyms: Collection[str],
    *,
    organization_id: UUID,
    origin_id: UUID,
    project_id: UUID,
    since: datetime | None,
) -> FoundSingles:
    """Return the single videos with these pseudonyms in the creator's project.

    The ids of the creator's videos are computed with the project ``origin_id``.
    Observations up to ``since`` are left out, because they would count in another
    project.
    """
    head, _ = _first(cursor, _POSITIONS, {})
    pairs = {
        video_stream(project_id, name): video_stream(origin_id, name)
        for name in pseudonyms
    }
    notes = notes_on(cursor, organization_id, pairs)
    observations = observations_of_singles(
        cursor,
        pairs,
        organization_id=organization_id,
        project_id=project_id,
        since=since,
    )
    singles = _singles(pairs, notes, observations)
    return FoundSingles(project_id=project_id, singles=singles, position=head)


def videos_of_who_moved(
    cursor: Cursor[TupleRow],
    *,
    organization_id: UUID,
    project_id: UUID,
    tiktok_video_id: str,
    pseudonym: str,
) -> list[UUID]:
    """Return videos of creators that moved into a project, which may be this video."""
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
    """Return the single videos of other projects that may be the creator's."""
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


def _singles(
    pairs: Mapping[UUID, UUID],
    notes: Mapping[UUID, Sequence[UUID]],
    observations: Mapping[UUID, Sequence[SingleObservation]],
) -> list[SingleVideo]:
    return [
        SingleVideo(single, into, notes.get(single, ()), observations.get(single, ()))
        for single, into in sorted(pairs.items())
    ]


def _first(
    cursor: Cursor[TupleRow], query: str, params: Mapping[str, object]
) -> TupleRow:
    row = cursor.execute(query.encode(), params).fetchone()
    assert row is not None
    return row
