"""Imports: find the observations of one time that are new, and the runs to store."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.messages import IMPORT_PROVIDER, Event, JobType, Outcome
from domain.scrape import commands as c
from domain.scrape import decider
from domain.scrape import events as e
from domain.scrape.events import VideoDetails
from domain.streams import Names
from domain.video.url import picture_path

# By the pseudonyms of videos.
KnownDetails = dict[str, VideoDetails]

# Two observations of a creator at one time with the same key are the same observation.
# VideoDetails are not part of the key, because a stored snapshot leaves out details
# that were known already.
ObservationKey = e.VideoCounts | c.ProfileSnapshot | str

_NOTHING: VideoDetails = (None, None, None, None)


class ObservedContent(msgspec.Struct, frozen=True, gc=False):
    """The content of one line: exactly one of a profile, a video and an outcome."""

    profile: c.ProfileSnapshot | None = None
    video: c.VideoSnapshot | None = None
    outcome: Outcome | None = None


ObservationLine = tuple[bytes, ObservedContent]
NewObservations = dict[ObservationKey, ObservationLine]


class RunContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content that one run can store: at most one profile, and each video once.

    It is in the order of the canonical lines, of whose text ``payload_sha256`` is the
    digest. The details of videos may be known already.
    """

    payload_sha256: str
    profile: c.ProfileSnapshot | None = None
    videos: c.VideoColumns = c.VideoColumns()


class ObservationGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The observations of one creator at one time in a recording.

    ``read_lines`` returns the canonical lines in the order of their text, with their
    content. ``content`` is set if one run can store all of it and the reader found that
    out anyway; reading the lines takes several times as long. ``scraped`` are the runs
    of the project itself that observed the creator at that time.
    """

    organization_id: UUID
    project_id: UUID
    creator_id: UUID
    handle: str
    observed_at: datetime
    read_lines: Callable[[], Sequence[ObservationLine]]
    content: RunContent | None = None
    scraped: Sequence[UUID] = ()


def are_distinct(lines: Sequence[ObservationLine]) -> bool:
    """Tell whether no two lines can be the same observation, as is almost always so."""
    names = {
        line if (video := observed.video) is None else video.tiktok_video_id
        for line, observed in lines
    }
    return len(names) == len(lines)


def distinct(lines: Sequence[ObservationLine]) -> NewObservations:
    """Return each observation once, with the first details that a line has for it."""
    found: NewObservations = {
        _key(observed): (line, observed) for line, observed in lines
    }
    if len(found) == len(lines):
        return found
    found.clear()
    for line, observed in lines:
        key = _key(observed)
        before = found.setdefault(key, (line, observed))
        if before[0] is not line:
            found[key] = (before[0], _merged(before[1], observed))
    return found


def take_out(new: NewObservations, stored: Sequence[Event], names: Names) -> None:
    """Remove the observations that a run has stored from the new ones."""
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
    """Add the video details of a stored run to the known ones."""
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

    One run has a profile and every video. Observations that contradict each other are
    stored by separate runs, and so is each outcome. Outcomes come last.
    """
    rest = [each for each in new if each[1].outcome is None]
    while rest:
        lines: list[bytes] = []
        later: list[ObservationLine] = []
        profile: c.ProfileSnapshot | None = None
        videos: dict[str, c.VideoSnapshot] = {}
        for line, observed in rest:
            video = observed.video
            if video is not None and video.tiktok_video_id not in videos:
                videos[video.tiktok_video_id] = video
            elif video is None and profile is None:
                profile = observed.profile
            else:
                later.append((line, observed))
                continue
            lines.append(line)
        content = RunContent(
            payload_sha256=sha256(b"\n".join(lines)).hexdigest(),
            profile=profile,
            videos=decider.columns_of(list(videos.values())),
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
    """Return the events of the run that stores the content.

    Add its details to ``known``.
    """
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
        c.RequestScrape(
            organization_id=group.organization_id,
            project_id=group.project_id,
            creator_id=group.creator_id,
            handle=group.handle,
            job_type=job_type,
            trigger="imported",
        ),
    )
    return [*requested, *decider.decide(decider.evolve(None, requested[0]), command)]


def _key(observed: ObservedContent) -> ObservationKey:
    video = observed.video
    if video is not None:
        return (
            video.tiktok_video_id,
            video.view_count,
            video.like_count,
            video.comment_count,
            video.share_count,
            video.save_count,
        )
    key = observed.profile or observed.outcome
    assert key is not None, "an observation is one of the three"
    return key


def _merged(first: ObservedContent, other: ObservedContent) -> ObservedContent:
    if first.video is None or other.video is None:
        return first
    stated: KnownDetails = {}
    _remember(stated, "", _details(other.video))
    _remember(stated, "", _details(first.video))
    kind, title, posted_at, thumbnail_url = stated.get("", _NOTHING)
    return ObservedContent(
        video=replace(
            first.video,
            kind=kind,
            title=title,
            posted_at=posted_at,
            thumbnail_url=thumbnail_url,
        )
    )


def _news(videos: c.VideoColumns, known: KnownDetails, names: Names) -> c.NamedVideos:
    """Return the videos without details that are known, and add the new ones."""
    ids = tuple(map(names.pseudonym, videos.video_ids))
    before = list(map(known.get, ids))
    named = decider.named(videos, names, is_known=[old is not None for old in before])
    pictures = videos.thumbnail_urls or (None,) * len(videos.video_ids)
    columns = (videos.kinds, videos.titles, videos.posted_at, pictures)
    stated: list[VideoDetails] = list(zip(*columns, strict=True))
    if before == stated:
        # The usual case by far, which needs no loop over the videos.
        return replace(named, kinds=(), titles=(), posted_at=(), thumbnail_urls=())
    news: list[VideoDetails] = []
    for video_id, old, new in zip(ids, before, stated, strict=True):
        _remember(known, video_id, new)
        kind, title, posted_at, thumbnail_url = new
        if old is not None:
            kind = None if kind == old[0] else kind
            title = None if title == old[1] else title
            posted_at = None if posted_at == old[2] else posted_at
            is_same = picture_path(thumbnail_url) == picture_path(old[3])
            thumbnail_url = None if is_same else thumbnail_url
        news.append((kind, title, posted_at, thumbnail_url))
    kinds, titles, posted, pictures = zip(*news, strict=True)
    return replace(
        named, kinds=kinds, titles=titles, posted_at=posted, thumbnail_urls=pictures
    )


def _details(video: c.VideoSnapshot) -> VideoDetails:
    return video.kind, video.title, video.posted_at, video.thumbnail_url


def _remember(known: KnownDetails, video_id: str, details: VideoDetails) -> None:
    before = known.get(video_id)
    if before is None:
        known[video_id] = details
    elif before != details:
        kind, title, posted_at, thumbnail_url = details
        known[video_id] = (
            before[0] if kind is None else kind,
            before[1] if title is None else title,
            before[2] if posted_at is None else posted_at,
            before[3] if thumbnail_url is None else thumbnail_url,
        )
