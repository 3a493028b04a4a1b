"""Commands about scrapes: request them, retry them, and record their results."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from domain import commands as c
from domain import events as e
from domain.errors import QueueBehindError
from domain.handlers import scrapes as handlers
from domain.handlers.scrapes import RequestedRun, RequestedVideoRun
from domain.organization.plans import Limits
from infra.database import run_read
from infra.eventstore.append import BeforeAppend, Context
from infra.eventstore.execute import (
    Executed,
    InTransaction,
    RecordedHistories,
    execute,
    execute_once,
)
from infra.eventstore.store import RecordedEvent, Store

RETRY_SECONDS = 60

# Scheduled runs are left out, because they wait while manual ones are due.
_OLDEST = """
SELECT extract(epoch FROM statement_timestamp() - least(
    (SELECT min(due_at) FROM waiting_job
     WHERE organization_id = %(organization)s AND priority = 0),
    (SELECT min(due_at) FROM scrape_job
     WHERE state = 'ready' AND enqueued_at IS NOT NULL
     AND organization_id = %(organization)s AND priority = 0)))::float8
"""


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
    in_transaction: InTransaction[RequestedRun] | None = None,
) -> Executed[RequestedRun]:
    """Request a scrape by hand; it counts against the day's manual scrapes.

    Raises:
        NotFoundError: no such creator in the organization.
        CreatorRemovedError: it was removed.
        QueueBehindError: a scrape has been due for longer than
            ``max_queue_age_seconds``.
        LimitReachedError: the plan allows no more manual scrapes today (UTC).
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.request_scrape(
            creator_id,
            job_type=job_type,
            organization_id=organization_id,
            plans=plans,
            now=now,
            command_id=context.command_id,
        ),
        context=context,
        check=_queue_check(store, organization_id, max_queue_age_seconds),
        in_transaction=in_transaction,
    )


def request_video_scrape(
    store: Store,
    video_id: UUID,
    *,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    max_queue_age_seconds: float,
    now: datetime,
    context: Context,
    in_transaction: InTransaction[RequestedVideoRun] | None = None,
) -> Executed[RequestedVideoRun]:
    """Request a scrape of a single video by hand; it counts against the same limit.

    Raises:
        NotFoundError: no such video in the organization, or it was excluded.
        CreatorRemovedError: its creator was removed, and it was not added by hand.
        QueueBehindError: a scrape has been due for longer than
            ``max_queue_age_seconds``.
        LimitReachedError: the plan allows no more manual scrapes today (UTC).
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.request_video_scrape(
            video_id,
            organization_id=organization_id,
            plans=plans,
            now=now,
            command_id=context.command_id,
        ),
        context=context,
        check=_queue_check(store, organization_id, max_queue_age_seconds),
        in_transaction=in_transaction,
    )


def retry_scrape(
    store: Store,
    scrape_id: UUID,
    *,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    max_queue_age_seconds: float,
    now: datetime,
    context: Context,
    in_transaction: InTransaction[RequestedRun] | None = None,
) -> Executed[RequestedRun]:
    """Request a failed scrape again by hand; a second request changes nothing.

    Raises:
        NotFoundError: no such run in the organization.
        CannotRetryError: it has not failed, was imported, or its video was excluded.
        CreatorRemovedError: its creator was removed.
        QueueBehindError: a scrape has been due for longer than
            ``max_queue_age_seconds``.
        LimitReachedError: the plan allows no more manual scrapes today (UTC).
        BusyError: too many writers at once.
    """
    return execute(
        store,
        lambda: handlers.retry_scrape(
            scrape_id, organization_id=organization_id, plans=plans, now=now
        ),
        context=context,
        check=_queue_check(store, organization_id, max_queue_age_seconds),
        in_transaction=in_transaction,
    )


def request_scheduled(
    store: Store,
    requests: Sequence[tuple[UUID, c.RequestScrape]],
    *,
    context: Context,
    before_append: BeforeAppend,
) -> list[RecordedEvent]:
    """Request many scrapes in one append, each under the id given with it.

    ``before_append`` removes them from the schedule in the same transaction.

    Raises:
        AppendConflictError: one of the runs was requested before.
    """
    return execute_once(
        store,
        handlers.request_scheduled(requests),
        context=context,
        before_append=before_append,
    ).events


def end_scrape(
    store: Store,
    scrape_id: UUID,
    command: c.RecordResult | c.RecordFailure,
    *,
    context: Context,
    loaded: RecordedHistories | None = None,
    before_append: BeforeAppend | None = None,
) -> list[RecordedEvent]:
    """Record the result of a scrape once; return no events if it had ended before.

    ``loaded`` are the histories that the caller has read. ``before_append`` is as in
    ``Store.append``.

    Raises:
        NotFoundError: no such run was requested.
        AnotherAccountError: the result is of another account than the creator's.
    """
    executed = execute(
        store,
        lambda: handlers.end_scrape(scrape_id, command),
        context=context,
        loaded=loaded,
        before_append=before_append,
    )
    return executed.events


def _queue_check(
    store: Store, organization_id: UUID, longest: float
) -> Callable[[], None]:
    """Return a check that refuses while a manual scrape is overdue by ``longest``.

    The check raises QueueBehindError. ``longest`` is in seconds.
    """
    parameters = {"organization": organization_id}

    def check() -> None:
        row = run_read(
            store.pool,
            lambda connection: connection.execute(_OLDEST, parameters).fetchone(),
        )
        if row is not None and row[0] is not None and row[0] > longest:
            raise QueueBehindError(waiting_seconds=row[0], retry_after=RETRY_SECONDS)

    return check
