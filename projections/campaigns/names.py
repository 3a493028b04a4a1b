"""The names of a project's campaigns, by which people refer to them."""

from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from domain.letter_case import folded

_NAMES = b"""
SELECT id, name FROM campaigns
WHERE organization_id = %s AND project_id = %s AND deleted_at IS NULL
"""


def campaigns_by_name(
    cursor: Cursor[TupleRow], organization_id: UUID, project_id: UUID
) -> dict[str, list[UUID]]:
    """Return the campaigns of a project by their names in one letter case."""
    found: dict[str, list[UUID]] = {}
    for id_, name in cursor.execute(_NAMES, (organization_id, project_id)):
        found.setdefault(folded(name), []).append(id_)
    return found
