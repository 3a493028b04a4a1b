"""Trying a failed run again: one more of the same kind, asked for once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.errors import CannotRetryError, CreatorRemovedError, NotFoundError
from domain.organization.plans import Limits
from domain.scrape import decider
from domain.scrape.decider import Scrape
from domain.streams import retry_stream, video_stream
from infra.eventstore.append import Context
from infra.eventstore.store import RecordedEvent, Store, adapt_hook, retry_conflicts
from infra.handlers.handling import (
    creator_of,
    next_entries,
    organization_of,
    scrape_of,
    video_of,
)
from infra.handlers.scrapes import counted_by_hand, require_progress


class RetryResult(msgspec.Struct, frozen=True, kw_only=True):
    """The run that tries another again; position None: it was asked for before."""

    scrape_id: UUID
    creator_id: UUID | None
    job_type: e.JobType
    position: int | None


def retry_scrape(
    store: Store,
    scrape_id: UUID,
    *,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    max_queue_age_seconds: float,
    now: datetime,
    context: Context,
    in_transaction: Callable[[Cursor[TupleRow], RetryResult], None] | None = None,
) -> RetryResult:
    """Ask for a failed run again by hand; asked twice it is asked for once.

    Raises:
        NotFoundError: no such run in the organization.
        CannotRetryError: it has not failed, was imported, or its video was excluded.
        CreatorRemovedError: its creator was removed.
        QueueBehindError: a scrape has been due for longer than
            ``max_queue_age_seconds``.
        LimitReachedError: the plan allows no more manual scrapes today (UTC).
        BusyError: too many writers at once.
    """
    stream = retry_stream(scrape_id)

    def attempt() -> RetryResult:
        pasts = store.load(organization_id, scrape_id, stream)
        run = scrape_of(pasts[scrape_id])
        organization = organization_of(pasts[organization_id])
        if run is None or run.organization_id != organization_id:
            raise NotFoundError("scrape")
        if organization is None:
            raise NotFoundError("organization")

        def asked(events: Sequence[RecordedEvent]) -> RetryResult:
            return RetryResult(
                scrape_id=stream,
                creator_id=run.creator_id,
                job_type=run.job_type,
                position=events[-1].position if events else None,
            )

        if pasts[stream]:
            return asked([])
        # Refused before anything else is looked at, if it is to be refused.
        command = decider.again(run)
        guard, handle = _subject(store, run)
        command = msgspec.structs.replace(command, handle=handle)
        require_progress(store.pool, organization_id, max_queue_age_seconds)
        limits = plans[organization.plan]
        recorded = store.append(
            next_entries(stream, (), decider.decide(None, command)),
            context=context,
            guards=[guard],
            quota_counters=[counted_by_hand(organization_id, now=now, limits=limits)],
            in_transaction=adapt_hook(in_transaction, asked),
        )
        return asked(recorded)

    return retry_conflicts(attempt)


def _subject(store: Store, run: Scrape) -> tuple[tuple[UUID, int], str]:
    """Return what the run is of, as a guard, and the handle to look at now."""
    if run.creator_id is not None:
        past = store.load(run.creator_id)[run.creator_id]
        creator = creator_of(past)
        if creator is None or creator.status == "removed":
            raise CreatorRemovedError
        return (run.creator_id, len(past)), creator.handle
    video_id = video_stream(run.project_id, run.tiktok_video_ids[0])
    past = store.load(video_id)[video_id]
    video = video_of(past)
    if video is None or video.tracking_status == "excluded":
        raise CannotRetryError("its video was excluded")
    return (video_id, len(past)), video.handle
