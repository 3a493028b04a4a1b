"""The handlers of scrapes: requests of runs, and their results."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import commands as c
from domain import events as e
from domain.creator import account
from domain.creator.decider import (
    CreatorState,
    check_not_erased,
    counts_in,
    creator_of,
)
from domain.creator.decider import decide as decide_creator
from domain.creator.erased_bans import ErasedBans
from domain.creator.handlers.change import active_creators, remove_creator
from domain.decisions import Decision, Handler, History, QuotaCounter, on
from domain.errors import CreatorRemovedError, ErasedAndBannedError, NotFoundError
from domain.organization.decider import check_not_archived, organization_of
from domain.organization.plans import Limits
from domain.scrape import decider
from domain.scrape.decider import ScrapeState, scrape_of
from domain.scrape.requests import (
    VIDEO_JOB_TYPE,
    creator_runs,
    video_run,
)
from domain.streams import Names, erased_bans_stream, manual_scrapes_counter
from domain.video.decider import VideoState, video_of
from domain.video.errors import VideoMergedError


class RequestedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was requested.

    ``creator_id`` is null if the video was added by hand and its creator is not in the
    project.
    """

    scrape_id: UUID
    creator_id: UUID | None
    job_type: e.JobType


class RequestedVideoRun(RequestedRun, frozen=True, kw_only=True):
    video_id: UUID


def request_scrape(
    creator_id: UUID,
    *,
    job_type: e.JobType,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    command_id: UUID,
) -> Handler[RequestedRun]:
    """Request a run of a creator by hand."""
    histories = yield (organization_id, creator_id)
    creator = creator_of(histories[creator_id])
    organization = histories[organization_id]
    if creator is None or creator.organization_id != organization_id:
        raise NotFoundError("creator")
    check_not_erased(creator)
    if creator.is_gone:
        raise CreatorRemovedError
    check_not_archived(organization_of(organization), creator.project_id)
    requested = creator_runs(
        creator,
        creator_id,
        job_types=(job_type,),
        trigger="manual",
        command_id=command_id,
    )
    return Decision(
        RequestedRun(
            scrape_id=requested[0][0], creator_id=creator_id, job_type=job_type
        ),
        events=requested,
        guards=[creator_id],
        quota_counters=manual_scrapes(organization_id, organization, plans, now),
    )


def request_video_scrape(
    video_id: UUID,
    *,
    organization_id: UUID,
    plans: Mapping[str, Limits],
    now: datetime,
    command_id: UUID,
) -> Handler[RequestedVideoRun]:
    """Request a run of a single video by hand."""
    histories = yield (organization_id, video_id)
    video = video_of(histories[video_id])
    organization = histories[organization_id]
    if (
        video is None
        or video.organization_id != organization_id
        or video.tracking_status == "excluded"
    ):
        raise NotFoundError("video")
    if video.merged_into is not None:
        raise VideoMergedError(video.merged_into)
    check_not_archived(organization_of(organization), video.project_id)
    creator, guards = None, [video_id]
    if video.creator_id is not None:
        histories = yield (video.creator_id,)
        creator = _tracked_creator(video, creator_of(histories[video.creator_id]))
        guards.append(video.creator_id)
    requested = video_run(
        video, video_id, trigger="manual", command_id=command_id, creator=creator
    )
    return Decision(
        RequestedVideoRun(
            scrape_id=requested[0][0],
            video_id=video_id,
            creator_id=None if creator is None else video.creator_id,
            job_type=VIDEO_JOB_TYPE,
        ),
        events=requested,
        guards=guards,
        quota_counters=manual_scrapes(organization_id, organization, plans, now),
    )


def request_scheduled(
    requests: Sequence[tuple[UUID, c.RequestScrape]],
) -> Handler[None]:
    """Request many runs, each under the id next to it.

    No stream is guarded: the run of a creator that was removed in the meantime fails.
    """
    yield ()
    return Decision(
        None,
        events=[
            requested
            for scrape_id, command in requests
            for requested in on(scrape_id, decider.decide(None, command))
        ],
    )


