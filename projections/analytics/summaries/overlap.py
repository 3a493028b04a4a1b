"""The overlap of campaigns: the creators and counted videos that they share."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.analytics.summaries.overlap import Overlap, overlaps
from projections.analytics.summaries.scope import SummaryScope
from projections.engine.reader import Reader

_KNOWN = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND id = ANY(%(campaigns)s)
AND kind = 'campaign' AND deleted_position IS NULL
"""
_NEWEST = b"""
SELECT id FROM analytics_subjects
WHERE organization_id = %(organization)s AND project_id = %(project)s
AND kind = 'campaign' AND deleted_position IS NULL
ORDER BY id DESC LIMIT %(most)s
"""
# The number of items in exactly these of the campaigns: at most 2^10 rows.
_AMOUNTS = """
SELECT campaigns, count(*) FROM (
    SELECT array_agg(DISTINCT campaign_id) AS campaigns FROM ({members}) AS members
    GROUP BY id
) AS by_member GROUP BY campaigns
"""
_MEMBERS = """
FROM analytics_campaign_members m {joined}
WHERE m.organization_id = %(organization)s AND m.campaign_id = ANY(%(campaigns)s)
"""
_JOINED = "JOIN analytics_videos v ON v.organization_id = m.organization_id"


async def known_campaigns(
    reader: Reader, organization_id: UUID, campaigns: Sequence[UUID]
) -> set[UUID]:
    """Return the campaigns among these that the organization has."""
    return {
        row[0]
        for row in await reader.rows(organization_id, _KNOWN, campaigns=list(campaigns))
    }


async def newest_campaigns(
    reader: Reader, organization_id: UUID, project_id: UUID, *, at_most: int
) -> list[UUID]:
    """Return the campaigns of a project, newest first."""
    return [
        row[0]
        for row in await reader.rows(
            organization_id, _NEWEST, project=project_id, most=at_most
        )
    ]


async def shared_creators(
    reader: Reader, organization_id: UUID, campaigns: Sequence[UUID]
) -> Mapping[tuple[UUID, UUID], Overlap]:
    """Return the overlap in creators of each two campaigns."""
    members = _MEMBERS.format(joined="")
    query = f"SELECT campaign_id, member_id AS id {members} AND is_creator"
    params = {"organization": organization_id}
    return await _overlaps(reader, organization_id, campaigns, query, params)


async def shared_videos(
    reader: Reader, scope: SummaryScope, campaigns: Sequence[UUID]
) -> Mapping[tuple[UUID, UUID], Overlap]:
    """Return the overlap in counted videos of each two campaigns.

    ``scope`` is of any campaign: only its days of posting are used.
    """
    members = _MEMBERS.format(joined=f"{_JOINED} AND {scope.posted}")
    of_creators = f"{members} AND m.is_creator AND v.creator_id = m.member_id"
    single = f"{members} AND NOT m.is_creator AND v.id = m.member_id"
    query = f"""
    SELECT campaign_id, v.id {of_creators} UNION ALL SELECT campaign_id, v.id {single}
    """
    return await _overlaps(
        reader, scope.organization_id, campaigns, query, scope.params
    )


async def _overlaps(
    reader: Reader,
    organization_id: UUID,
    campaigns: Sequence[UUID],
    members: str,
    params: Mapping[str, object],
) -> Mapping[tuple[UUID, UUID], Overlap]:
    rows = await reader.rows(
        organization_id,
        _AMOUNTS.format(members=members).encode(),
        params,
        campaigns=list(campaigns),
    )
    return overlaps(campaigns, [(row[0], row[1]) for row in rows])
