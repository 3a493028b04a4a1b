"""Looking at single videos: the request for a run, by hand or as another's part."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Cursor
from psycopg.rows import TupleRow

from domain import events as e
from domain.creator.decider import Creator
from domain.errors import CreatorRemovedError, NotFoundError
from domain.organization.plans import Limits
from domain.streams import scrape_stream
from domain.video.decider import Video
from infra.eventstore.append import Context
from infra.eventstore.codec import NewEvent
from infra.eventstore.store import RecordedEvent, Store, adapt_hook, retry_conflicts
from infra.handlers.handling import creator_of, organization_of, video_of
from infra.handlers.scrapes import counted_by_hand, require_progress

JOB_TYPE: e.JobType = "video_stats"


class VideoScrapeRequestResult(msgspec.Struct, frozen=True, kw_only=True):
    """A run of one video that was asked for, and where its request stands.

    ``creator_id`` is null where no creator of the project is known to have made it.
    """

    scrape_id: UUID
    video_id: UUID
    creator_id: UUID | None
    position: int


def requested(
    video: Video,
    video_id: UUID,
    *,
    trigger: e.Trigger,
    context: Context,
    creator: Creator | None = None,
) -> NewEvent:
    """Return the request of a run that looks at one video.

    ``creator`` is the video's, where the run is to be the creator's, too.
    """
    return NewEvent(
        scrape_stream(context.command_id, video_id, JOB_TYPE),
        1,
        e.ScrapeRequested(
            organization_id=video.organization_id,
            project_id=video.project_id,
            creator_id=None if creator is None else video.creator_id,
            handle=video.handle if creator is None else creator.handle,
            job_type=JOB_TYPE,
            trigger=trigger,
            tiktok_video_ids=(video.tiktok_video_id,),
        ),
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
    in_transaction: Callable[[Cursor[TupleRow], VideoScrapeRequestResult], None]
    | None = None,
) -> VideoScrapeRequestResult:
    """Ask for one look at a video by hand; it counts as a creator's scrapes do.

    Raises:
        NotFoundError: no such video in the organization, or it was excluded.
        CreatorRemovedError: its creator was removed, and it was not added by hand.
        QueueBehindError: a scrape has been due for longer than
            ``max_queue_age_seconds``.
        LimitReachedError: the plan allows no more manual scrapes today (UTC).
        BusyError: too many writers at once.
    """

    def attempt() -> VideoScrapeRequestResult:
        pasts = store.load(organization_id, video_id)
        video = video_of(pasts[video_id])
        organization = organization_of(pasts[organization_id])
        if (
            video is None
            or video.organization_id != organization_id
            or video.tracking_status == "excluded"
        ):
            raise NotFoundError("video")
        if organization is None:
            raise NotFoundError("organization")
        guards = [(video_id, len(pasts[video_id]))]
        creator = None
        if video.creator_id is not None:
            past = store.load(video.creator_id)[video.creator_id]
            creator = _tracked(video, creator_of(past))
            guards.append((video.creator_id, len(past)))
        require_progress(store.pool, organization_id, max_queue_age_seconds)
        entry = requested(
            video, video_id, trigger="manual", context=context, creator=creator
        )

        def asked(events: Sequence[RecordedEvent]) -> VideoScrapeRequestResult:
            return VideoScrapeRequestResult(
                scrape_id=entry.originator_id,
                video_id=video_id,
                creator_id=None if creator is None else video.creator_id,
                position=events[-1].position,
            )

        limits = plans[organization.plan]
        recorded = store.append(
            [entry],
            context=context,
            guards=guards,
            quota_counters=[counted_by_hand(organization_id, now=now, limits=limits)],
            in_transaction=adapt_hook(in_transaction, asked),
        )
        return asked(recorded)

    return retry_conflicts(attempt)


def _tracked(video: Video, creator: Creator | None) -> Creator | None:
    """Return the creator, None where the video is tracked for its own sake alone."""
    if creator is not None and creator.status != "removed":
        return creator
    if video.tracking_status != "direct_add":
        raise CreatorRemovedError
    return None
