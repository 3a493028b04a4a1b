"""scrape_runs as clients read it: one run, and a creator's runs, newest first."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from domain.events import JobType, Outcome, Precision, Trigger
from projections.reading import Reader


class Scrape(msgspec.Struct, frozen=True, kw_only=True):
    """One run, from its request to what it saw.

    ``outcome`` is the last attempt's verdict, also while the next attempt waits;
    ``error`` says it for people. What it saw is null until it succeeded: how many
    videos, and how many of those asked for by name were found gone; ``precision`` is
    null where no profile was seen or the source does not say whether it rounds.
    Durations are in milliseconds. An imported run was ``observed_at`` in the past.
    """

    id: UUID
    creator_id: UUID | None
    project_id: UUID
    tiktok_handle: str
    job_type: JobType
    trigger: Trigger
    status: Literal["queued", "running", "succeeded", "failed"]
    attempts: int
    outcome: Outcome | None
    error: str | None
    provider: str | None
    observed_at: datetime | None
    profile_seen: bool | None
    precision: Precision | None
    videos_seen: int | None
    videos_missing: int | None
    pages: int | None
    payload_sha256: str | None
    duration_ms: int | None
    requested_at: datetime
    started_at: datetime | None
    next_attempt_at: datetime | None
    finished_at: datetime | None


# An ended run stands in its own row; how one that waits or runs is doing, in its job's.
_SELECT = """
SELECT r.id, r.creator_id, r.project_id, r.tiktok_handle, r.job_type, r.trigger,
       CASE WHEN r.finished_at IS NULL AND j.state = 'leased'
                 AND j.lease_until >= now() THEN 'running'
            ELSE r.status END,
       CASE WHEN r.finished_at IS NULL THEN coalesce(j.attempts, 0)
            ELSE r.attempts END,
       CASE WHEN r.finished_at IS NULL THEN j.outcome ELSE r.outcome END,
       CASE WHEN r.finished_at IS NULL THEN j.error ELSE r.error END,
       r.provider, r.observed_at, r.profile_seen, r.precision, r.videos_seen,
       r.videos_missing, r.pages, r.payload_sha256, r.duration_ms, r.requested_at,
       j.started_at,
       CASE WHEN r.finished_at IS NULL AND j.state = 'ready' THEN j.due_at END,
       r.finished_at
FROM scrape_runs r LEFT JOIN scrape_job j ON j.scrape_id = r.id
    AND j.organization_id = r.organization_id
WHERE r.organization_id = %(organization)s
"""
_ONE = f"{_SELECT} AND r.id = %(id)s".encode()
_PAGE = f"""
{_SELECT} AND r.creator_id = %(creator)s
AND (%(requested_at)s::timestamptz IS NULL
     OR (r.requested_at, r.id) < (%(requested_at)s, %(last_id)s))
ORDER BY r.requested_at DESC, r.id DESC LIMIT %(limit)s
""".encode()


async def one_scrape(
    reader: Reader, organization_id: UUID, scrape_id: UUID
) -> Scrape | None:
    """Return one run of an organization, None if it has no such."""
    asked = {"organization": organization_id, "id": scrape_id}
    rows = await reader.rows(organization_id, _ONE, asked)
    return _scrape(rows[0]) if rows else None


async def page_of_scrapes(
    reader: Reader,
    organization_id: UUID,
    creator_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Scrape]:
    """Return up to ``limit`` runs of a creator, newest first, after that one."""
    requested_at, last_id = after or (None, None)
    rows = await reader.rows(
        organization_id,
        _PAGE,
        {
            "organization": organization_id,
            "creator": creator_id,
            "requested_at": requested_at,
            "last_id": last_id,
            "limit": limit,
        },
    )
    return [_scrape(row) for row in rows]


_FIELDS = Scrape.__struct_fields__


def _scrape(row: TupleRow) -> Scrape:
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    return Scrape(**values)
