"""The merging of single videos into the same videos of a creator."""

from collections import defaultdict
from collections.abc import Collection, Generator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from uuid import UUID

import msgspec
from msgspec import UNSET

from domain import commands as c
from domain import events as e
from domain.annotation.decider import annotation_of
from domain.annotation.decider import decide as decide_annotation
from domain.campaign.commands import CampaignItem
from domain.campaign.decider import campaign_of
from domain.campaign.decider import decide as decide_campaign
from domain.campaign.decider import evolve as evolve_campaign
from domain.campaign.membership import campaigns_with, joined, left
from domain.decisions import Histories, StreamEvent, decide_all, on
from domain.messages import IMPORT_PROVIDER
from domain.scrape.requests import VIDEO_JOB_TYPE
from domain.streams import membership_stream, merged_annotation, merged_run_stream
from domain.tags import MAX_TAGS, tag_key
from domain.video.decider import VideoState, decide, evolve, video_of


class SingleObservation(msgspec.Struct, frozen=True):
    """The counters of a single video at a time, null where the source left one out."""

    observed_at: datetime
    provider: str
    views: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    saves: int | None = None


class SingleVideo(msgspec.Struct, frozen=True):
    """A video that was added by its URL, and the creator's video that it may be.

    ``annotation_ids`` are the notes on the single video. ``observations`` are
    the single video's, which will also count for the creator's video.
    """

    video_id: UUID
    into_video_id: UUID
    annotation_ids: Sequence[UUID] = ()
    observations: Sequence[SingleObservation] = ()


class Merging(msgspec.Struct, frozen=True):
    """The events that merge videos, and the guards that they need."""

    events: list[StreamEvent]
    guards: list[UUID]


def merge_videos(
    singles: Collection[SingleVideo],
    creators_videos: Mapping[UUID, VideoState],
    creator_id: UUID,
    *,
    may_uncount: bool = True,
) -> Generator[Collection[UUID], Histories, Merging]:
    """Merge single videos into the same videos of a creator in their project.

    ``creators_videos`` are the creator's videos by stream. A stream that is not a
    single video any more stays as it is. The creator's video gets the notes, tags,
    campaigns and observations of the single one. If people decided whether the single
    video counts, their decision holds for the creator's video, except that without
    ``may_uncount`` a video never ceases to count, because earlier numbers must stay. A
    handler uses it with ``yield from``.
    """
    singles = [each for each in singles if each.into_video_id in creators_videos]
    histories = yield [each.video_id for each in singles]
    found: list[tuple[SingleVideo, VideoState]] = []
    for each in singles:
        video = video_of(histories[each.video_id])
        into = creators_videos[each.into_video_id]
        if video is not None and _is_same(video, into):
            found.append((each, video))
    events: list[StreamEvent] = []
    for each, video in found:
        merge = c.MergeVideo(creator_id=creator_id, into_video_id=each.into_video_id)
        events += on(each.video_id, decide(video, merge))
        into = creators_videos[each.into_video_id]
        taken_over = _taken_over(video, into, may_uncount=may_uncount)
        events += on(each.into_video_id, taken_over)
        events += yield from _notes(each, video)
        version = len(histories[each.video_id])
        events += _observations(each, into, creator_id, version=version)
    events += yield from _campaigns([each for each, _ in found], creator_id)
    appended = {stream for stream, _ in events}
    guards = [
        *(each.video_id for each in singles),
        *(each.into_video_id for each, _ in found),
        *(membership_stream(each.video_id) for each, _ in found),
    ]
    return Merging(events, [each for each in guards if each not in appended])


def _is_same(video: VideoState, into: VideoState) -> bool:
    return (
        video.creator_id is None
        and video.merged_into is None
        and video.organization_id == into.organization_id
        and video.tiktok_video_id == into.tiktok_video_id
    )


def _taken_over(
    video: VideoState, into: VideoState, *, may_uncount: bool
) -> list[e.VideoEvent]:
    """Return the events with which the creator's video gets decisions and notes."""
    commands: list[c.VideoCommand] = []
    if video.is_counted and not into.is_counted:
        commands.append(c.IncludeVideo())
    elif into.is_counted and not video.is_counted and may_uncount:
        is_excluded = video.tracking_status == "excluded"
        commands.append(c.ExcludeVideo() if is_excluded else c.DisableTracking())
    commands.append(_details(video, into))
    events: list[e.VideoEvent] = []
    for command in commands:
        decided = decide(into, command)
        into = reduce(evolve, decided, into)
        events += decided
    return events


