"""Queries of organizations: settings as clients read them.

``projections.organizations.projection`` writes the rows.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from infra.structs import structs
from projections.engine.reader import Reader


class OrganizationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An organization's settings; the version counts changes of these and the plan."""

    id: UUID
    name: str
    plan: str
    time_zone: str
    creator_profiles_hours: int | None
    discover_videos_hours: int | None
    video_stats_hours: int | None
    erase_removed_after_days: int | None
    requires_second_factor: bool
    version: int
    created_at: datetime
    updated_at: datetime


class OrganizationRow(OrganizationSettings, frozen=True, kw_only=True):
    """An organization's settings, and the number of its projects and unrevoked keys."""

    projects: int
    api_keys: int


_ONE = b"""
SELECT o.organization_id, o.name, o.plan, o.time_zone, o.creator_profiles_hours,
    o.discover_videos_hours, o.video_stats_hours, o.erase_removed_after_days,
    o.requires_second_factor, o.version, o.created_at, o.updated_at,
    (SELECT count(*) FROM projects WHERE organization_id = %(organization)s),
    (SELECT count(id) FROM api_keys
     WHERE organization_id = %(organization)s AND revoked_at IS NULL)
FROM organizations o WHERE o.organization_id = %(organization)s
"""


async def one_organization(
    reader: Reader, organization_id: UUID
) -> OrganizationRow | None:
    """Return the organization, None if the read model does not have it yet."""
    rows = await reader.rows(organization_id, _ONE, {"organization": organization_id})
    return next(iter(structs(OrganizationRow, rows)), None)
