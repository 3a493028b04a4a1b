"""Many creators of one project at once: removed, or given another try."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.creator.decider import Creator, decide, is_cooling_down
from domain.organization.plans import Limits
from infra.eventstore.append import Context, QuotaCounter
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, adapt_hook, retry_conflicts
from infra.handlers.creators import (
    claim_of_its_handle,
    creators_counted,
    places,
    released,
)
from infra.handlers.handling import check_project, creator_of, next_entries
from infra.handlers.scrapes import requested

BOTH_SCRAPES: tuple[e.JobType, ...] = ("creator_profiles", "discover_videos")


class BulkResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one creator of a bulk command; ``reason`` where not ok."""

    creator_id: UUID
    status: Literal["ok", "skipped", "failed"]
    reason: str | None = None


class BulkDone(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all of them, in the order asked; position None: nothing new."""

    results: tuple[BulkResult, ...]
    position: int | None


BulkAlongside = Callable[[Cursor[TupleRow], BulkDone], None]


def remove_creators(
    store: Store,
    creator_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    context: Context,
    in_transaction: BulkAlongside | None = None,
) -> BulkDone:
    """Remove many creators of one project in one append.

    Raises:
        NotFoundError: no such project in the organization.
        BusyError: too many writers at once.
    """

    def attempt() -> BulkDone:
        pasts = store.load(organization_id, *creator_ids)
        check_project(pasts[organization_id], project_id)
        living: dict[UUID, Creator] = {}
        results: list[BulkResult] = []
        for creator_id in creator_ids:
            creator = creator_of(pasts[creator_id])
            if creator is None or creator.project_id != project_id:
                results.append(_unknown(creator_id))
            elif creator.status == "removed" or creator_id in living:
                results.append(_skipped(creator_id, "already removed"))
            else:
                living[creator_id] = creator
                results.append(BulkResult(creator_id=creator_id, status="ok"))
        held = store.load(*map(claim_of_its_handle, living.values())) if living else {}
        entries: list[NewEvent] = []
        for creator_id, creator in living.items():
            events = decide(creator, c.SoftDelete())
            entries += next_entries(creator_id, pasts[creator_id], events)
            entries += released(creator_id, creator, held[claim_of_its_handle(creator)])
        freed = sum(map(places, living.values()))
        return _append_bulk(
            store, results, entries,
            quota_counters=creators_counted(organization_id, -freed),
            context=context, in_transaction=in_transaction,
        )  # fmt: skip

    return retry_conflicts(attempt)


def reenable_creators(
    store: Store,
    creator_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    project_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    context: Context,
    in_transaction: BulkAlongside | None = None,
) -> BulkDone:
    """Give auto-disabled creators of one project another try, in one append.

    Raises:
        NotFoundError: no such project in the organization.
        LimitReachedError: the plan has no room for all of them; none was re-enabled.
        BusyError: too many writers at once.
    """

    def attempt() -> BulkDone:
        pasts = store.load(organization_id, *creator_ids)
        limits = plans[check_project(pasts[organization_id], project_id)]
        results: list[BulkResult] = []
        entries: list[NewEvent] = []
        woken: set[UUID] = set()
        for creator_id in creator_ids:
            creator = creator_of(pasts[creator_id])
            if creator is None or creator.project_id != project_id:
                results.append(_unknown(creator_id))
            elif creator.status != "disabled" or creator_id in woken:
                results.append(_skipped(creator_id, "not auto-disabled"))
            elif is_cooling_down(creator, now):
                results.append(_skipped(creator_id, "re-enabled within 24 hours"))
            else:
                woken.add(creator_id)
                results.append(BulkResult(creator_id=creator_id, status="ok"))
                events = decide(creator, c.Reenable(at=now))
                entries += next_entries(creator_id, pasts[creator_id], events)
                entries += requested(
                    creator,
                    creator_id,
                    job_types=BOTH_SCRAPES,
                    trigger="reenabled",
                    context=context,
                )
        maximum = limits.max_creators_per_org
        return _append_bulk(
            store, results, entries,
            quota_counters=creators_counted(
                organization_id, len(woken), maximum=maximum
            ),
            context=context, in_transaction=in_transaction,
        )  # fmt: skip

    return retry_conflicts(attempt)


def _unknown(creator_id: UUID) -> BulkResult:
    return BulkResult(creator_id=creator_id, status="failed", reason="not_found")


def _skipped(creator_id: UUID, reason: str) -> BulkResult:
    return BulkResult(creator_id=creator_id, status="skipped", reason=reason)


def _append_bulk(
    store: Store,
    results: Sequence[BulkResult],
    entries: list[NewEvent],
    *,
    quota_counters: list[QuotaCounter],
    context: Context,
    in_transaction: BulkAlongside | None,
) -> BulkDone:
    def done(events: Sequence[RecordedEvent]) -> BulkDone:
        position = events[-1].position if events else None
        return BulkDone(results=tuple(results), position=position)

    if not entries:
        return done([])
    return done(
        store.append(
            entries,
            context=context,
            quota_counters=quota_counters,
            in_transaction=adapt_hook(in_transaction, done),
        )
    )
