"""The ids of an organization's creators, videos, projects or campaigns, in pages."""

from collections.abc import AsyncGenerator
from uuid import UUID

from domain.analytics.metrics import Entity
from projections.analytics.read.members import VIDEOS_OF_PROJECT
from projections.engine.reader import Reader

_AT_ONCE = 100
_SUBJECTS = """
FROM analytics_subjects e WHERE organization_id = %(organization)s AND kind = %(entity)s
AND deleted_position IS NULL
AND (%(project)s::uuid IS NULL OR project_id = %(project)s OR id = %(project)s)
"""
_VIDEOS = f"""
FROM analytics_videos v WHERE organization_id = %(organization)s
AND is_there AND label IS NOT NULL
AND (%(project)s::uuid IS NULL OR {VIDEOS_OF_PROJECT.format(project="%(project)s")})
"""
# Tags are stored in the lists of creators and of videos.
_TAGGED = """
AND EXISTS (
    SELECT FROM {table} t WHERE t.organization_id = %(organization)s
    AND t.id = {name}.id AND t.tag_keys @> %(tags)s::text[]
)
"""


async def count_of(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    project_id: UUID | None,
    *,
    tags: tuple[str, ...] = (),
) -> int:
    """Return the number of entities of a kind in the organization or the project.

    With ``tags`` only creators or videos that have all of these tag keys count.
    """
    rows = await reader.rows(
        organization_id,
        f"SELECT count(*) {_from(entity, tags)}".encode(),
        entity=entity,
        project=project_id,
        tags=[*tags],
    )
    return rows[0][0]


async def ids_of_all(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    project_id: UUID | None,
    *,
    tags: tuple[str, ...] = (),
) -> AsyncGenerator[list[UUID]]:
    """Yield the ids of all these entities in pages, in order."""
    found = _from(entity, tags)
    query = f"SELECT id {found} AND id > %(after)s ORDER BY id LIMIT {_AT_ONCE}"
    after = UUID(int=0)
    while True:
        rows = await reader.rows(
            organization_id,
            query.encode(),
            entity=entity,
            project=project_id,
            tags=[*tags],
            after=after,
        )
        if not rows:
            return
        ids = [row[0] for row in rows]
        yield ids
        after = ids[-1]


def _from(entity: Entity, tags: tuple[str, ...]) -> str:
    source = _VIDEOS if entity == "video" else _SUBJECTS
    if not tags:
        return source
    table = "videos" if entity == "video" else "creator_list"
    name = "v" if entity == "video" else "e"
    return source + _TAGGED.format(table=table, name=name)
