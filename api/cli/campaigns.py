"""``goatherd campaigns list``: campaigns with ids, numbers of items, and targets."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from api.cli.kit.caught_up import wait_until_caught_up
from api.cli.kit.databases import fitting
from api.cli.kit.names import (
    OnlyOrganizationOption,
    OnlyProjectOption,
    organization_and_project,
)
from api.cli.kit.options import DataDir, Json, read_settings
from api.cli.kit.output import print_json, print_table
from domain.messages import TargetScope

_CAMPAIGNS = """
SELECT id, organization_id AS org_id, project_id, name, creator_count AS creators,
       video_count AS videos, campaign_count AS campaigns, starts_on, ends_on,
       target_views, target_at, target_scope, created_at
FROM campaigns
WHERE deleted_at IS NULL
  AND (%(org)s::uuid IS NULL OR organization_id = %(org)s)
  AND (%(project)s::uuid IS NULL OR project_id = %(project)s)
ORDER BY org_id, project_id, created_at, id
"""


class CampaignSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign; its counts include only items that are directly in it."""

    id: UUID
    org_id: UUID
    project_id: UUID
    name: str
    creators: int
    videos: int
    campaigns: int
    starts_on: date | None
    ends_on: date | None
    target_views: int | None
    target_at: datetime | None
    target_scope: TargetScope
    created_at: datetime


def list_campaigns(
    *,
    org: OnlyOrganizationOption = None,
    project: OnlyProjectOption = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """List campaigns with their ids, numbers of items, days and targets."""
    with fitting(read_settings(data_dir=data_dir)) as connection:
        named = organization_and_project(connection, org, project)
        wait_until_caught_up(connection, "campaigns", what="this list is")
        found = (
            connection.cursor(row_factory=class_row(CampaignSummary))
            .execute(_CAMPAIGNS, named)
            .fetchall()
        )
    if json:
        print_json(found)
        return
    print_table(
        (
            *("id", "project", "name", "creators", "videos", "campaigns"),
            *("first day", "last day", "target views", "counted"),
        ),
        (
            (
                *(c.id, c.project_id, c.name, c.creators, c.videos, c.campaigns),
                *(c.starts_on, c.ends_on, c.target_views, c.target_scope),
            )
            for c in found
        ),
    )
