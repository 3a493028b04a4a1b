"""``goatherd orgs | creators list``, with names."""

from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow

from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import fitting, rows_of
from api.cli.kit.names import (
    PROJECTS,
    OnlyOrganizationOption,
    OnlyProjectOption,
    organization_and_project,
)
from api.cli.kit.options import DataDir, Ids, Json, read_settings
from api.cli.kit.output import print_list
from projections.creators.creator import CountName
from projections.creators.posting import LAST_POSTED
from projections.organizations.projection import IS_OPERATOR

# Removed creators are not counted, but listed with their status.
_COUNTS = """
SELECT project_id, count(*) AS creators,
       count(*) FILTER (WHERE status = 'active') AS active_creators
FROM creator_list WHERE status NOT IN ('removed', 'erased') GROUP BY project_id
"""
_ORGANIZATION_LIST = f"""
WITH project AS ({PROJECTS}), counts AS ({_COUNTS})
SELECT o.organization_id AS id, o.name, plan, time_zone, count(p.id) AS projects,
       coalesce(sum(creators), 0)::bigint AS creators,
       coalesce(sum(active_creators), 0)::bigint AS active_creators,
       {IS_OPERATOR} AS is_operator, o.created_at
FROM organizations o LEFT JOIN project p USING (organization_id)
LEFT JOIN counts ON project_id = p.id
GROUP BY o.organization_id ORDER BY o.created_at, o.organization_id
"""
_CREATOR_LIST = f"""
SELECT creator_list.id, organization_id AS org_id, project_id, p.name AS project_name,
       tiktok_handle, coalesce(display_name, scraped_display_name) AS display_name,
       status, follower_count, video_count, rounded_counts, connected_at,
       {LAST_POSTED} AS last_posted_at, creator_list.created_at
FROM creator_list
LEFT JOIN (SELECT organization_id, id AS project_id, name FROM projects) p
    USING (organization_id, project_id)
WHERE (%(org)s::uuid IS NULL OR organization_id = %(org)s)
  AND (%(project)s::uuid IS NULL OR project_id = %(project)s)
ORDER BY org_id, project_id, tiktok_handle, creator_list.id
"""


class OrganizationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An organization; ``creators`` counts the creators who are not removed.

    ``is_operator``: the organization's admin keys operate the installation.
    """

    id: UUID
    name: str
    plan: str
    time_zone: str
    projects: int
    creators: int
    active_creators: int
    is_operator: bool
    created_at: datetime


class CreatorSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A creator, with the last observed figures.

    ``rounded_counts`` names the counts that are rounded, among all counts of the
    creator. ``connected_at`` is null if the creator's own account is not connected, and
    ``last_posted_at`` if no post is known.
    """

    id: UUID
    org_id: UUID
    project_id: UUID
    project_name: str | None
    tiktok_handle: str
    display_name: str | None
    status: str
    follower_count: int | None
    video_count: int | None
    rounded_counts: list[CountName]
    connected_at: datetime | None
    last_posted_at: datetime | None
    created_at: datetime


def list_orgs(
    *, ids: Ids = False, data_dir: DataDir = None, json: Json = False
) -> None:
    """List organizations with their plans, time zones and counts."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        _wait_for(connection, "creator_list")
        query = _ORGANIZATION_LIST.encode()
        found = rows_of(connection, OrganizationSummary, query, {"org": None})
    print_list(
        found,
        "name plan time_zone operator=is_operator projects creators "
        "active=active_creators",
        ids="id" if ids else "",
        json=json,
    )


def list_creators(
    *,
    org: OnlyOrganizationOption = None,
    project: OnlyProjectOption = None,
    ids: Ids = False,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List creators, also removed ones, with last observed figures."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        named = organization_and_project(connection, org, project)
        _wait_for(connection, "creator_list")
        query = _CREATOR_LIST.encode()
        found = rows_of(connection, CreatorSummary, query, named)
    print_list(
        found,
        "handle=tiktok_handle name=display_name project=project_name status followers "
        "videos last_posted=last_posted_at connected",
        ids="id project_id" if ids else "",
        json=json,
        followers=lambda creator: _count(creator, "follower_count"),
        videos=lambda creator: _count(creator, "video_count"),
        connected=lambda creator: creator.connected_at is not None,
    )


def _count(creator: CreatorSummary, name: CountName) -> str | None:
    """Format a count, with a tilde if its source rounds it."""
    count: int | None = getattr(creator, name)
    if count is None:
        return None
    return f"~{count}" if name in creator.rounded_counts else str(count)


def _wait_for(connection: Connection[TupleRow], read_model: str) -> None:
    wait_until_caught_up(connection, read_model, what="this list is")
