"""The basis of an answer of analytics, read in the snapshot of the answer."""

from collections.abc import Sequence
from uuid import UUID

from domain.analytics.metrics import Entity
from domain.analytics.rules import RULES
from projections.analytics.store.positions import POSITION_AND_STATE
from projections.engine.basis import Basis, ErasedSince
from projections.engine.reader import Reader

_ERASED = """
SELECT count(*), max(erased_position) FROM analytics_subjects c
WHERE organization_id = %(organization)s AND erased_position > %(at)s {among}
"""
# The members of a project or campaign at that time take long to find, so any erasure
# may concern it.
_AMONG: dict[Entity, str] = {
    "creator": "AND id = ANY(%(ids)s)",
    "video": """AND id IN (
        SELECT creator_id FROM analytics_videos
        WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
    )""",
    "project": "",
    "campaign": "",
}


async def basis_of_now(reader: Reader, organization_id: UUID) -> Basis:
    rows = await reader.rows(organization_id, POSITION_AND_STATE)
    return Basis(position=rows[0][0], rules=RULES, erased_since=None)


async def basis_as_of(
    reader: Reader,
    organization_id: UUID,
    entity: Entity,
    ids: Sequence[UUID],
    *,
    at: int,
    own: int,
) -> Basis:
    """Return the basis of an answer as of a position.

    ``own`` is the position of the organization's own newest event until ``at``.
    """
    query = _ERASED.format(among=_AMONG[entity])
    rows = await reader.rows(organization_id, query.encode(), ids=[*ids], at=at)
    ((count, until),) = rows
    return Basis(
        position=own,
        rules=RULES,
        erased_since=ErasedSince(count=count, until=until) if count else None,
    )
