"""The handlers that request failed runs again, one or many."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from domain import events as e
from domain.creator.decider import check_not_erased, creator_of
from domain.decisions import (
    Decision,
    Handler,
    History,
    ItemResult,
    ItemResults,
    StreamEvent,
    on,
)
from domain.errors import (
    CannotRetryError,
    ConflictError,
    CreatorRemovedError,
    NotFoundError,
)
from domain.organization.decider import check_not_archived, organization_of
from domain.organization.plans import Limits
from domain.scrape import decider
from domain.scrape.decider import ScrapeState, scrape_of
from domain.scrape.handlers.scrapes import RequestedRun, manual_scrapes
from domain.streams import retry_stream, video_stream
from domain.video.decider import video_of


def retry_scrape(
    scrape_id: UUID,
    *,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
) -> Handler[RequestedRun]:
    """Request a failed run again by hand; a repeated request requests nothing more."""
    again = retry_stream(scrape_id)
    histories = yield (organization_id, scrape_id, again)
    run = scrape_of(histories[scrape_id])
    organization = histories[organization_id]
    if run is None or run.organization_id != organization_id:
        raise NotFoundError("scrape")
    result = RequestedRun(
        scrape_id=again, creator_id=run.creator_id, job_type=run.job_type
    )
    if histories[again]:
        return Decision(result)
    # A run that can't be retried is refused before anything else is read.
    command = decider.again(run)
    check_not_archived(organization_of(organization), run.project_id)
    subject = _subject(run)
    histories = yield (subject,)
    handle = _present_handle(run, histories[subject])
    return Decision(
        result,
        events=on(again, decider.decide(None, replace(command, handle=handle))),
        guards=[subject],
        quota_counters=manual_scrapes(organization_id, organization, plans, now),
    )


def retry_scrapes(
    scrape_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
) -> Handler[ItemResults]:
    """Request many failed runs again by hand, each once.

    Among runs with the same subject and kind, one is requested. A bad run fails alone;
    a plan without room for all of them requests none.
    """
    ids = list(dict.fromkeys(scrape_ids))
    retries = {scrape_id: retry_stream(scrape_id) for scrape_id in ids}
    histories = yield (organization_id, *ids, *retries.values())
    organization = histories[organization_id]
    owner = organization_of(organization)
    runs = {scrape_id: scrape_of(histories[scrape_id]) for scrape_id in ids}
    own = {
        scrape_id: run
        for scrape_id, run in runs.items()
        if run is not None and run.organization_id == organization_id
    }
    subjects = yield {_subject(run) for run in own.values()}
    results: list[ItemResult] = []
    events: list[StreamEvent] = []
    guards: set[UUID] = set()
    requested: set[tuple[UUID, e.JobType, tuple[str, ...]]] = set()
    for scrape_id in ids:
        run = own.get(scrape_id)
        if run is None:
            results.append(ItemResult(scrape_id, "failed", "not_found"))
            continue
        if histories[retries[scrape_id]]:
            results.append(ItemResult(scrape_id, "skipped", "tried again already"))
            continue
        subject = _subject(run)
        try:
            command = decider.again(run)
            check_not_archived(owner, run.project_id)
            handle = _present_handle(run, subjects[subject])
        except ConflictError as error:
            results.append(ItemResult(scrape_id, "failed", str(error)))
            continue
        observes = (subject, run.job_type, run.tiktok_video_ids)
        if observes in requested:
            results.append(ItemResult(scrape_id, "skipped", "another does the same"))
            continue
        requested.add(observes)
        guards.add(subject)
        fresh = decider.decide(None, replace(command, handle=handle))
        events += on(retries[scrape_id], fresh)
        results.append(ItemResult(scrape_id, "ok"))
    counters = manual_scrapes(
        organization_id, organization, plans, now, amount=len(events)
    )
    return Decision(
        tuple(results),
        events=events,
        guards=sorted(guards),
        quota_counters=counters if events else [],
    )


def _subject(run: ScrapeState) -> UUID:
    """Return the stream of the creator or video that a run reads."""
    if run.creator_id is not None:
        return run.creator_id
    return run.video_id or video_stream(run.project_id, run.tiktok_video_ids[0])


def _present_handle(run: ScrapeState, history: History) -> str:
    """Return the present handle of a run's subject, from the subject's history.

    Raises:
        CreatorRemovedError: the creator was removed.
        CreatorErasedError: the creator was erased.
        CannotRetryError: the video was excluded, or merged into another one.
    """
    if run.creator_id is not None:
        creator = creator_of(history)
        check_not_erased(creator)
        if creator is None or creator.is_gone:
            raise CreatorRemovedError
        return creator.handle
    video = video_of(history)
    if video is None or video.tracking_status == "excluded":
        raise CannotRetryError("its video was excluded")
    if video.merged_into is not None:
        raise CannotRetryError("its video was merged into the creator's")
    return video.handle
