"""Scrapes: the state of one run, from its request to its result or its failure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, assert_never
from uuid import UUID

import msgspec
from msgspec import structs
from msgspec.structs import replace

from domain.decisions import state_after
from domain.errors import CannotRetryError, CorruptHistoryError, NotFoundError
from domain.messages import Completeness, Event, JobType, Trigger, copied
from domain.scrape import commands as c
from domain.scrape import events as e
from domain.streams import Names

MAX_VIDEOS_PER_SNAPSHOT = 500


class ScrapeState(msgspec.Struct, frozen=True, kw_only=True):
    organization_id: UUID
    project_id: UUID
    creator_id: UUID | None
    handle: str
    job_type: JobType
    trigger: Trigger
    tiktok_video_ids: tuple[str, ...] = ()
    video_id: UUID | None = None
    status: Literal["requested", "succeeded", "failed"] = "requested"


def decide(scrape: ScrapeState | None, command: c.ScrapeCommand) -> list[e.ScrapeEvent]:
    """Return the events that the command causes; none if the run has ended.

    Raises:
        NotFoundError: nobody requested the run.
    """
    if isinstance(command, c.RequestScrape):
        if scrape is not None:
            return []
        return [copied(command, e.ScrapeRequested)]
    if scrape is None:
        raise NotFoundError("scrape")
    if scrape.status != "requested":
        return []
    match command:
        case c.RecordResult():
            return list(_result(scrape, command))
        case c.RecordFailure():
            return [
                copied(
                    command,
                    e.ScrapeFailed,
                    organization_id=scrape.organization_id,
                    creator_id=scrape.creator_id,
                    job_type=scrape.job_type,
                    tried=_sources(command.tried),
                    tried_details=_details(command.tried),
                )
            ]
        case _:
            assert_never(command)


def evolve(scrape: ScrapeState | None, event: e.ScrapeEvent) -> ScrapeState:
    """Return the run after ``event``; it never refuses."""
    if isinstance(event, e.ScrapeRequested):
        return copied(event, ScrapeState)
    if scrape is None:
        msg = "A scrape's history must begin with scrape_requested."
        raise CorruptHistoryError(msg)
    match event:
        case e.ProfileSnapshotRecorded() | e.VideoStatsSnapshotRecorded():
            return scrape
        case e.ScrapeSucceeded():
            return replace(scrape, status="succeeded")
        case e.ScrapeFailed():
            return replace(scrape, status="failed")
        case _:
            assert_never(event)


def scrape_of(history: Sequence[Event]) -> ScrapeState | None:
    """Return the run of this history, None if the history is not a run's."""
    return state_after(history, e.ScrapeEvent, evolve)


def again(scrape: ScrapeState) -> c.RequestScrape:
    """Return the request that retries a failed run.

    Raises:
        CannotRetryError: the run has not failed, or was imported.
    """
    if scrape.trigger == "imported":
        raise CannotRetryError("it was imported and did not run here")
    if scrape.status == "succeeded":
        raise CannotRetryError("it succeeded")
    if scrape.status != "failed":
        raise CannotRetryError("it has not ended")
    return copied(scrape, c.RequestScrape, trigger="manual")


def columns_of(videos: Sequence[c.VideoSnapshot]) -> c.VideoColumns:
    """Return the videos as columns, in the same order."""
    return c.VideoColumns(
        video_ids=tuple([video.tiktok_video_id for video in videos]),
        view_counts=tuple([video.view_count for video in videos]),
        like_counts=tuple([video.like_count for video in videos]),
        comment_counts=tuple([video.comment_count for video in videos]),
        share_counts=tuple([video.share_count for video in videos]),
        save_counts=tuple([video.save_count for video in videos]),
        kinds=tuple([video.kind for video in videos]),
        titles=tuple([video.title for video in videos]),
        posted_at=tuple([video.posted_at for video in videos]),
        thumbnail_urls=tuple([video.thumbnail_url for video in videos]),
        attributes=tuple([video.attributes for video in videos]),
    )


