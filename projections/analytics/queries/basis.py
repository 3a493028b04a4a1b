"""What an answer of analytics stands on: a position of the log, and rules."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from domain.analytics.metrics import Entity
from domain.analytics.rules import RULES
from projections.engine.reader import Reader

# An organization without a row has had no event since the table is there.
_POSITION = b"""
SELECT coalesce(
    (SELECT position FROM analytics_positions
     WHERE organization_id = %(organization)s),
    (SELECT own.position FROM projection, goatherd_own_event(projection.position) own
     WHERE projection.name = 'analytics'),
    0)
"""
_ERASED = """
SELECT count(*), max(erased_position) FROM analytics_subjects c
WHERE organization_id = %(organization)s AND erased_position > %(at)s {among}
"""
# Whom a project or a campaign had at that time takes long to find out: any erasure may
# have removed something of it.
_AMONG: dict[Entity, str] = {
    "creator": "AND id = ANY(%(ids)s)",
    "video": """AND id IN (
        SELECT creator_id FROM analytics_videos
        WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
    )""",
    "project": "",
    "campaign": "",
}


class ErasedSince(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many people were erased since, and the position of the last erasure."""

    count: int
    until: int


class Basis(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an answer stands on.

    ``position`` is that of the organization's newest event in the answer, ``rules`` the
    number of the rules of GET /analytics/schema. The same question as of the same
    position under the same rules has the same numbers for ever, unless
    ``erased_since`` says that people were erased after it, whose figures it may have
    had.
    """

    position: int
    rules: int
    erased_since: ErasedSince | None


async def basis_of_now(reader: Reader, organization_id: UUID) -> Basis:
    """Return what answers of now stand on."""
    params = {"organization": organization_id}
    rows = await reader.rows(organization_id, _POSITION, params)
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
    """Return what an answer as of a position stands on.

    ``own`` is the position of the organization's own newest event until ``at``.
    """
    query = _ERASED.format(among=_AMONG[entity])
    params = {"organization": organization_id, "ids": [*ids], "at": at}
    rows = await reader.rows(organization_id, query.encode(), params)
    ((count, until),) = rows
    return Basis(
        position=own,
        rules=RULES,
        erased_since=ErasedSince(count=count, until=until) if count else None,
    )
