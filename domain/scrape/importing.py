"""Imports: the observations of one time that are new, and the runs that store them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from operator import itemgetter
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.messages import IMPORT_PROVIDER, Event, JobType, copied
from domain.scrape import commands as c
from domain.scrape import decider
from domain.scrape import events as e
from domain.scrape.events import VideoDetails
from domain.scrape.recorded_lines import (
    NewObservations,
    ObservationLine,
    ObservedContent,
    key_of,
)
from domain.streams import Names
from domain.video.attributes import changed, merged, values_of
from domain.video.url import picture_path

# The details of videos, by pseudonym.
KnownDetails = dict[str, VideoDetails]

# The columns of VideoDetails, in their order.
_DETAIL_COLUMNS = ("kinds", "titles", "posted_at", "thumbnail_urls", "attributes")
_NOTHING: VideoDetails = (None, None, None, None, None)


class RunContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content that one run can store: at most one profile, and each video once.

    ``payload_sha256`` is the digest of the canonical lines, in their order. The details
    of videos may be known already.
    """

    payload_sha256: str
    profile: c.ProfileSnapshot | None = None
    videos: c.VideoColumns = c.VideoColumns()


class ObservationGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The observations of one creator at one time in a recording.

    ``read_lines`` returns the canonical lines in the order of the recording, with their
    content. ``content`` is set if one run can store everything and the reader found
    that out in passing, because reading the lines takes several times as long.
    ``scraped`` are the project's own runs that observed the creator at that time.
    """

    organization_id: UUID
    project_id: UUID
    creator_id: UUID
    handle: str
    observed_at: datetime
    read_lines: Callable[[], Sequence[ObservationLine]]
    content: RunContent | None = None
    scraped: Sequence[UUID] = ()


def distinct(lines: Sequence[ObservationLine]) -> NewObservations:
    """Return each observation once, with the first details that a line has for it.

    An observation has the place of the last of its lines.
    """
    found: NewObservations = {
        key_of(observed): (line, observed) for line, observed in lines
    }
    if len(found) == len(lines):
        return found
    found.clear()
    for line, observed in lines:
        key = key_of(observed)
        both = (found.pop(key, (line, observed)), (line, observed))
        first, other = sorted(both, key=itemgetter(0))
        found[key] = first[0], _merged(first[1], other[1])
    return found


def take_out(new: NewObservations, stored: Sequence[Event], names: Names) -> None:
    """Remove the observations that a stored run has from the new ones."""
    ids = {
        names.pseudonym(video.tiktok_video_id): video.tiktok_video_id
        for _, observed in new.values()
        if (video := observed.video) is not None
    }
    for event in stored:
        match event:
            case e.VideoStatsSnapshotRecorded():
                for counts in event.counts():
                    if (video_id := ids.get(counts[0])) is not None:
                        new.pop((video_id, *counts[1:]), None)
            case e.ProfileSnapshotRecorded():
                profile = msgspec.convert(
                    event, c.ProfileSnapshot, from_attributes=True
                )
                new.pop(profile, None)
            case e.ScrapeFailed(outcome=outcome) if outcome is not None:
                new.pop(outcome, None)
            case _:
                pass


def learn(known: KnownDetails, stored: Sequence[Event]) -> None:
    """Add the video details of a stored run to the known details."""
    for event in stored:
        if not isinstance(event, e.VideoStatsSnapshotRecorded):
            continue
        for video_id, stated in zip(event.video_ids, event.details(), strict=True):
            _remember(known, video_id, stated)


def runs_of(
    group: ObservationGroup,
    new: Sequence[ObservationLine],
    known: KnownDetails,
    names: Names,
) -> Iterator[list[e.ScrapeEvent]]:
    """Yield the events of each run that stores the new observations; add to ``known``.

    One run has a profile and each video once. Observations that contradict each other
    are stored by separate runs, because the observation that is stored last counts: a
    later line of the recording goes into a later run, and exact observations follow
    rounded ones. Each outcome is a run of its own, after all observations.
    """
    rest = [each for each in new if each[1].outcome is None]
    rest.sort(key=lambda each: not each[1].is_rounded)
    while rest:
        taken: list[ObservationLine] = []
        later: list[ObservationLine] = []
        profile: c.ProfileSnapshot | None = None
        videos: set[str] = set()
        for line, observed in rest:
            video = observed.video
            if video is not None and video.tiktok_video_id not in videos:
                videos.add(video.tiktok_video_id)
            elif video is None and profile is None:
                profile = observed.profile
            else:
                later.append((line, observed))
                continue
            taken.append((line, observed))
        # Nothing within a run contradicts, so it keeps the order of lines.
        taken.sort(key=itemgetter(0))
        found = [each.video for _, each in taken if each.video is not None]
        content = RunContent(
            payload_sha256=sha256(b"\n".join(line for line, _ in taken)).hexdigest(),
            profile=profile,
            videos=decider.columns_of(found),
        )
        yield run_of(group, content, known, names)
        rest = later
    for _, observed in new:
        if observed.outcome is not None:
            yield _run(
                group,
                "creator_profiles",
                c.RecordFailure(
                    provider=IMPORT_PROVIDER,
                    attempts=1,
                    error="Imported: a recording says so.",
                    outcome=observed.outcome,
                    observed_at=group.observed_at,
                ),
            )


def run_of(
    group: ObservationGroup, content: RunContent, known: KnownDetails, names: Names
) -> list[e.ScrapeEvent]:
    """Return the events of the run that stores the content; add to ``known``."""
    return _run(
        group,
        "discover_videos" if content.videos.video_ids else "creator_profiles",
        c.RecordResult(
            provider=IMPORT_PROVIDER,
            observed_at=group.observed_at,
            attempts=1,
            duration_ms=0,
            profile=content.profile,
            videos=_news(content.videos, known, names),
            payload_sha256=content.payload_sha256,
        ),
    )


def _run(
    group: ObservationGroup,
    job_type: JobType,
    command: c.RecordResult | c.RecordFailure,
) -> list[e.ScrapeEvent]:
    requested = decider.decide(
        None,
        copied(group, c.RequestScrape, job_type=job_type, trigger="imported"),
    )
    return [*requested, *decider.decide(decider.evolve(None, requested[0]), command)]


def _merged(first: ObservedContent, other: ObservedContent) -> ObservedContent:
    if first.video is None or other.video is None:
        return first
    stated: KnownDetails = {}
    _remember(stated, "", _details(other.video))
    _remember(stated, "", _details(first.video))
    kind, title, posted_at, thumbnail_url, attributes = stated.get("", _NOTHING)
    return ObservedContent(
        video=replace(
            first.video,
            kind=kind,
            title=title,
            posted_at=posted_at,
            thumbnail_url=thumbnail_url,
            **values_of(attributes),
        )
    )


def _news(videos: c.VideoColumns, known: KnownDetails, names: Names) -> c.NamedVideos:
    """Return the videos without known details, and add the new details to ``known``."""
    ids = tuple(map(names.pseudonym, videos.video_ids))
    before = list(map(known.get, ids))
    named = decider.named(videos, names, is_known=[old is not None for old in before])
    nothing = (None,) * len(videos.video_ids)
    columns = (
        *(videos.kinds, videos.titles, videos.posted_at),
        *(videos.thumbnail_urls or nothing, videos.attributes or nothing),
    )
    stated: list[VideoDetails] = list(zip(*columns, strict=True))
    if before == stated:
        # Usually all details are known, and this needs no loop over the videos.
        return replace(named, **dict.fromkeys(_DETAIL_COLUMNS, ()))
    news: list[VideoDetails] = []
    for video_id, old, new in zip(ids, before, stated, strict=True):
        _remember(known, video_id, new)
        kind, title, posted_at, thumbnail_url, attributes = new
        if old is not None:
            kind = None if kind == old[0] else kind
            title = None if title == old[1] else title
            posted_at = None if posted_at == old[2] else posted_at
            is_same = picture_path(thumbnail_url) == picture_path(old[3])
            thumbnail_url = None if is_same else thumbnail_url
            attributes = changed(old[4], attributes)
        news.append((kind, title, posted_at, thumbnail_url, attributes))
    return replace(
        named, **dict(zip(_DETAIL_COLUMNS, zip(*news, strict=True), strict=True))
    )


def _details(video: c.VideoSnapshot) -> VideoDetails:
    return (
        *(video.kind, video.title, video.posted_at),
        *(video.thumbnail_url, video.attributes),
    )


def _remember(known: KnownDetails, video_id: str, details: VideoDetails) -> None:
    before = known.get(video_id)
    if before is None:
        known[video_id] = details
    elif before != details:
        kind, title, posted_at, thumbnail_url, attributes = details
        known[video_id] = (
            before[0] if kind is None else kind,
            before[1] if title is None else title,
            before[2] if posted_at is None else posted_at,
            before[3] if thumbnail_url is None else thumbnail_url,
            merged(before[4], attributes),
        )
