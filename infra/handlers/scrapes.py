"""Scrapes: asking for a run, and recording what came of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import commands as c
from domain import events as e
from domain.creator.decider import Creator
from domain.errors import CreatorRemovedError, NotFoundError, QueueBehindError
from domain.organization.plans import Limits
from domain.scrape import decider
from domain.streams import manual_scrapes_counter, scrape_stream
from infra.database import Pool, run_read
from infra.eventstore.append import BeforeAppend, Context, QuotaCounter
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, adapt_hook, retry_conflicts
from infra.handlers.handling import (
    History,
    creator_of,
    next_entries,
    organization_of,
    scrape_of,
)

RETRY_SECONDS = 60

# What is only scheduled does not count: it waits for what is asked for by hand.
_OLDEST = """
SELECT extract(epoch FROM statement_timestamp() - least(
    (SELECT min(due_at) FROM waiting_job
     WHERE organization_id = %(organization)s AND priority = 0),
    (SELECT min(due_at) FROM scrape_job WHERE state = 'ready' AND rung_at IS NOT NULL
     AND organization_id = %(organization)s AND priority = 0)))::float8
"""


class ScrapeRequestResult(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was asked for, and where its request stands in the log."""

    scrape_id: UUID
    creator_id: UUID
    job_type: e.JobType
    position: int


def requested(
    creator: Creator,
    creator_id: UUID,
    *,
    job_types: Sequence[e.JobType],
    trigger: e.Trigger,
    context: Context,
) -> list[NewEvent]:
    """Return the requests that go into the same append as their cause."""
    return [
        NewEvent(
            scrape_stream(context.command_id, creator_id, job_type),
            1,
            e.ScrapeRequested(
                organization_id=creator.organization_id,
                project_id=creator.project_id,
                creator_id=creator_id,
                handle=creator.handle,
                job_type=job_type,
                trigger=trigger,
            ),
        )
        for job_type in job_types
    ]


def request_scrape(
    store: Store,
    creator_id: UUID,
    *,
    job_type: e.JobType,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    max_queue_age_seconds: float,
    now: datetime,
    context: Context,
    in_transaction: Callable[[Cursor[TupleRow], ScrapeRequestResult], None]
    | None = None,
) -> ScrapeRequestResult:
    """Ask for one run by hand; it counts against the day's manual scrapes.

    Raises:
        NotFoundError: no such creator in the organization.
        CreatorRemovedError: it was removed.
        QueueBehindError: one of its scrapes has been due for longer than
            ``max_queue_age_seconds``.
        LimitReachedError: the plan allows no more manual scrapes today (UTC).
        BusyError: too many writers at once.
    """

    def attempt() -> ScrapeRequestResult:
        pasts = store.load(organization_id, creator_id)
        creator = creator_of(pasts[creator_id])
        organization = organization_of(pasts[organization_id])
        if creator is None or creator.organization_id != organization_id:
            raise NotFoundError("creator")
        if organization is None:
            raise NotFoundError("organization")
        if creator.status == "removed":
            raise CreatorRemovedError
        require_progress(store.pool, organization_id, max_queue_age_seconds)
        entries = requested(
            creator,
            creator_id,
            job_types=(job_type,),
            trigger="manual",
            context=context,
        )

        def asked(events: Sequence[RecordedEvent]) -> ScrapeRequestResult:
            return ScrapeRequestResult(
                scrape_id=entries[0].originator_id,
                creator_id=creator_id,
                job_type=job_type,
                position=events[-1].position,
            )

        limits = plans[organization.plan]
        recorded = store.append(
            entries,
            context=context,
            guards=[(creator_id, len(pasts[creator_id]))],
            quota_counters=[counted_by_hand(organization_id, now=now, limits=limits)],
            in_transaction=adapt_hook(in_transaction, asked),
        )
        return asked(recorded)

    return retry_conflicts(attempt)


def request_scheduled(
    store: Store,
    requests: Sequence[tuple[UUID, c.RequestScrape]],
    *,
    context: Context,
    before_append: BeforeAppend,
) -> list[RecordedEvent]:
    """Ask for many runs in one append, each under the id given with it.

    ``before_append`` takes them off the schedule in the same transaction. Nothing is
    guarded: a run of a creator that was removed meanwhile ends as failed.

    Raises:
        AppendConflictError: one of the runs was asked for before.
    """
    entries = [
        entry
        for scrape_id, command in requests
        for entry in next_entries(scrape_id, (), decider.decide(None, command))
    ]
    return store.append(entries, context=context, before_append=before_append)


def counted_by_hand(
    organization_id: UUID, *, now: datetime, limits: Limits
) -> QuotaCounter:
    """Return one more of the day's (UTC) scrapes by hand, within the plan's limit."""
    return QuotaCounter(
        key=manual_scrapes_counter(organization_id, now.astimezone(UTC).date()),
        delta=1,
        limit_key="max_manual_scrape_triggers_per_day",
        maximum=limits.max_manual_scrape_triggers_per_day,
    )


def require_progress(pool: Pool, organization_id: UUID, longest: float) -> None:
    """Refuse scrapes by hand while one of the organization's is overdue by ``longest``.

    Raises:
        QueueBehindError: it is; ``longest`` is in seconds.
    """
    wanted = {"organization": organization_id}
    row = run_read(
        pool, lambda connection: connection.execute(_OLDEST, wanted).fetchone()
    )
    if row is not None and row[0] is not None and row[0] > longest:
        raise QueueBehindError(waiting_seconds=row[0], retry_after=RETRY_SECONDS)


def end_scrape(
    store: Store,
    scrape_id: UUID,
    command: c.RecordResult | c.RecordFailure,
    *,
    context: Context,
    history: History = (),
    before_append: BeforeAppend | None = None,
) -> list[RecordedEvent]:
    """Record what came of a run, once; an empty answer means it had ended before.

    ``history`` is the run's as far as the caller knows it. ``before_append`` is as in
    ``Store.append``.

    Raises:
        NotFoundError: nobody asked for that run.
    """
    known = history

    def attempt() -> list[RecordedEvent]:
        nonlocal known
        read, known = known or store.load(scrape_id)[scrape_id], ()
        events = decider.decide(scrape_of(read), command)
        if not events:
            return []
        return store.append(
            next_entries(scrape_id, read, events),
            context=context,
            before_append=before_append,
        )

    return retry_conflicts(attempt)
