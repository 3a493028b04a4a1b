"""Table erased_videos: the videos of erased creators, and their next pseudonyms.

Observations of a video after the erasure do not reach its rows. For the next creator
with the same video it is another one, under the pseudonym of the next generation.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.streams import Names, erasures_stream, video_stream
from infra import arrays
from infra.database import Pool, run_read
from projections.engine.reader import ProjectionBehindError

PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.02

# A listed video without an event of its own belongs to the creator who listed it.
NOTE_ERASED = """
INSERT INTO erased_videos (organization_id, id, position)
SELECT %(organization)s, id, %(position)s FROM (
    SELECT id FROM videos
    WHERE organization_id = %(organization)s AND creator_id = %(creator)s
    UNION
    SELECT f.id FROM video_figures f
    WHERE f.organization_id = %(organization)s AND f.creator_id = %(creator)s
    AND NOT EXISTS (SELECT FROM videos v
                    WHERE v.organization_id = f.organization_id AND v.id = f.id)
    UNION
    SELECT unnest(%(videos)s::uuid[])
) AS theirs (id)
ON CONFLICT DO NOTHING
"""
_ANY = "SELECT EXISTS (SELECT FROM erased_videos)"
_AMONG = """
SELECT id FROM unnest(%b::uuid[], %b::uuid[]) AS requested (o, v)
JOIN erased_videos ON organization_id = o AND id = v
"""
_LAST = """
SELECT e.notification_id, (SELECT position FROM projection WHERE name = 'videos')
FROM goatherd_events e WHERE e.originator_id = %s
ORDER BY e.originator_version DESC LIMIT 1
"""
_PROJECTS = "SELECT id FROM projects WHERE organization_id = %s"
_ERASED = """
SELECT id FROM erased_videos WHERE organization_id = %s AND id = ANY(%b::uuid[])
"""
_THERE = """
SELECT id FROM videos WHERE organization_id = %(organization)s AND id = ANY(%(ids)b)
UNION
SELECT id FROM video_figures
WHERE organization_id = %(organization)s AND id = ANY(%(ids)b)
"""


def erased_among(
    cursor: Cursor[TupleRow], keys: Sequence[tuple[UUID, UUID]]
) -> set[UUID]:
    """Return the videos with these (organization id, id) whose creator was erased."""
    if not keys:
        return set()
    row = cursor.execute(_ANY, prepare=True).fetchone()
    if row is None or not row[0]:
        return set()
    packed = [arrays.uuids(list(column)) for column in zip(*keys, strict=True)]
    return {id_ for (id_,) in cursor.execute(_AMONG, packed, prepare=True)}


def names_after_erasures(
    pool: Pool,
    names: Names,
    tiktok_video_ids: Callable[[], Iterable[str]],
    *,
    organization_id: UUID,
    project_id: UUID,
) -> Names:
    """Return the names that videos on TikTok have in a project now.

    ``tiktok_video_ids`` is called only if the organization has erased somebody. A
    pseudonym that an erased creator of the organization had is not used again, except
    for a video that another project still has under it.

    Raises:
        ProjectionBehindError: the list of videos has not reached the last erasure.
    """
    if not was_anybody_erased(pool, organization_id):
        return names
    requested = {*tiktok_video_ids()}
    return run_read(
        pool,
        lambda connection: replace(
            names,
            generations=_generations(
                connection.cursor(binary=True),
                names,
                requested,
                organization_id=organization_id,
                project_id=project_id,
            ),
        ),
    )


def was_anybody_erased(pool: Pool, organization_id: UUID) -> bool:
    """Tell whether the organization has erased somebody, once the tables know it.

    Raises:
        ProjectionBehindError: the list of videos has not reached the last erasure.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    numbers = erasures_stream(organization_id)
    while True:
        row = run_read(
            pool,
            lambda connection: connection.execute(
                _LAST, (numbers,), prepare=True
            ).fetchone(),
        )
        if row is None:
            return False
        # The number of an erasure comes before the erasure itself, in one append.
        last, reached = row
        if reached is not None and reached > last:
            return True
        if time.monotonic() > deadline:
            raise ProjectionBehindError("videos")
        time.sleep(_POLL_SECONDS)


def _generations(
    cursor: Cursor[TupleRow],
    names: Names,
    tiktok_video_ids: set[str],
    *,
    organization_id: UUID,
    project_id: UUID,
) -> dict[str, int]:
    projects = {
        row[0] for row in cursor.execute(_PROJECTS, (organization_id,), prepare=True)
    } | {project_id}
    found: dict[str, int] = {}
    generation, pending = 0, tiktok_video_ids
    while pending:
        named = {id_: names.pseudonym_of_generation(id_, generation) for id_ in pending}
        here = {id_: video_stream(project_id, name) for id_, name in named.items()}
        ids = [video_stream(each, name) for name in named.values() for each in projects]
        erased = {
            row[0]
            for row in cursor.execute(
                _ERASED, (organization_id, arrays.uuids(ids)), prepare=True
            )
        }
        if not erased:
            break
        there = {
            row[0]
            for row in cursor.execute(
                _THERE,
                {"organization": organization_id, "ids": list(here.values())},
                prepare=True,
            )
        }
        pending = {
            id_
            for id_, name in named.items()
            if here[id_] in erased
            or (
                here[id_] not in there
                and any(video_stream(each, name) in erased for each in projects)
            )
        }
        generation += 1
        found |= dict.fromkeys(pending, generation)
    return found
