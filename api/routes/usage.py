"""The usage of the limits of an organization's plan."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import AsyncConnection, Cursor
from psycopg.rows import TupleRow

from domain.organization.plans import Limits
from domain.streams import creators_counter, manual_scrapes_counter, views_counter
from infra.database import AsyncPool, run_read_async

_COUNTS = """
SELECT
    (SELECT used FROM api_usage
     WHERE organization_id = %(organization)s AND subject_id = %(organization)s
       AND started_at = date_trunc('day', now(), 'UTC')),
    (SELECT value FROM quota_counters WHERE key = %(manual_scrapes)s),
    (SELECT value FROM quota_counters WHERE key = %(creators)s),
    (SELECT value FROM quota_counters WHERE key = %(views)s),
    (SELECT max(amount) FROM (
        SELECT count(*) AS amount FROM campaigns
        WHERE organization_id = %(organization)s AND deleted_at IS NULL
        GROUP BY project_id) AS of_projects),
    (SELECT max(creator_count + video_count + campaign_count) FROM campaigns
     WHERE organization_id = %(organization)s),
    (SELECT count(*) FROM members
     WHERE organization_id = %(organization)s AND removed_at IS NULL)
    + (SELECT count(*) FROM invitations
       WHERE organization_id = %(organization)s AND ended_at IS NULL
       AND expires_at > now())
"""
_NO_COUNTS = (None,) * 7


class LimitUse(Struct, frozen=True, kw_only=True):
    """The usage of one limit; null means unlimited."""

    used: int
    limit: int | None


class Usage(Struct, frozen=True, kw_only=True):
    """The limits of the plan, and the usage of each.

    A day is a UTC day. If the plan does not limit API requests, the requests of the
    last second or two may be missing. Creators are the active ones of all projects, and
    API keys the ones that are not revoked. ``members`` are those with valid
    invitations to others. ``campaigns_per_project`` is the number in
    the project with the most campaigns, and ``items_per_campaign`` the number in the
    campaign with the most items.
    """

    api_requests_today: LimitUse
    manual_scrapes_today: LimitUse
    creators: LimitUse
    projects: LimitUse
    api_keys: LimitUse
    views: LimitUse
    members: LimitUse
    campaigns_per_project: LimitUse
    items_per_campaign: LimitUse


def room_of(used: LimitUse) -> int | None:
    """Return how many more the limit allows; None without a limit."""
    return None if used.limit is None else max(used.limit - used.used, 0)


Counts = Sequence[int | None]


async def read_counts(pool: AsyncPool, organization_id: UUID) -> Counts:
    """Return today's requests and manual scrapes, and the numbers of all else."""

    async def read(connection: AsyncConnection[TupleRow]) -> TupleRow | None:
        cursor = await connection.execute(_COUNTS, _parameters(organization_id))
        return await cursor.fetchone()

    return await run_read_async(pool, read) or _NO_COUNTS


def counts_within(cursor: Cursor[TupleRow], organization_id: UUID) -> Counts:
    """Return the same counts, read in a transaction."""
    row = cursor.execute(_COUNTS, _parameters(organization_id)).fetchone()
    return row or _NO_COUNTS


def usage_of(
    counts: Counts, *, unwritten: int, projects: int, api_keys: int, limits: Limits
) -> Usage:
    requests, manual_scrapes, creators, views, campaigns, items, members = counts
    return Usage(
        api_requests_today=LimitUse(
            used=(requests or 0) + unwritten, limit=limits.max_api_requests_per_day
        ),
        manual_scrapes_today=LimitUse(
            used=manual_scrapes or 0, limit=limits.max_manual_scrape_triggers_per_day
        ),
        creators=LimitUse(used=creators or 0, limit=limits.max_creators_per_org),
        projects=LimitUse(used=projects, limit=limits.max_projects_per_org),
        api_keys=LimitUse(used=api_keys, limit=limits.max_api_keys_per_org),
        # Views from before they were counted may be deleted.
        views=LimitUse(used=max(0, views or 0), limit=limits.max_views_per_org),
        members=LimitUse(used=members or 0, limit=limits.max_members_per_org),
        campaigns_per_project=LimitUse(
            used=campaigns or 0, limit=limits.max_campaigns_per_project
        ),
        items_per_campaign=LimitUse(
            used=items or 0, limit=limits.max_campaign_items_per_campaign
        ),
    )


def _parameters(organization_id: UUID) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    return {
        "organization": organization_id,
        "manual_scrapes": manual_scrapes_counter(organization_id, today),
        "creators": creators_counter(organization_id),
        "views": views_counter(organization_id),
    }