def end_scrape(
    scrape_id: UUID,
    command: c.RecordResult | c.RecordFailure,
    *,
    names: Names,
    same_account: Collection[UUID] = (),
) -> Handler[None]:
    """Record the result of a run once, provided that it is of the creator's account.

    ``same_account`` are creators that scrapes found to be the account of a first
    profile. If one of them counts in the creator's project, no observation is recorded:
    the run fails, and the creator is disabled as a duplicate. A creator whose account
    was erased and is banned is removed.

    The append fails if the creator's or the account's stream has changed since it was
    read. If two first runs observe different accounts, only one is recorded, and
    no observation of an erased creator is.

    Raises:
        AnotherAccountError: the profile is of another account.
    """
    histories = yield (scrape_id,)
    run = scrape_of(histories[scrape_id])
    events = on(scrape_id, decider.decide(run, command))
    creator_id = None if run is None else run.creator_id
    if not events or creator_id is None or isinstance(command, c.RecordFailure):
        return Decision(None, events=events)
    histories = yield (creator_id,)
    creator = creator_of(histories[creator_id])
    if creator is not None and creator.status == "erased":
        failed = c.RecordFailure(
            provider=command.provider,
            attempts=command.attempts,
            error="The creator was erased during the run.",
        )
        return Decision(None, events=on(scrape_id, decider.decide(run, failed)))
    seen = _seen_account(run, command)
    if seen is None:
        first = creator and creator.duplicate_of
        if creator is None or first is None:
            return Decision(None, events=events, guards=[creator_id])
        # No observation of a duplicate is recorded, with or without a profile.
        histories = yield (first,)
        if not counts_in(creator_of(histories[first]), creator.project_id):
            return Decision(None, events=events, guards=[creator_id, first])
        duplicate = _duplicate(scrape_id, run, command, creator_id, creator, first)
        return replace(duplicate, guards=[*duplicate.guards, first])
    stream = account.account_of(creator_id, histories[creator_id])
    others = sorted({*same_account} - {creator_id})
    bans = erased_bans_stream(seen.organization_id)
    histories = yield (stream, bans, *others)
    erased_bans = ErasedBans(seen.organization_id, histories[bans], names)
    if creator is not None and erased_bans.of_user_id(seen.user_id):
        removal = yield from remove_creator(
            creator_id, organization_id=creator.organization_id, names=names
        )
        failed = c.RecordFailure(
            provider=command.provider,
            attempts=command.attempts,
            error=str(ErasedAndBannedError()),
        )
        return Decision(
            None,
            events=[*on(scrape_id, decider.decide(run, failed)), *removal.events],
            quota_counters=removal.quota_counters,
        )
    pinned = on(stream, account.decide(account.pinned_account(histories[stream]), seen))
    if not pinned:
        return Decision(None, events=events, guards=[creator_id, stream])
    for each in others:
        if creator and counts_in(creator_of(histories[each]), creator.project_id):
            duplicate = _duplicate(scrape_id, run, command, creator_id, creator, each)
            return replace(duplicate, guards=[*duplicate.guards, *others])
    return Decision(None, events=[*events, *pinned], guards=[creator_id, *others])


def _duplicate(
    scrape_id: UUID,
    run: ScrapeState | None,
    command: c.RecordResult,
    creator_id: UUID,
    creator: CreatorState,
    first_id: UUID,
) -> Decision[None]:
    """Let the run fail, and disable its creator as a duplicate of the first one."""
    failed = c.RecordFailure(
        provider=command.provider,
        attempts=command.attempts,
        error=f"This is the account of the creator {first_id} of the same project, "
        "so nothing was stored: it would count twice.",
        tried=command.tried,
    )
    disabled = decide_creator(
        creator,
        c.AutoDisable(
            verdict="duplicate_account", scrape_id=scrape_id, duplicate_of=first_id
        ),
    )
    return Decision(
        None,
        events=[
            *on(scrape_id, decider.decide(run, failed)),
            *on(creator_id, disabled),
        ],
        guards=[] if disabled else [creator_id],
        quota_counters=active_creators(creator.organization_id, -1 if disabled else 0),
    )


def _seen_account(
    run: ScrapeState | None, command: c.RecordResult | c.RecordFailure
) -> c.PinAccount | None:
    """Return the account of a result; None if the result does not say it."""
    if not isinstance(command, c.RecordResult) or command.profile is None:
        return None
    user_id = command.profile.user_id
    if run is None or run.creator_id is None or user_id is None:
        return None
    return c.PinAccount(
        organization_id=run.organization_id,
        creator_id=run.creator_id,
        user_id=user_id,
        known_user_id=command.known_user_id,
    )


def manual_scrapes(
    organization_id: UUID,
    history: History,
    plans: Mapping[str, Limits],
    now: datetime,
    *,
    amount: int = 1,
) -> list[QuotaCounter]:
    """Return the counter of ``amount`` more manual scrapes of the day (UTC).

    The counter has the plan's limit.
    """
    organization = organization_of(history)
    if organization is None:
        raise NotFoundError("organization")
    return [
        QuotaCounter(
            key=manual_scrapes_counter(organization_id, now.astimezone(UTC).date()),
            delta=amount,
            limit_key="max_manual_scrape_triggers_per_day",
            maximum=plans[organization.plan].max_manual_scrape_triggers_per_day,
        )
    ]


def _tracked_creator(
    video: VideoState, creator: CreatorState | None
) -> CreatorState | None:
    """Return the creator; None if only the video itself is tracked."""
    check_not_erased(creator)
    if creator is not None and not creator.is_gone:
        return creator
    if video.tracking_status != "direct_add":
        raise CreatorRemovedError
    return None