def named(
    videos: c.VideoColumns, names: Names, *, is_known: Iterable[bool]
) -> c.NamedVideos:
    """Return the videos under their pseudonyms.

    Videos that are not known yet keep their ids on TikTok, because pseudonyms alone
    can't be scraped again.
    """
    found = c.NamedVideos(**structs.asdict(videos))
    if names.key is None:
        return found
    known = zip(videos.video_ids, is_known, strict=True)
    return replace(
        found,
        video_ids=tuple(map(names.pseudonym, videos.video_ids)),
        has_pseudonyms=True,
        tiktok_video_ids=tuple([None if is_known else id_ for id_, is_known in known]),
    )


def _result(scrape: ScrapeState, command: c.RecordResult) -> Iterator[e.ScrapeEvent]:
    profile, creator_id = command.profile, scrape.creator_id
    # A run of a single video has no creator, so it has no profile either.
    if profile is not None and creator_id is not None:
        yield copied(
            profile,
            e.ProfileSnapshotRecorded,
            organization_id=scrape.organization_id,
            creator_id=creator_id,
            observed_at=command.observed_at,
            provider=command.profile_provider or command.provider,
        )
    videos = command.videos
    for start in range(0, len(videos.video_ids), MAX_VIDEOS_PER_SNAPSHOT):
        yield _video_snapshot(scrape, command, videos, start)
    listed = _listed(scrape, command)
    yield copied(
        command,
        e.ScrapeSucceeded,
        organization_id=scrape.organization_id,
        creator_id=scrape.creator_id,
        job_type=scrape.job_type,
        profile_observed=command.profile is not None,
        videos_observed=len(videos.video_ids),
        precision=None if command.profile is None else command.profile.precision,
        listed=listed,
        tried=_sources(command.tried),
        tried_details=_details(command.tried),
    )


def _listed(scrape: ScrapeState, command: c.RecordResult) -> Completeness | None:
    if command.listed_reason is not None:
        return "partial"
    # An imported recording does not say whether its list of videos was complete.
    is_list = scrape.job_type == "discover_videos" and scrape.trigger != "imported"
    return "complete" if is_list else None


def _sources(tried: Sequence[c.Tried]) -> tuple[e.TriedSource, ...]:
    return tuple(copied(each, e.TriedSource) for each in tried)


def _details(tried: Sequence[c.Tried]) -> tuple[str | None, ...]:
    return tuple(each.detail for each in tried)


def _video_snapshot(
    scrape: ScrapeState, command: c.RecordResult, videos: c.NamedVideos, start: int
) -> e.VideoStatsSnapshotRecorded:
    these = slice(start, start + MAX_VIDEOS_PER_SNAPSHOT)
    kinds, titles = videos.kinds[these], videos.titles[these]
    posted_at = videos.posted_at[these]
    thumbnail_urls = videos.thumbnail_urls[these]
    attributes = zip(videos.video_ids[these], videos.attributes[these], strict=False)
    tiktok_video_ids = videos.tiktok_video_ids[these]
    return e.VideoStatsSnapshotRecorded(
        organization_id=scrape.organization_id,
        project_id=scrape.project_id,
        creator_id=scrape.creator_id,
        observed_at=command.observed_at,
        provider=command.provider,
        video_ids=videos.video_ids[these],
        view_counts=videos.view_counts[these],
        like_counts=videos.like_counts[these],
        comment_counts=videos.comment_counts[these],
        share_counts=videos.share_counts[these],
        save_counts=videos.save_counts[these],
        kinds=kinds if any(kinds) else (),
        titles=titles if any(title is not None for title in titles) else (),
        posted_at=posted_at if any(posted_at) else (),
        thumbnail_urls=thumbnail_urls if any(thumbnail_urls) else (),
        has_pseudonyms=videos.has_pseudonyms,
        tiktok_video_ids=tiktok_video_ids if any(tiktok_video_ids) else (),
        attributes={name: each for name, each in attributes if each is not None},
    )
