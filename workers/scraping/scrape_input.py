"""Loads what a run needs: its history, and the creator or videos to observe."""

import msgspec

from domain.creator.decider import creator_of
from domain.scrape.decider import Scrape, scrape_of
from infra.eventstore.store import RecordedHistory, Store, plain_events
from workers.provider import Target
from workers.scraping import identity
from workers.scraping.jobs import JobLease
from workers.scraping.video_details import counted_videos


class ScrapeInput(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its history so far, and the target for the provider."""

    run: Scrape
    history: RecordedHistory
    target: Target


def load_scrape_input(store: Store, leased: JobLease) -> ScrapeInput | None:
    """Return the run's input; None if the creator is not tracked any more.

    ``video_stats`` of a creator reads its counted videos.
    """
    creator_id = leased.creator_id
    streams = (
        [leased.scrape_id] if creator_id is None else [leased.scrape_id, creator_id]
    )
    histories = store.load(*streams)
    history = histories[leased.scrape_id]
    run = scrape_of(plain_events(history))
    assert run is not None, "a job is derived from the request in the log"
    handle, known, video_ids = run.handle, None, run.tiktok_video_ids
    if creator_id is not None:
        creator = creator_of(plain_events(histories[creator_id]))
        if creator is None or creator.status == "removed":
            return None
        # It may have been renamed since the run was requested.
        handle = creator.handle
        known = identity.known(store.pool, creator_id, histories[creator_id])
        if run.job_type == "video_stats" and not video_ids:
            video_ids = counted_videos(store.pool, run.organization_id, creator_id)
    target = Target(
        handle=handle,
        user_id=known.user_id if known else None,
        sec_uid=known.sec_uid if known else None,
        video_ids=video_ids,
    )
    return ScrapeInput(run=run, history=history, target=target)
