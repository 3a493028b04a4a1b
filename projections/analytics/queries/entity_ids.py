"""The ids of an organization's creators, videos, projects or campaigns, in pages."""

from collections.abc import AsyncGenerator
from uuid import UUID

from domain.analytics.metrics import Entity
from projections.engine.reader import Reader

_AT_ONCE = 100
_SUBJECTS = """
FROM analytics_subjects WHERE organization_id = %(organization)s AND kind = %(entity)s
AND deleted_position IS NULL
AND (%(project)s::uuid IS NULL OR project_id = %(project)s OR id = %(project)s)
"""
_VIDEOS = """
FROM analytics_videos WHERE organization_id = %(organization)s AND is_there
AND (%(project)s::uuid IS NULL OR project_id = %(project)s)
"""


async def count_of(
    reader: Reader, organization_id: UUID, entity: Entity, project_id: UUID | None
) -> int:
    """Return how many entities of the kind the organization, or the project, has."""
    rows = await reader.rows(
        organization_id,
        f"SELECT count(*) {_from(entity)}".encode(),
        {"organization": organization_id, "entity": entity, "project": project_id},
    )
    return rows[0][0]


async def ids_of_all(
    reader: Reader, organization_id: UUID, entity: Entity, project_id: UUID | None
) -> AsyncGenerator[list[UUID]]:
    """Yield the ids of all these entities in pages, in order."""
    query = f"SELECT id {_from(entity)} AND id > %(after)s ORDER BY id LIMIT {_AT_ONCE}"
    after = UUID(int=0)
    while True:
        rows = await reader.rows(
            organization_id,
            query.encode(),
            {
                "organization": organization_id,
                "entity": entity,
                "project": project_id,
                "after": after,
            },
        )
        if not rows:
            return
        ids = [row[0] for row in rows]
        yield ids
        after = ids[-1]


def _from(entity: Entity) -> str:
    return _VIDEOS if entity == "video" else _SUBJECTS
