"""Queries of scrape_runs: one run, a creator's runs, and an organization's."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.events import Completeness, JobType, Outcome, Precision, Trigger
from infra.structs import structs
from projections.engine.reader import Reader, newest_first
from projections.scrape_runs.projection import TriedProvider

ListedStatus = Literal["queued", "running", "succeeded", "failed", "quarantined"]


class Scrape(msgspec.Struct, frozen=True, kw_only=True):
    """One run, from its request to its result.

    ``outcome`` is the verdict of the last attempt, also while the next attempt waits,
    and ``error`` explains it. ``not_in_recording`` means that a recording has nothing
    of the creator, and that TikTok was not asked. The fields of the result are null
    until the run succeeds: ``videos_observed`` counts videos, and ``videos_missing``
    counts requested videos that are gone. ``precision`` is null without a profile, or
    if the source does not say whether it rounds. Durations are in milliseconds. An
    imported run has the ``observed_at`` of its recording. ``listed`` says whether the
    list of videos is complete, null if the run lists none or the source does not say
    it, and ``listed_reason`` says why it is not. ``tried`` are the sources that the
    last attempt asked in addition to ``provider``. ``quarantined`` says that a failed
    run was given up because its attempts died.
    """

    id: UUID
    creator_id: UUID | None
    project_id: UUID
    tiktok_handle: str
    job_type: JobType
    trigger: Trigger
    status: Literal["queued", "running", "succeeded", "failed"]
    quarantined: bool
    attempts: int
    outcome: Outcome | None
    error: str | None
    provider: str | None
    observed_at: datetime | None
    profile_observed: bool | None
    precision: Precision | None
    videos_observed: int | None
    videos_missing: int | None
    listed: Completeness | None
    listed_reason: str | None
    tried: list[TriedProvider]
    pages: int | None
    payload_sha256: str | None
    duration_ms: int | None
    requested_at: datetime
    started_at: datetime | None
    next_attempt_at: datetime | None
    finished_at: datetime | None


# The row of a run has its end; the row of its job has its state until then.
_IS_RUNNING = """
(r.finished_at IS NULL
 AND coalesce(j.state = 'leased' AND j.lease_until >= now(), false))
"""
_IS_QUARANTINED = """
(r.status = 'failed' AND coalesce(j.state = 'quarantined', false))
"""
_JOBS = """
scrape_runs r LEFT JOIN scrape_job j ON j.scrape_id = r.id
    AND j.organization_id = r.organization_id
"""
_SELECT = f"""
SELECT r.id, r.creator_id, coalesce(
           (SELECT c.project_id FROM creator_list c
            WHERE c.organization_id = r.organization_id AND c.id = r.creator_id),
           r.project_id), r.tiktok_handle, r.job_type, r.trigger,
       CASE WHEN {_IS_RUNNING} THEN 'running' ELSE r.status END, {_IS_QUARANTINED},
       CASE WHEN r.finished_at IS NULL THEN coalesce(j.attempts, 0)
            ELSE r.attempts END,
       CASE WHEN r.finished_at IS NULL THEN j.outcome ELSE r.outcome END,
       CASE WHEN r.finished_at IS NULL THEN j.error ELSE r.error END,
       CASE WHEN r.finished_at IS NULL THEN j.provider ELSE r.provider END,
       r.observed_at, r.profile_observed, r.precision, r.videos_observed,
       r.videos_missing, r.listed, r.listed_reason,
       coalesce(CASE WHEN r.finished_at IS NULL THEN j.tried ELSE r.tried END, '[]'),
       r.pages, r.payload_sha256, r.duration_ms, r.requested_at, j.started_at,
       CASE WHEN r.finished_at IS NULL AND j.state = 'ready' THEN j.due_at END,
       r.finished_at
FROM {_JOBS}
WHERE r.organization_id = %(organization)s
"""
_ONE = f"{_SELECT} AND r.id = %(id)s".encode()
_AFTER = newest_first("r.requested_at", "r.id")
_PAGE = f"{_SELECT} AND r.creator_id = %(creator)s {_AFTER}".encode()
# The conditions on the row of the run and on its job.
_STATUSES: Mapping[ListedStatus, str] = {
    "queued": f"r.status = 'queued' AND NOT {_IS_RUNNING}",
    "running": f"r.status = 'queued' AND {_IS_RUNNING}",
    "succeeded": "r.status = 'succeeded'",
    "failed": "r.status = 'failed'",
    "quarantined": f"r.status = 'failed' AND {_IS_QUARANTINED}",
}
_COUNTS = f"""
SELECT open.queued, open.running, open.retrying, open.oldest,
       ended.failed, ended.quarantined
