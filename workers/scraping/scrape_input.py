"""Loads the input of a run: histories, and the creator or videos to observe."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from domain.creator.account import account_of, pinned_account
from domain.creator.decider import creator_of
from domain.creator.events import CreatorDisabled
from domain.messages import BY_HAND
from domain.scrape.decider import ScrapeState, scrape_of
from domain.scrape.turns import next_turn
from domain.streams import account_stream, erased_bans_stream
from infra.eventstore.execute import RecordedHistories
from infra.eventstore.store import RecordedEvent, Store, plain_events
from workers.scraping.identity import still_valid
from workers.scraping.jobs import JobLease
from workers.scraping.turns import turn_of
from workers.scraping.video_details import counted_videos
from workers.sources.port import Target


class ScrapeInput(msgspec.Struct, frozen=True, kw_only=True):
    """A run, the target for the provider, and the histories that were read.

    ``is_pinned`` is true if the account's stream has the target's user id.
    """

    run: ScrapeState
    histories: RecordedHistories
    target: Target
    is_pinned: bool = False


class NotTrackedError(Exception):
    """A run's creator is not tracked any more; the text says why."""


def load_scrape_input(
    store: Store, leased: JobLease, *, reads_in_turn: bool = False
) -> ScrapeInput:
    """Return the run's input; ``video_stats`` of a creator reads its counted videos.

    With ``reads_in_turn`` it has the part of the list whose turn it is.

    Raises:
        NotTrackedError: the creator was removed, or a person disabled it after the
            request of the run.
    """
    creator_id = leased.creator_id
    streams = [leased.scrape_id]
    if creator_id is not None:
        # The account of creators that never came back, as nearly all did not.
        streams += [creator_id, account_stream(creator_id, 0)]
        # The end of a run with a profile needs the bans.
        streams += [erased_bans_stream(leased.organization_id)]
    histories = store.load(*streams)
    run = scrape_of(plain_events(histories[leased.scrape_id]))
    assert run is not None, "a job is derived from the request in the log"
    target = Target(
        handle=run.handle,
        organization_id=run.organization_id,
        video_ids=run.tiktok_video_ids,
    )
    if creator_id is None:
        return ScrapeInput(run=run, histories=histories, target=target)
    own = plain_events(histories[creator_id])
    creator = creator_of(own)
    if creator is None or creator.is_gone:
        msg = "The creator was removed before the run."
        raise NotTrackedError(msg)
    if creator.disabled_reason == BY_HAND and (
        histories[leased.scrape_id][0].position < _disabled_at(histories[creator_id])
    ):
        msg = "The creator was disabled before the run."
        raise NotTrackedError(msg)
    account = account_of(creator_id, own)
    if account not in histories:
        histories |= store.load(account)
    pinned = pinned_account(plain_events(histories[account]))
    known = still_valid(leased.identity, histories[creator_id])
    user_id = pinned or (known and known.user_id)
    video_ids, turn = run.tiktok_video_ids, None
    expected: dict[str, datetime] = {}
    if run.job_type != "creator_profiles" and not video_ids:
        counted = counted_videos(store.pool, run.organization_id, creator_id)
        if run.job_type == "video_stats":
            video_ids = tuple(each.tiktok_video_id for each in counted)
        if reads_in_turn:
            state = turn_of(store.pool, creator_id)
            turn = next_turn(state, trigger=run.trigger, now=datetime.now(UTC))
            expected = {
                each.tiktok_video_id: each.posted_at
                for each in counted
                if each.posted_at is not None and not each.is_gone
            }
    target = Target(
        # The creator may have been renamed since the request of the run.
        handle=creator.handle,
        organization_id=run.organization_id,
        creator_id=creator_id,
        user_id=user_id,
        sec_uid=known.sec_uid if known and known.user_id == user_id else None,
        video_ids=video_ids,
        turn=turn,
        expected=expected,
    )
    return ScrapeInput(
        run=run, histories=histories, target=target, is_pinned=pinned is not None
    )


def _disabled_at(history: Sequence[RecordedEvent]) -> int:
    """Return the position at which a person disabled the creator last."""
    return max(
        each.position for each in history if isinstance(each.event, CreatorDisabled)
    )
