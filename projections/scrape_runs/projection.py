"""scrape_runs: one row for each run, from its request to its result."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.messages import copied, set_fields
from infra.eventstore.store import RecordedEvent
from projections.engine.erasures import ERASURE_EVENTS, cut_at_erasures
from projections.engine.folds import Folds
from projections.engine.table import Table


class TriedProvider(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A source that a run asked in addition to the one that it ended with.

    ``detail`` is a sentence about its answer; ``duration_ms`` is in milliseconds.
    """

    provider: str
    outcome: e.Outcome
    detail: str | None
    duration_ms: int


class ScrapeRunRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run; its result is null until it has ended."""

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
    profile_observed: bool | None = None
    videos_observed: int | None = None
    pages: int | None = None
    payload_sha256: str | None = None
    precision: str | None = None
    videos_missing: int | None = None
    listed: str | None = None
    listed_reason: str | None = None
    tried: list[TriedProvider] | list[Any] | None = None
    requested_at: datetime
    finished_at: datetime | None = None


# The fields of the last event of a run that its row has under the same names.
_RESULT = (
    *("attempts", "provider", "observed_at", "duration_ms", "profile_observed"),
    *("videos_observed", "pages", "payload_sha256", "precision"),
    *("listed", "listed_reason"),
)
_FAILURE = ("attempts", "provider", "observed_at", "outcome", "error")

on = Folds[[ScrapeRunRow | None, RecordedEvent], ScrapeRunRow | None]()


@on(e.ScrapeRequested)
def _requested(
    event: e.ScrapeRequested, row: ScrapeRunRow | None, recorded: RecordedEvent
) -> ScrapeRunRow | None:
    return row or copied(
        event,
        ScrapeRunRow,
        id=recorded.stream,
        tiktok_handle=event.handle,
        requested_at=recorded.recorded_at,
    )


@on(e.ScrapeSucceeded)
def _succeeded(
    event: e.ScrapeSucceeded, row: ScrapeRunRow | None, recorded: RecordedEvent
) -> ScrapeRunRow | None:
    if row is None or row.finished_at is not None:
        return row
    return replace(
        row,
        status="succeeded",
        outcome="ok",
        **set_fields(event, _RESULT),
        videos_missing=len(event.missing_video_ids),
        tried=_tried(event),
        finished_at=recorded.recorded_at,
    )


@on(e.ScrapeFailed)
def _failed(
    event: e.ScrapeFailed, row: ScrapeRunRow | None, recorded: RecordedEvent
) -> ScrapeRunRow | None:
    if row is None or row.finished_at is not None:
        return row
    return replace(
        row,
        status="failed",
        **set_fields(event, _FAILURE),
        tried=_tried(event),
        finished_at=recorded.recorded_at,
    )


def _tried(event: e.ScrapeSucceeded | e.ScrapeFailed) -> list[TriedProvider] | None:
    if not event.tried:
        return None
    # A run of an erased person has no details.
    details = event.tried_details or (None,) * len(event.tried)
    return [
        copied(each, TriedProvider, detail=detail)
        for each, detail in zip(event.tried, details, strict=True)
    ]


_OF_WHO_IS_ERASED = """
WHERE organization_id = %(organization)s
AND (creator_id = %(creator)s OR id = ANY(%(scrapes)s))
"""
_WITHOUT_PERSON = f"""
UPDATE scrape_runs SET tiktok_handle = %(handle)s, error = NULL, payload_sha256 = NULL,
    listed_reason = NULL,
    tried = (SELECT jsonb_agg(each || '{{"detail": null}}' ORDER BY place)
             FROM jsonb_array_elements(tried) WITH ORDINALITY AS t (each, place))
{_OF_WHO_IS_ERASED}
"""


class ScrapeRuns:
    """Keeps the table scrape_runs."""

    name = "scrape_runs"
    version = 1
    tables = ("scrape_runs",)
    events = on.events | ERASURE_EVENTS

    def write(self, cursor: Cursor[TupleRow], events: Sequence[RecordedEvent]) -> None:
        """Fold ``events`` into their runs' rows, and save each changed row once."""
        for part, erasure in cut_at_erasures(events):
            _TABLE.fold(cursor, part, key=_key, fold=_fold)
            if erasure is not None and erasure.is_dropped:
                erasure.execute(cursor, f"DELETE FROM scrape_runs {_OF_WHO_IS_ERASED}")
            elif erasure is not None:
                erasure.execute(cursor, _WITHOUT_PERSON)


_TABLE = Table(ScrapeRunRow, name="scrape_runs")


def _key(recorded: RecordedEvent) -> tuple[UUID, UUID]:
    event: Any = recorded.event
    return event.organization_id, recorded.stream


def _fold(row: ScrapeRunRow | None, recorded: RecordedEvent) -> ScrapeRunRow | None:
    return on.fold(recorded.event, row, recorded)
