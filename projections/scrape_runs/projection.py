"""scrape_runs: one row a run, from its request to what it saw."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from infra.eventstore.store import Recorded
from projections.engine.table import Table


class ScrapeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One run as people read it; null where it has not come that far."""

    organization_id: UUID
    id: UUID
    project_id: UUID
    creator_id: UUID | None
    tiktok_handle: str
    job_type: str
    trigger: str
    status: str = "queued"
    attempts: int = 0
    outcome: str | None = None
    error: str | None = None
    provider: str | None = None
    observed_at: datetime | None = None
    duration_ms: int | None = None
    profile_seen: bool | None = None
    videos_seen: int | None = None
    pages: int | None = None
    payload_sha256: str | None = None
    precision: str | None = None
    videos_missing: int | None = None
    requested_at: datetime
    finished_at: datetime | None = None


class ScrapeRuns:
    """Keeps the table scrape_runs."""

    name = "scrape_runs"
    version = 1
    tables = ("scrape_runs",)
    facts = frozenset({"scrape_requested", "scrape_succeeded", "scrape_failed"})

    def write(self, cursor: Cursor[TupleRow], facts: Sequence[Recorded]) -> None:
        """Fold ``facts`` into the runs they are about, and save each run once."""
        before = _TABLE.load(cursor, dict.fromkeys(map(_key, facts)))
        after: dict[UUID, ScrapeRow] = dict(before)
        for fact in facts:
            folded = fold(after.get(fact.stream), fact)
            if folded is not None:
                after[fact.stream] = folded
        _TABLE.save(
            cursor, [row for key, row in after.items() if row is not before.get(key)]
        )


_TABLE = Table(ScrapeRow, name="scrape_runs")


def fold(row: ScrapeRow | None, recorded: Recorded) -> ScrapeRow | None:
    """Return the run after a fact; an ended run stays as it ended."""
    fact = recorded.fact
    if isinstance(fact, e.ScrapeRequested):
        return row or ScrapeRow(
            organization_id=fact.organization_id,
            id=recorded.stream,
            project_id=fact.project_id,
            creator_id=fact.creator_id,
            tiktok_handle=fact.handle,
            job_type=fact.job_type,
            trigger=fact.trigger,
            requested_at=recorded.recorded_at,
        )
    if row is None or row.finished_at is not None:
        return row
    match fact:
        case e.ScrapeSucceeded():
            return replace(
                row,
                status="succeeded",
                attempts=fact.attempts,
                outcome="ok",
                provider=fact.provider,
                observed_at=fact.observed_at,
                duration_ms=fact.duration_ms,
                profile_seen=fact.profile_seen,
                videos_seen=fact.videos_seen,
                pages=fact.pages,
                payload_sha256=fact.payload_sha256,
                precision=fact.precision,
                videos_missing=len(fact.missing_video_ids),
                finished_at=recorded.recorded_at,
            )
        case e.ScrapeFailed():
            return replace(
                row,
                status="failed",
                attempts=fact.attempts,
                outcome=fact.outcome,
                error=fact.error,
                provider=fact.provider,
                observed_at=fact.observed_at,
                finished_at=recorded.recorded_at,
            )
        case _:
            msg = f"scrape_runs takes in no {type(fact).__name__}."
            raise TypeError(msg)


def _key(recorded: Recorded) -> tuple[UUID, UUID]:
    fact: Any = recorded.fact
    return fact.organization_id, recorded.stream
