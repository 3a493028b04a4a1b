"""Exports the observations of an organization's runs as a recording."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import get_args
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr

from domain import events as e
from domain.messages import copied
from domain.scrape.observations import (
    ProfileObservation,
    VideoObservation,
    stated_attributes,
)
from domain.streams import video_stream
from projections.event_log import ObservationEvent, OrganizationLog, PositionRange
from workers.sources.recordings.file_format import Observation, RecordedOutcome

_OUTCOMES: dict[str | None, RecordedOutcome] = {
    outcome: outcome for outcome in get_args(RecordedOutcome)
}


_MOST_IDS = 200_000


class ExportedObservation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An observation, and the run that made it.

    Ids are texts, made once for each run. ``is_erased`` says that the person was
    erased, so that no recording may bring the observation back.
    """

    position: int
    recorded_at: datetime
    scrape_id: str
    project_id: str
    creator_id: str | None
    provider: str
    observation: Observation
    is_erased: bool = False


def observations(
    log: OrganizationLog, span: PositionRange
) -> Iterator[tuple[int, list[ExportedObservation]]]:
    """Yield the number of further positions read, and the observations found there.

    The observation of a failed run is its outcome, at the time of recording unless the
    run was imported. Runs without an outcome in the file format are left out: runs that
    were given up before a request, and runs that found another account.

    Only the last part of a page has its number of positions, because a page may have
    hundreds of thousands of observations.

    Raises:
        UnknownEventError: the log has an event that cannot be read.
    """
    ids, handles = _TikTokIds(log), log.present_handles()
    for passed, events in log.observations(span):
        for event in events:
            yield 0, list(_observed(event, ids, handles))
        yield passed, []


def _observed(
    recorded: ObservationEvent,
    ids: "_TikTokIds",
    handles: Mapping[UUID, str | None],
) -> Iterator[ExportedObservation]:
    requested, event = recorded.request, recorded.event
    match event:
        case e.ProfileSnapshotRecorded():
            found = iter([_profile(event, requested.handle)])
        case e.VideoStatsSnapshotRecorded():
            found = _videos(event, ids.of(event), requested.handle)
        case e.ScrapeFailed():
            found = _outcome(event, requested.handle, recorded_at=recorded.recorded_at)
        case _:
            return
    scrape_id = str(recorded.scrape_id)
    project_id = str(recorded.project_id)
    creator_id = None if requested.creator_id is None else str(requested.creator_id)
    handle = requested.handle
    present = handles.get(requested.creator_id or recorded.scrape_id, handle)
    for observation in found:
        if present not in {None, handle}:
            force_setattr(observation, "present_handle", present)
        yield ExportedObservation(
            position=recorded.position,
            recorded_at=recorded.recorded_at,
            scrape_id=scrape_id,
            project_id=project_id,
            creator_id=creator_id,
            provider=event.provider,
            observation=observation,
            is_erased=present is None,
        )


class _TikTokIds:
    """TikTok's ids of videos by their pseudonyms.

    The snapshot that listed a video first has its id, and so has the video's first
    event.
    """

    def __init__(self, log: OrganizationLog) -> None:
        self._log = log
        self._known: dict[str, str] = {}

    def of(self, event: e.VideoStatsSnapshotRecorded) -> Sequence[str | None]:
        """Return the id of each video of a snapshot; null if it is not known any more.

        The snapshots must come in the order of the log.
        """
        ids = event.tiktok_ids()
        if not event.has_pseudonyms or event.project_id is None:
            return ids
        if len(self._known) >= _MOST_IDS:
            self._known.clear()
        stated = zip(event.video_ids, ids, strict=True)
        self._known.update((name, id_) for name, id_ in stated if id_ is not None)
        streams = {
            video_stream(event.project_id, name): name
            for name in event.video_ids
            if name not in self._known
        }
        for stream, first in self._log.first_events(list(streams)).items():
            assert isinstance(first, e.VideoDiscovered | e.VideoAdded)
            # The id of an erased person's video cannot be read any more.
            if first.tiktok_video_id.isdecimal():
                self._known[streams[stream]] = first.tiktok_video_id
        return [self._known.get(name) for name in event.video_ids]


def _profile(event: e.ProfileSnapshotRecorded, handle: str) -> Observation:
    return Observation(
        observed_at=event.observed_at,
        handle=handle,
        profile=copied(event, ProfileObservation),
        in_log_order=event.precision == "rounded",
    )


def _videos(
    event: e.VideoStatsSnapshotRecorded, ids: Sequence[str | None], handle: str
) -> Iterator[Observation]:
    videos = zip(ids, event.counts(), event.details(), strict=True)
    for name, (_, views, likes, comments, shares, saves), details in videos:
        if name is None:
            continue
        kind, title, posted_at, thumbnail_url, attributes = details
        yield Observation(
            observed_at=event.observed_at,
            handle=handle,
            video=VideoObservation(
                tiktok_video_id=name,
                title=title,
                kind="photo" if kind == "photo" else "video" if kind else None,
                posted_at=posted_at,
                thumbnail_url=thumbnail_url or msgspec.UNSET,
                view_count=views,
                like_count=likes,
                comment_count=comments,
                share_count=shares,
                save_count=saves,
                **stated_attributes(attributes),
            ),
        )


def _outcome(
    event: e.ScrapeFailed, handle: str, *, recorded_at: datetime
) -> Iterator[Observation]:
    outcome = _OUTCOMES.get(event.outcome)
    if outcome is not None:
        yield Observation(
            observed_at=event.observed_at or recorded_at, handle=handle, outcome=outcome
        )