FROM (
    SELECT count(*) FILTER (WHERE NOT {_IS_RUNNING}) AS queued,
           count(*) FILTER (WHERE {_IS_RUNNING}) AS running,
           count(*) FILTER (WHERE NOT {_IS_RUNNING} AND j.attempts > 0) AS retrying,
           extract(epoch FROM now() - min(j.due_at)
               FILTER (WHERE j.due_at <= now() AND NOT {_IS_RUNNING}))::float8 AS oldest
    FROM {_JOBS}
    WHERE r.organization_id = %(organization)s AND r.status = 'queued'
      AND r.trigger <> 'imported'
) AS open CROSS JOIN (
    SELECT count(*) AS failed,
           count(*) FILTER (WHERE {_IS_QUARANTINED}) AS quarantined
    FROM {_JOBS}
    WHERE r.organization_id = %(organization)s AND r.status = 'failed'
      AND r.trigger <> 'imported' AND r.requested_at > now() - interval '1 day'
      AND r.outcome IS DISTINCT FROM 'not_in_recording'
) AS ended
""".encode()


class ScrapeCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The number of runs that wait, are running, or failed in the last day.

    ``retrying`` are the queued runs with an earlier attempt. ``oldest_due_seconds`` is
    the time since the oldest queued run was due, null without one. ``failed_last_day``
    and, among them, ``quarantined_last_day`` count runs that were requested in the last
    24 hours, without those that ended as ``not_in_recording``.
    """

    queued: int
    running: int
    retrying: int
    oldest_due_seconds: float | None
    failed_last_day: int
    quarantined_last_day: int


async def one_scrape(
    reader: Reader, organization_id: UUID, scrape_id: UUID
) -> Scrape | None:
    """Return one run of an organization, None if it has no run with this id."""
    params = {"organization": organization_id, "id": scrape_id}
    rows = await reader.rows(organization_id, _ONE, params)
    return next(iter(_scrapes(rows)), None)


async def page_of_scrapes(
    reader: Reader,
    organization_id: UUID,
    creator_id: UUID,
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Scrape]:
    """Return up to ``limit`` runs of a creator after the given one, newest first."""
    rows = await reader.page(
        organization_id, _PAGE, limit=limit, after=after, creator=creator_id
    )
    return _scrapes(rows)


async def page_of_runs(
    reader: Reader,
    organization_id: UUID,
    statuses: Sequence[ListedStatus],
    *,
    limit: int,
    after: tuple[datetime, UUID] | None,
) -> list[Scrape]:
    """Return up to ``limit`` runs of an organization with one of the statuses.

    They come newest first, after the given one, without imported runs.
    """
    query = _list(tuple(statuses))
    rows = await reader.page(organization_id, query, limit=limit, after=after)
    return _scrapes(rows)


async def count_runs(reader: Reader, organization_id: UUID) -> ScrapeCounts:
    """Count an organization's runs by their state."""
    params = {"organization": organization_id}
    (counts,) = structs(
        ScrapeCounts, await reader.rows(organization_id, _COUNTS, params)
    )
    return counts


def _scrapes(rows: Iterable[Iterable[object]]) -> list[Scrape]:
    return [
        # Nearly all runs asked one source.
        replace(run, tried=msgspec.convert(run.tried, list[TriedProvider]))
        if run.tried
        else run
        for run in structs(Scrape, rows)
    ]


@cache
def _list(statuses: tuple[ListedStatus, ...]) -> bytes:
    # Each status has its own part of the index; the list merges their first rows.
    branches = " UNION ALL ".join(
        f"({_SELECT} AND r.trigger <> 'imported' AND {_STATUSES[status]} {_AFTER})"
        for status in statuses
    )
    order = "ORDER BY requested_at DESC, id DESC LIMIT %(limit)s"
    return f"SELECT * FROM ({branches}) AS run {order}".encode()