def _details(video: VideoState, into: VideoState) -> c.ChangeVideoDetails:
    """Return both videos' notes and tags; the creator's video's text has precedence."""
    tags = {tag_key(tag): tag for tag in [*video.tags, *into.tags]}
    own = [tag_key(tag) for tag in into.tags]
    keys = list(dict.fromkeys([*own, *tags]))[:MAX_TAGS]
    return c.ChangeVideoDetails(
        description=UNSET if into.description else video.description,
        readme=UNSET if into.readme else video.readme,
        metadata={**video.metadata, **into.metadata},
        tags=[tags[key] for key in keys],
    )


def _notes(
    single: SingleVideo, video: VideoState
) -> Generator[Collection[UUID], Histories, list[StreamEvent]]:
    """Return the events that move the notes to the creator's video."""
    renoted = {each: merged_annotation(each) for each in single.annotation_ids}
    # The subjects of the texts follow from the histories of both videos.
    histories = yield (*renoted, *renoted.values(), single.into_video_id)
    events: list[StreamEvent] = []
    for annotation_id, new_id in renoted.items():
        note = annotation_of(histories[annotation_id])
        if note is None or note.is_deleted:
            continue
        events += on(annotation_id, decide_annotation(note, c.DeleteAnnotation()))
        added = c.AddAnnotation(
            organization_id=video.organization_id,
            scope="video",
            scope_id=single.into_video_id,
            project_id=video.project_id,
            starts_on=note.starts_on,
            ends_on=note.ends_on,
            text=note.text,
        )
        events += on(new_id, decide_annotation(annotation_of(histories[new_id]), added))
    return events


def _observations(
    single: SingleVideo, into: VideoState, creator_id: UUID, *, version: int
) -> list[StreamEvent]:
    """Return a run of the creator with the observations of the single video.

    ``version`` is that of the single video's stream. A video that is added again and
    merged again gets a run of its own.
    """
    if not single.observations:
        return []
    snapshots = [
        e.VideoStatsSnapshotRecorded(
            organization_id=into.organization_id,
            project_id=into.project_id,
            # The creator was not observed then, which decides about baselines.
            creator_id=None,
            observed_at=each.observed_at,
            provider=each.provider,
            video_ids=(into.pseudonym,),
            view_counts=(each.views,),
            like_counts=(each.likes,),
            comment_counts=(each.comments,),
            share_counts=(each.shares,),
            save_counts=(each.saves,),
            has_pseudonyms=True,
        )
        for each in single.observations
    ]
    requested = e.ScrapeRequested(
        organization_id=into.organization_id,
        project_id=into.project_id,
        creator_id=creator_id,
        handle=into.handle,
        job_type=VIDEO_JOB_TYPE,
        trigger="imported",
        video_id=single.into_video_id,
    )
    ended = e.ScrapeSucceeded(
        organization_id=into.organization_id,
        creator_id=creator_id,
        job_type=VIDEO_JOB_TYPE,
        provider=IMPORT_PROVIDER,
        attempts=1,
        observed_at=snapshots[-1].observed_at,
        duration_ms=0,
        videos_observed=1,
    )
    run = merged_run_stream(single.video_id, version)
    return on(run, [requested, *snapshots, ended])


def _campaigns(
    singles: Sequence[SingleVideo], creator_id: UUID
) -> Generator[Collection[UUID], Histories, list[StreamEvent]]:
    """Return the events that replace single videos in campaigns."""
    streams = {each.video_id: membership_stream(each.video_id) for each in singles}
    memberships = yield (
        *streams.values(),
        *(membership_stream(each.into_video_id) for each in singles),
    )
    places: dict[UUID, list[SingleVideo]] = defaultdict(list)
    for each in singles:
        for campaign_id in campaigns_with(memberships[streams[each.video_id]]):
            places[campaign_id].append(each)
    campaigns = yield places.keys()
    events: list[StreamEvent] = []
    for campaign_id, those in places.items():
        campaign = campaign_of(campaigns[campaign_id])
        assert campaign is not None, "the campaign has items"
        organization_id = campaign.organization_id
        leaving = [CampaignItem("video", each.video_id) for each in those]
        joining = [CampaignItem("video", each.into_video_id) for each in those]
        if CampaignItem("creator", creator_id) in campaign.items:
            joining = []
        joining = [item for item in joining if item not in campaign.items]
        commands = [
            c.RemoveCampaignItems(items=tuple(leaving)),
            c.AddCampaignItems(items=tuple(joining)),
        ]
        changes = decide_all(
            campaign,
            commands,
            decide=decide_campaign,
            evolve=evolve_campaign,
        )
        events += on(campaign_id, changes)
        for how, items in ((left, leaving), (joined, joining)):
            events += [
                how(item, campaign_id, organization_id=organization_id)
                for item in items
            ]
    return events
