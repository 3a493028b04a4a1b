"""``goatherd orgs | projects | creators list``: lists with ids and counts."""

from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import fitting
from api.cli.kit.names import (
    PROJECTS,
    OnlyOrganizationOption,
    OnlyProjectOption,
    organization_and_project,
    organization_named,
)
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, print_table
from projections.creators.creator import CountName
from projections.organizations.projection import IS_OPERATOR

# Removed creators are not counted, but listed with their status.
_COUNTS = """
SELECT project_id, count(*) AS creators,
       count(*) FILTER (WHERE status = 'active') AS active_creators
FROM creator_list WHERE status NOT IN ('removed', 'erased') GROUP BY project_id
"""
_PROJECT_LIST = f"""
WITH project AS ({PROJECTS}), counts AS ({_COUNTS})
SELECT id, organization_id AS org_id, name, coalesce(creators, 0) AS creators,
       coalesce(active_creators, 0) AS active_creators, created_at
FROM project LEFT JOIN counts ON project_id = id
ORDER BY org_id, created_at, id
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
_CREATOR_LIST = """
SELECT id, organization_id AS org_id, project_id, tiktok_handle,
       coalesce(display_name, scraped_display_name) AS display_name, status,
       follower_count, video_count, rounded_counts, connected_at, created_at
FROM creator_list
WHERE (%(org)s::uuid IS NULL OR organization_id = %(org)s)
  AND (%(project)s::uuid IS NULL OR project_id = %(project)s)
ORDER BY org_id, project_id, tiktok_handle, id
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


class ProjectSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A project; ``creators`` counts the creators who are not removed."""

    id: UUID
    org_id: UUID
    name: str
    creators: int
    active_creators: int
    created_at: datetime


class CreatorSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A creator, with the last observed figures.

    ``rounded_counts`` names the counts that are rounded, among all counts of the
    creator. ``connected_at`` is null if the creator's own account is not connected.
    """

    id: UUID
    org_id: UUID
    project_id: UUID
    tiktok_handle: str
    display_name: str | None
    status: str
    follower_count: int | None
    video_count: int | None
    rounded_counts: list[CountName]
    connected_at: datetime | None
    created_at: datetime


def list_orgs(*, data_dir: DataDir = None, json: Json = False) -> None:
    """List organizations with their ids and counts."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        _wait_for_creators(connection)
        cursor = connection.cursor(row_factory=class_row(OrganizationSummary))
        found = cursor.execute(_ORGANIZATION_LIST.encode(), {"org": None}).fetchall()
    if json:
        print_json(found)
        return
    print_table(
        (
            *("id", "name", "plan", "time zone", "operator"),
            *("projects", "creators", "active"),
        ),
        (
            (
                *(o.id, o.name, o.plan, o.time_zone, "yes" if o.is_operator else ""),
                *(o.projects, o.creators, o.active_creators),
            )
            for o in found
        ),
    )


def list_projects(
    *, org: OnlyOrganizationOption = None, data_dir: DataDir = None, json: Json = False
) -> None:
    """List projects with their ids and counts of creators."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        org_id = None if org is None else organization_named(connection, org)
        _wait_for_creators(connection)
        cursor = connection.cursor(row_factory=class_row(ProjectSummary))
        found = cursor.execute(_PROJECT_LIST.encode(), {"org": org_id}).fetchall()
    if json:
        print_json(found)
        return
    print_table(
        ("id", "organization", "name", "creators", "active"),
        ((p.id, p.org_id, p.name, p.creators, p.active_creators) for p in found),
    )


def list_creators(
    *,
    org: OnlyOrganizationOption = None,
    project: OnlyProjectOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List creators, also removed ones, with ids and last observed figures."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        named = organization_and_project(connection, org, project)
        _wait_for_creators(connection)
        cursor = connection.cursor(row_factory=class_row(CreatorSummary))
        found = cursor.execute(_CREATOR_LIST, named).fetchall()
    if json:
        print_json(found)
        return
    print_table(
        (
            *("id", "project", "handle", "name", "status"),
            *("followers", "videos", "connected"),
        ),
        (
            (
                *(c.id, c.project_id, c.tiktok_handle, c.display_name, c.status),
                *(_count(c, "follower_count"), _count(c, "video_count")),
                "yes" if c.connected_at else "",
            )
            for c in found
        ),
    )


def _count(creator: CreatorSummary, name: CountName) -> str | None:
    """Format a count, with a tilde if its source rounds it."""
    count: int | None = getattr(creator, name)
    if count is None:
        return None
    return f"~{count}" if name in creator.rounded_counts else str(count)


def _wait_for_creators(connection: Connection[TupleRow]) -> None:
    wait_until_caught_up(connection, "creator_list", what="this list is")
